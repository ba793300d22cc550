/** Which policies macOS holds, with what, and what it refuses. */
import { describe, expect, it } from 'vitest'

import type { DarwinCapabilities } from '../../../lib/host/capabilities.ts'
import { choosePlan } from '../../../lib/plan/choose.ts'
import { explainPath } from '../../../lib/plan/explain.ts'
import { assumedMac, macosAnswer } from '../../../lib/plan/macos/answer.ts'
import { parseMacosGrants } from '../../../lib/plan/macos/grants.ts'
import { renderPlan } from '../../../lib/plan/render.ts'
import { canonicalPaths } from '../../../lib/policy/canonical.ts'
import { resolvePolicy } from '../../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../../lib/policy/sandbox-policy.ts'
import { path, surroundingsIn, type Tree } from '../../policy/fake-files.ts'
import { macTree } from './questions.ts'

const missing = { available: false, how: 'it was taken away' }

function asked(policy: unknown, capabilities: Partial<DarwinCapabilities> = {}, tree: Tree = macTree) {
  const surroundings = surroundingsIn(tree, { cwd: '/Users/u/repo', home: '/Users/u', tmpdir: '/var/folders/T' })
  const resolved = resolvePolicy(parseSandboxPolicy(policy), surroundings)
  const { canonical } = canonicalPaths(surroundings.files)
  const macos = { surroundings, canonical, grants: parseMacosGrants(null) }
  const choice = choosePlan({
    resolved,
    capabilities: { ...assumedMac, ...capabilities },
    options: { guardTag: false, macos },
  })
  return { choice, resolved, surroundings, canonical }
}

function planOf(...question: Parameters<typeof asked>) {
  const { choice } = asked(...question)
  if ('refusal' in choice || choice.plan.kind !== 'macos') throw new Error('no plan of macOS')
  return { plan: choice.plan, notices: choice.notices.map(({ code }) => code) }
}

const split = (entries: readonly (readonly [string, string])[]) => ({
  kind: 'restricted',
  entries: entries.map(([given, access]) => ({ path: { type: 'path', path: given }, access })),
})

describe('a policy on macOS', () => {
  it('is held by a profile that the helper applies, and says so to the command', () => {
    const { plan, notices } = planOf('workspace-write')
    expect(plan).toMatchObject({
      engine: 'seatbelt',
      starter: { kind: 'helper', path: assumedMac.helper.path },
      environment: { CODEX_SANDBOX: 'seatbelt', CODEX_SANDBOX_NETWORK_DISABLED: '1' },
      limits: [],
    })
    expect(notices).toEqual(['seatbelt-never-executed'])
    expect(Object.isFrozen(plan.profile)).toBe(true)
  })

  it('has one digest for one meaning, and another for another', () => {
    expect(planOf('read-only').plan.digest).toBe(planOf('read-only').plan.digest)
    expect(planOf('read-only').plan.digest).not.toBe(planOf('workspace-write').plan.digest)
  })

  it('does not tell of a closed network where it is open', () => {
    const open = planOf({ type: 'read-only', network_access: true }).plan
    expect(open.environment).toEqual({ CODEX_SANDBOX: 'seatbelt' })
  })

  it.each([
    ['danger-full-access', {}],
    [{ type: 'external-sandbox', network_access: 'restricted' }, {}],
  ])('is not confined where it closes nothing or is the host’s business: %j', (policy, environment) => {
    // Also where no process can be confined.
    const { plan } = planOf(policy, { sandboxed: true, seatbelt: missing, helper: { ...missing, path: null } })
    expect(plan).toMatchObject({ engine: 'unconfined', profile: null, starter: null })
    expect(plan.environment).toEqual(environment)
  })

  it('is printed with the profile and what its parameters stand for', () => {
    const lines = renderPlan(planOf('workspace-write').plan)
    expect(lines.slice(0, 3)).toEqual(['engine seatbelt', `helper "${assumedMac.helper.path}"`, 'profile (version 1)'])
    expect(lines).toContain('parameter PATH_2="/Users/u/repo"')
    expect(lines).toContain('environment CODEX_SANDBOX=seatbelt')
    expect(lines.at(-1)).toMatch(/^digest [0-9a-f]{64}$/)
  })
})

