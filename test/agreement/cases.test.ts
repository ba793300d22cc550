/**
 * The law over the policies of the conformance cases: for every policy that has a plan, the models of its plan answer what
 * the policy's enforced rules answer; the others are refused by name.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { type ChooseOptions, choosePlan } from '../../lib/plan/choose.ts'
import { landlockAccessOf } from '../../lib/plan/linux/landlock-view.ts'
import { type HostKinds, makeMountView } from '../../lib/plan/linux/mount-view.ts'
import type { LinuxPlan } from '../../lib/plan/plan.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from '../../lib/policy/parse.ts'
import { type AbsolutePath, contains, normalizeAbsolute } from '../../lib/policy/path.ts'
import type { Policy } from '../../lib/policy/policy.ts'
import { enforcedAccessOf, resolvePolicy } from '../../lib/policy/resolve.ts'
import type { Access, ResolvedPolicy, Surroundings } from '../../lib/policy/types.ts'
import { fullMachine } from '../plan/linux/capabilities.ts'
import { memoryFiles, type TreeWords } from './memory-files.ts'
import { kindsOf, probePaths } from './rule-trees.ts'

interface Case {
  readonly id: string
  readonly note: string
  readonly tree: TreeWords
  readonly env: { readonly TMPDIR?: string; readonly HOME?: string }
  readonly placement?: string
  readonly cwd: string
  readonly processCwd?: string
  readonly fs?: object
  readonly legacy?: object
  readonly network?: 'restricted' | 'enabled'
}

/** The machine around the case: a merged /usr, as the platform defaults find it. */
const machine: TreeWords = {
  dirs: ['/usr/bin', '/usr/lib', '/etc', '/dev', '/proc'],
  links: { '/bin': 'usr/bin', '/lib': 'usr/lib' },
}

const document = readFileSync(new URL('../conformance/cases/policy.json', import.meta.url), 'utf8')
const cases = (JSON.parse(document) as { readonly cases: readonly Case[] }).cases.filter(
  given => given.fs !== undefined || given.legacy !== undefined,
)

function policiesOf(given: Case): Policy[] {
  const base = given.cwd as AbsolutePath
  const list: Policy[] = []
  if (given.fs !== undefined) {
    const fileSystem = parseFileSystemPolicy(given.fs, { base })
    list.push({ form: 'split', fileSystem, network: given.network ?? 'restricted' })
  }
  if (given.legacy !== undefined) list.push({ form: 'legacy', legacy: parseLegacyPolicy(given.legacy, { base }) })
  return list
}

function filled(given: Case): Case {
  const root = given.placement === 'slash-tmp' ? '/tmp/case' : '/srv/case'
  return JSON.parse(JSON.stringify(given).replaceAll('${' + 'ROOT}', root)) as Case
}

function resolvedOf(given: Case): ResolvedPolicy[] {
  const base = given.placement === 'slash-tmp' ? '/tmp/case' : '/srv/case'
  const files = memoryFiles(base, {
    dirs: [...machine.dirs!, ...(given.tree.dirs ?? [])],
    files: given.tree.files ?? {},
    links: { ...machine.links, ...given.tree.links },
  })
  const surroundings: Surroundings = {
    policyCwd: normalizeAbsolute(given.cwd),
    processCwd: (given.processCwd ?? base) as AbsolutePath,
    temporaryDirectory: given.env.TMPDIR,
    home: given.env.HOME,
    files,
  }
  return policiesOf(given).map(policy => resolvePolicy(policy, surroundings))
}

const rank: Readonly<Record<Access, number>> = { none: 0, read: 1, write: 2 }

function modelOf(plan: LinuxPlan, kinds: HostKinds): (path: AbsolutePath) => Access {
  if (plan.mounts !== null) {
    const view = makeMountView(plan.mounts, kinds)
    return path => view.at(path).access
  }
  const { landlock } = plan
  return plan.engine === 'landlock' && landlock !== null ? path => landlockAccessOf(landlock, path) : () => 'write'
}

/** Private to every command, or not a canonical path. */
function isOutsideLaw(resolved: ResolvedPolicy, path: AbsolutePath): boolean {
  if (contains('/dev' as AbsolutePath, path) || contains('/proc' as AbsolutePath, path)) return true
  return resolved.rules.some(rule => rule.target === 'symlink' && contains(rule.path, path))
}

function disagreements(resolved: ResolvedPolicy, plan: LinuxPlan): string[] {
  const model = modelOf(plan, kindsOf(resolved))
  return probePaths(resolved).flatMap(path => {
    if (isOutsideLaw(resolved, path)) return []
    const { access: wanted, rule } = enforcedAccessOf(resolved, path)
    const given = model(path)
    // Nothing is there to be read or closed; what counts is that it cannot be made.
    const missing = resolved.rules.some(other => other.target === 'missing' && contains(other.path, path))
    if (missing && (given !== 'write' || wanted === 'write')) return []
    const declared = rule?.origin.kind === 'protection' && plan.limits.some(({ code }) => code === 'protected-paths')
    if (declared && rank[given] >= rank[wanted]) return []
    return given === wanted ? [] : [`${path}: policy ${wanted}, model ${given}`]
  })
}

/** What no engine can hold: a denial of a place that is not known, and patterns that nobody looks for here. */
function meaninglessIn({ fileSystem }: ResolvedPolicy): string | null {
  const isUnknown = fileSystem.entries.some(
    ({ path, access }) => access === 'none' && path.type === 'special' && path.value.kind === 'unknown',
  )
  if (isUnknown) return 'special paths'
  return fileSystem.entries.some(({ path }) => path.type === 'glob_pattern') ? 'glob snapshot' : null
}

function choose(resolved: ResolvedPolicy, options: Partial<ChooseOptions>) {
  return choosePlan({ resolved, capabilities: fullMachine, options: { guardTag: false, ...options } })
}

const engines = [['namespace'], ['bwrap'], ['landlock']] as const

describe.each(engines)('the plan of the engine %s', engine => {
  const tally = { held: 0, refused: 0 }

  it.each(cases.map(given => [given.id, given.note, given] as const))('agrees with %s: %s', (_id, _note, given) => {
    for (const resolved of resolvedOf(filled(given))) {
      const choice = choose(resolved, { engines: [engine] })
      if ('plan' in choice) {
        tally.held++
        expect(disagreements(resolved, choice.plan)).toEqual([])
        continue
      }
      tally.refused++
      expect(choice.refusal.kind).toBe('not-enforceable')
      const meaningless = meaninglessIn(resolved)
      expect(choice.refusal.mechanism).toBe(meaningless ?? (engine === 'landlock' ? 'landlock' : 'mount plan'))
      // A refusal of mounts has a reason that the disk shows: a link, or something that is not there yet.
      if (engine !== 'landlock' && meaningless === null)
        expect(choice.refusal.message).toMatch(/symbolic link|does not exist/)
    }
  })

  it('exists for most of them', () => {
    const share = tally.held / (tally.held + tally.refused)
    expect(share).toBeGreaterThan(engine === 'landlock' ? 0.4 : 0.85)
  })
})
