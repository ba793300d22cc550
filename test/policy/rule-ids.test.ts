/**
 * Every rule of the policy model by its id, and where it is proven. Most ids are those of conformance cases, which the suite runs;
 * the others name the file and the title of a test. A rule that is no business of this library says whose it is.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const cases = JSON.parse(readFileSync(new URL('test/conformance/cases/policy.json', root), 'utf8')).cases as {
  readonly rule: string
  readonly era: string
}[]

/** Highest number of each chapter of the first model; rules are numbered without gaps. */
const chapters: Readonly<Record<string, number>> = {
  WIRE: 11,
  PATH: 6,
  SPEC: 1,
  ACC: 12,
  DISK: 7,
  ROOT: 10,
  META: 9,
  LEG: 6,
  CONV: 9,
  EQ: 10,
  PAIR: 8,
  PLAT: 3,
  WIN: 3,
  ADD: 8,
  MAC: 7,
  CFG: 8,
  FLOW: 4,
  L4: 9,
  L6: 14,
}

type Proof = readonly [file: string, title: string]

const tests: Readonly<Record<string, Proof>> = {
  'PATH-4': ['test/policy/properties.test.ts', 'answers what the rule says one entry at a time'],
  'PATH-5': ['test/policy/properties.test.ts', 'are what the nearest resolvable ancestor gives'],
  'PATH-6': ['test/policy/host-view.test.ts', 'take HOME and TMPDIR as given and make the working directory absolute'],
  'SPEC-1': ['test/policy/properties.test.ts', 'answers what the rule says one entry at a time'],
  'ROOT-4': ['test/policy/properties.test.ts', 'say what the root lists of the specification say'],
  'ROOT-7': ['test/enforcement/writes.test.ts', 'holds a carve-out spelled by its real path under a root spelled'],
  'PLAT-3': ['test/plan/choose.test.ts', 'tells programs that the network is closed exactly when it is'],
  'WIN-3': ['test/conformance/cases/windows.json', 'command env TEMP and TMP win over the host values'],
  'MAC-7': ['test/plan/macos/golden.test.ts', 'automation-bundles'],
  'L4-1': ['test/policy/glob.test.ts', '%s stands for %s and not for %s'],
  'L4-7': ['test/policy/workspace-roots.test.ts', 'keeps the denials and how deep patterns are looked for'],
  'L4-9': ['test/plan/windows/answer.test.ts', 'split-not-round-trippable'],
  'L6-13': ['test/policy/workspace-roots.test.ts', 'says of each what it says of the workspace, and the rest once'],
  'L6-14': ['test/policy/workspace-roots.test.ts', 'is what the policy converts to, and made of its writable roots'],
}

/** A later model's rule whose answers are those of cases under another id. */
const sameAs: Readonly<Record<string, string>> = {
  // Explicit protections in the split form.
  'L4-2': 'L6-11',
  // Paths that keep their links.
  'L4-3': 'L6-8',
  // A missing .codex, and what an entry lifts.
  'L4-4': 'L6-7',
  // The flags of a conversion.
  'L4-5': 'L6-10',
  // The signature.
  'L4-6': 'L6-10',
  // Additional permissions as entries.
  'L4-8': 'L6-12',
}

/** Sessions, approval and configuration layers of a product: a host decides them, with what this library gives. */
const ofTheHost = ['ADD-7', 'ADD-8', 'FLOW-1', 'FLOW-2', 'FLOW-3', 'FLOW-4']

const ids = Object.entries(chapters).flatMap(([chapter, count]) =>
  Array.from({ length: count }, (_, index) => `${chapter}-${index + 1}`),
)
const byCases = new Set(cases.map(({ rule }) => rule))

describe('the rules of the policy model', () => {
  it.each(ids)('%s is proven', id => {
    const proof = tests[id]
    if (proof !== undefined) {
      const [file, title] = proof
      const url = new URL(file, root)
      expect(existsSync(url) && readFileSync(url, 'utf8').includes(title), `${file}: ${title}`).toBe(true)
    } else if (!ofTheHost.includes(id)) expect(byCases).toContain(sameAs[id] ?? id)
  })

  it('have no case with an id that is none', () => {
    expect([...byCases].filter(id => !ids.includes(id))).toEqual([])
  })
})
