/**
 * The law for Seatbelt: for every policy and path, what the machine answers from the text of the profile, in every world
 * that the documentation leaves open, is what the policy's rules answer.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { parseMacosGrants } from '../../lib/plan/macos/grants.ts'
import { closedNetwork } from '../../lib/plan/macos/network.ts'
import { makeProfile, type Profile } from '../../lib/plan/macos/profile.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { loadLibrary, profileOfCase, runCase, type SeatbeltCase } from '../conformance/seatbelt-semantics.mjs'
import { ruleBushes, ruleBushesWithGaps, ruleNests } from './rule-trees.ts'
import { fuzz } from './seatbelt-fuzz.mjs'
import { disagreements, probesOf } from './seatbelt-law.mjs'
import { mutantsOf } from './seatbelt-mutants.mjs'

function profileOf(resolved: ResolvedPolicy): Profile {
  return makeProfile({
    resolved,
    network: closedNetwork,
    grants: parseMacosGrants(null),
    globs: [],
    home: null,
    userCacheDirectory: null,
    canonical: path => path,
    options: {},
  })
}

let library: object

beforeAll(async () => {
  const load = (module: string) => import(/* @vite-ignore */ `../../lib/${module}.ts`) as Promise<object>
  library = Object.assign({}, await loadLibrary(load), await load('policy/access'))
})

describe('a Seatbelt profile agrees with the rules', () => {
  it.each([
    ['trees of directories and files', ruleBushes],
    ['trees with gaps', ruleBushesWithGaps],
    ['nests of none, read and write of any depth', ruleNests],
  ])('for random %s', (_name, policies) => {
    fc.assert(
      fc.property(policies, resolved => {
        expect(disagreements(resolved.rules, profileOf(resolved), probesOf(resolved.rules), library).found).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  it('and with the policy for random policies on random disks', () => {
    const { found, checks, words } = fuzz({ checks: 200_000, seed: 20_260_328, library })
    expect(found).toEqual([])
    expect(checks).toBeGreaterThanOrEqual(200_000)
    expect(words).toBeGreaterThan(500)
  })
})

interface CaseDocument {
  readonly cases: readonly SeatbeltCase[]
}

describe('a mistake in a profile', () => {
  const documents = ['macos', 'macos-more'].map(
    name =>
      JSON.parse(readFileSync(new URL(`../conformance/cases/${name}.json`, import.meta.url), 'utf8')) as CaseDocument,
  )

  it('is found by the cases or the law, whichever rule it is in', () => {
    const cases = documents.flatMap(document =>
      document.cases
        .filter(({ expectError }) => expectError === undefined)
        .map(given => ({ given, document, profile: profileOfCase(given, library, document).profile })),
    )
    const mutants = mutantsOf(
      cases.map(({ profile }) => profile),
      library,
    )
    const missed = mutants.filter(({ alter }) => {
      const failing = cases.some(({ given, document, profile }) => {
        if (alter(profile).text === profile.text) return false
        return runCase(given, library, document, alter).some(({ outcome }) => outcome === 'failed')
      })
      return !failing && fuzz({ checks: 20_000, seed: 7, library, alter }).found.length === 0
    })
    // The names of what was missed are what a failure of this test shows.
    expect(mutants.length).toBeGreaterThan(150)
    expect(missed.filter(({ name }) => name.includes('default)'))).toEqual([])
    expect(
      missed.map(({ name }) => name).slice(0, Math.max(0, missed.length - Math.floor(mutants.length * 0.05))),
    ).toEqual([])
  }, 600_000)
})