describe('what starts a command', () => {
  it('is the system’s program where the helper is missing, which a notice tells', () => {
    const { plan, notices } = planOf('read-only', { helper: { ...missing, path: null } })
    expect(plan.starter).toEqual({ kind: 'sandbox-exec', path: '/usr/bin/sandbox-exec' })
    expect(notices).toContain('seatbelt-helper-missing')
  })

  it('is not a helper that commands could change', () => {
    const helper = { available: true, how: 'found', path: '/Users/u/repo/node_modules/castellan/castellan-seatbelt' }
    const { plan, notices } = planOf('workspace-write', { helper })
    expect(plan.starter?.kind).toBe('sandbox-exec')
    expect(notices).toContain('seatbelt-helper-writable')
    // Nothing may be written: it stays what it is.
    expect(planOf('read-only', { helper }).plan.starter?.kind).toBe('helper')
  })

  it.each([
    ['nothing is there', { seatbelt: missing, sandboxExec: { ...missing, path: null } }, 'seatbelt'],
    [
      'nothing can start it',
      { helper: { ...missing, path: null }, sandboxExec: { ...missing, path: null } },
      'seatbelt-helper',
    ],
    ['this process is in a sandbox already', { sandboxed: true }, 'nested-sandbox'],
  ])('is told when %s', (_name, capabilities, mechanism) => {
    const { choice } = asked('read-only', capabilities)
    expect(choice).toMatchObject({ refusal: { kind: 'unavailable', mechanism } })
  })
})

describe('letter case', () => {
  const machineAnswer = (policy: unknown, tree: Tree, places: readonly string[]) => {
    const { choice, resolved } = asked(policy, {}, tree)
    if ('refusal' in choice) throw new Error(choice.refusal.message)
    return places.map(
      place => explainPath({ resolved, plan: choice.plan, path: path(place), canonicalPath: path(place) }).modelAccess,
    )
  }

  it('of a closed place that is missing does not open it', () => {
    const policy = split([
      ['/Users/u/repo', 'write'],
      ['/Users/u/repo/keys/.env', 'none'],
      ['/Users/u/repo/frozen', 'read'],
      ['/Users/u/repo/straße-Ķé', 'none'],
    ])
    const places = [
      'keys/.env',
      'KEYS/.Env',
      'keys/.ENV/x',
      'keys/.environment',
      'Frozen/x',
      'STRASSE-ķÉ',
      'straße-Ķe\u0301',
    ]
    const answers = machineAnswer(
      policy,
      macTree,
      places.map(place => `/Users/u/repo/${place}`),
    )
    expect(answers).toEqual(['none', 'none', 'none', 'write', 'read', 'none', 'none'])
  })

  it('covers the two signs that fold to letters of ASCII', () => {
    const places = ['.agent\u017f', '.\u212aey', '.KEY', '.kez'].map(name => `/Users/u/repo/${name}`)
    const policy = split([
      ['/Users/u/repo', 'write'],
      ['/Users/u/repo/.key', 'none'],
    ])
    expect(machineAnswer(policy, macTree, places)).toEqual(['read', 'none', 'none', 'write'])
  })

  it('leaves what stands beside a closed place as it is', () => {
    const tree = { ...macTree, '/Users/u/repo/secret': 'dir', '/Users/u/repo/SECRET': 'dir' } as const
    const policy = split([
      ['/Users/u/repo', 'write'],
      ['/Users/u/repo/secret', 'none'],
    ])
    const places = ['/Users/u/repo/secret/x', '/Users/u/repo/SECRET/x']
    expect(machineAnswer(policy, tree, places)).toEqual(['none', 'write'])
  })

  it('cannot give one file two answers', () => {
    const policy = split([
      ['/Users/u/repo', 'write'],
      ['/Users/u/repo/Secret', 'none'],
      ['/Users/u/repo/secret', 'write'],
    ])
    expect(asked(policy).choice).toMatchObject({
      refusal: { kind: 'not-enforceable', mechanism: 'letter case', entry: '/Users/u/repo/secret' },
    })
  })
})

describe('the answer of macOS elsewhere', () => {
  it('tells the access of a path and the rule of the profile that decides', () => {
    const { resolved, surroundings } = asked('workspace-write')
    const answer = macosAnswer(resolved, surroundings)
    if ('refusal' in answer) throw new Error(answer.refusal.message)
    const explain = (place: string) =>
      explainPath({ resolved, plan: answer.plan, path: path(place), canonicalPath: path(place) })
    expect(explain('/Users/u/repo/x')).toMatchObject({ access: 'write', policyAccess: 'write' })
    expect(explain('/Users/u/repo/x').planLine).toMatch(/^\(allow .*file-write\*.* with PATH_2="\/Users\/u\/repo"$/)
    const git = explain('/Users/u/repo/.git/config')
    expect(git).toMatchObject({ access: 'read', policyAccess: 'read', decidedBy: { kind: 'protection' } })
    expect(git.planLine).toMatch(/^\(deny file-write\* .*="\/Users\/u\/repo\/\.git"$/)
    expect(explain('/Users/u/other')).toMatchObject({ access: 'read', policyAccess: 'read' })
  })

  it('is a refusal where the policy cannot be held', () => {
    const { resolved, surroundings } = asked(
      split([
        ['/Users/u/a', 'none'],
        ['/Users/u/A', 'write'],
      ]),
    )
    expect(macosAnswer(resolved, surroundings)).toMatchObject({ refusal: { mechanism: 'letter case' } })
  })
})
