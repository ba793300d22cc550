import { describe, expect, it } from 'vitest'

import type { LinuxCapabilities } from '../../lib/host/capabilities.ts'
import { namespaceHint } from '../../lib/host/namespace-hint.ts'
import { type ChooseOptions, choosePlan } from '../../lib/plan/choose.ts'
import { chooseNamespaces } from '../../lib/plan/linux/namespaces.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { changed, tree } from '../agreement/rule-trees.ts'
import { bubblewrapOptions, fullMachine, noBubblewrap, noLandlock, refused } from './linux/capabilities.ts'

type Changes = Partial<LinuxCapabilities>

function choose(resolved: ResolvedPolicy, machine: Changes = {}, options: Partial<ChooseOptions> = {}) {
  return choosePlan({
    resolved,
    capabilities: { ...fullMachine, ...machine },
    options: { guardTag: false, ...options },
  })
}

function planOf(resolved: ResolvedPolicy, machine: Changes = {}, options: Partial<ChooseOptions> = {}) {
  const choice = choose(resolved, machine, options)
  if ('refusal' in choice) throw new Error(`refused: ${choice.refusal.message}`)
  return { ...choice.plan, notices: choice.notices.map(({ code }) => code) }
}

function refusalOf(resolved: ResolvedPolicy, machine: Changes = {}, options: Partial<ChooseOptions> = {}) {
  const choice = choose(resolved, machine, options)
  if (!('refusal' in choice)) throw new Error(`the engine ${choice.plan.engine} was chosen`)
  return { ...choice.refusal, notices: choice.notices.map(({ code }) => code) }
}

const simple = changed(tree('/ read', '/w write'), { needsDirectEnforcement: false })
const protectedGit = changed(tree('/ read', '/w write', '/w/.git read directory protection'), {
  needsDirectEnforcement: false,
})
const carved = tree('/ read', '/w write', '/w/secret none')
const unholdable = changed(tree('/ read', '/w write', '/w/.git read symlink protection'), {
  needsDirectEnforcement: false,
})
const fullWrite = changed(tree('/ write'), { fullDiskWrite: true, needsDirectEnforcement: false })
const noNamespaces: Changes = { userNamespaces: refused() }
const onlyLandlock: Changes = { ...noNamespaces, bubblewrap: noBubblewrap }
const oldBubblewrap = { ...fullMachine.bubblewrap, options: bubblewrapOptions.filter(option => option !== '--perms') }

describe('choosePlan', () => {
  it.each([
    ['the strongest engine', carved, {}, {}, 'namespace', []],
    [
      'bubblewrap where user namespaces are closed',
      carved,
      noNamespaces,
      {},
      'bwrap',
      ['user-namespaces-unavailable', 'engine-fallback'],
    ],
    ['bubblewrap where the mount calls are missing', carved, { mountApi: refused() }, {}, 'bwrap', ['engine-fallback']],
    [
      'Landlock where it is all there is',
      simple,
      onlyLandlock,
      {},
      'landlock',
      ['user-namespaces-unavailable', 'bubblewrap-missing', 'engine-fallback', 'plan-limits'],
    ],
    ['bubblewrap first when preferred', carved, {}, { bubblewrap: 'prefer' }, 'bwrap', []],
    [
      'the built-in engine when the preferred bubblewrap is missing',
      carved,
      { bubblewrap: noBubblewrap },
      { bubblewrap: 'prefer' },
      'namespace',
      ['bubblewrap-missing', 'engine-fallback'],
    ],
    [
      'the built-in engine when the preferred bubblewrap lacks an option that the plan needs',
      carved,
      { bubblewrap: oldBubblewrap },
      { bubblewrap: 'prefer' },
      'namespace',
      ['bubblewrap-too-old', 'engine-fallback'],
    ],
    [
      'the built-in engine when the preferred bubblewrap does not run',
      carved,
      { bubblewrap: { ...fullMachine.bubblewrap, available: false } },
      { bubblewrap: 'prefer' },
      'namespace',
      ['bubblewrap-unusable', 'engine-fallback'],
    ],
    ['bubblewrap when required', carved, {}, { bubblewrap: 'require' }, 'bwrap', []],
    [
      'the engines in the order of the caller',
      simple,
      {},
      { engines: ['landlock', 'namespace'] },
      'landlock',
      ['plan-limits'],
    ],
    [
      'the next engine when the first cannot hold the policy',
      carved,
      {},
      { engines: ['landlock', 'namespace'] },
      'namespace',
      ['engine-fallback'],
    ],
    [
      'a plan without Landlock where there is none, and says so',
      carved,
      { landlock: noLandlock },
      {},
      'namespace',
      ['landlock-unavailable', 'plan-limits'],
    ],
  ] as const)('takes %s', (_, resolved, machine, options, engine, notices) => {
    const plan = planOf(resolved, machine, options)
    expect([plan.engine, plan.notices]).toEqual([engine, notices])
  })

  it('starts the bubblewrap that was found, and only for its own engine', () => {
    expect(planOf(carved, {}, { bubblewrap: 'require' }).bubblewrap).toEqual({ path: '/usr/bin/bwrap' })
    expect(planOf(carved).bubblewrap).toBeNull()
  })

  it('carries a filter and a ruleset inside both namespace engines', () => {
    for (const bubblewrap of ['never', 'require'] as const) {
      const plan = planOf(carved, {}, { bubblewrap })
      expect([plan.seccomp === null, plan.landlock === null, plan.mounts === null]).toEqual([false, false, false])
      expect(plan.limits).toEqual([])
    }
  })

  it('has the same mounts, ruleset and filter for both namespace engines', () => {
    const parts = ({ mounts, landlock, seccomp, environment }: ReturnType<typeof planOf>) => ({
      mounts,
      landlock,
      seccomp,
      environment,
    })
    expect(parts(planOf(carved, {}, { bubblewrap: 'never' }))).toEqual(
      parts(planOf(carved, {}, { bubblewrap: 'require' })),
    )
  })

  it('tells programs that the network is closed exactly when it is', () => {
    expect(planOf(carved).environment).toEqual({ CODEX_SANDBOX_NETWORK_DISABLED: '1' })
    expect(planOf(changed(carved, { network: 'enabled' })).environment).toEqual({})
  })

  it('keeps the notices about missing roots', () => {
    expect(planOf(tree('/ read', '/w write', '/gone write missing')).notices).toEqual(['missing-root'])
  })
})

describe('choosePlan for open policies', () => {
  it.each([
    ['full access', changed(fullWrite, { network: 'enabled' }), 'unconfined', {}],
    [
      'an external sandbox with network',
      changed(fullWrite, { kind: 'external-sandbox', network: 'enabled' }),
      'unconfined',
      {},
    ],
    [
      'an external sandbox without network',
      changed(fullWrite, { kind: 'external-sandbox' }),
      'unconfined',
      { CODEX_SANDBOX_NETWORK_DISABLED: '1' },
    ],
    ['full write without network', fullWrite, 'seccomp', { CODEX_SANDBOX_NETWORK_DISABLED: '1' }],
  ] as const)('%s', (_, resolved, engine, environment) => {
    const plan = planOf(resolved)
    expect([plan.engine, plan.environment, plan.mounts, plan.namespaces]).toEqual([engine, environment, null, null])
    expect(plan.seccomp === null).toBe(engine === 'unconfined')
  })

  it('adds the scopes of Landlock to the filter where there are any, and nothing about files', () => {
    const { landlock } = planOf(fullWrite)
    expect(landlock).toMatchObject({ handledAccessFs: 0, handledAccessNet: 0, rules: [] })
    expect(landlock?.scoped).toBe(3)
    expect(planOf(fullWrite, { landlock: { ...fullMachine.landlock, abi: 5 } }).landlock).toBeNull()
  })

  it('does not run a policy that closes the network without a filter', () => {
    expect(refusalOf(fullWrite, { seccomp: refused() })).toMatchObject({ kind: 'unavailable', mechanism: 'seccomp' })
    expect(planOf(changed(fullWrite, { network: 'enabled' }), { seccomp: refused() }).engine).toBe('unconfined')
  })
})

describe('choosePlan refuses', () => {
  it('a policy that mounts cannot hold, rather than hold less of it with Landlock', () => {
    expect(refusalOf(unholdable)).toMatchObject({ kind: 'not-enforceable', mechanism: 'mount plan' })
    // Asked for by name, Landlock may: its plan says what it does not hold.
    expect(planOf(unholdable, {}, { engines: ['landlock'] }).limits.map(({ code }) => code)).toContain(
      'protected-paths',
    )
  })

  it('to hold a carve-out with Landlock', () => {
    expect(refusalOf(carved, {}, { engines: ['landlock'] })).toMatchObject({
      kind: 'not-enforceable',
      mechanism: 'landlock',
      entry: '/w/secret',
    })
    const indirect = changed(simple, { needsDirectEnforcement: true })
    expect(refusalOf(indirect, {}, { engines: ['landlock'] }).kind).toBe('not-enforceable')
  })

  it('to open a place through a link that a command could replace, with any engine', () => {
    const swapped = changed(tree('/ read', '/w write', '/out write as /w/a/b'), { needsDirectEnforcement: false })
    for (const engine of ['namespace', 'bwrap', 'landlock'] as const) {
      const refusal = refusalOf(swapped, {}, { engines: [engine] })
      expect(refusal, engine).toMatchObject({ kind: 'not-enforceable', entry: '/w/a/b' })
      expect(refusal.message, engine).toContain('symbolic link inside the writable root /w')
    }
    // A link that no command can replace, and one that leads to where the command may write anyway.
    for (const rule of ['/out write as /links/b', '/w/other write as /w/a/b']) {
      const kept = changed(tree('/ read', '/w write', rule), { needsDirectEnforcement: false })
      expect(planOf(kept, {}, { engines: ['landlock'] }).engine, rule).toBe('landlock')
    }
  })

  it('a machine that lacks everything, and says how to get it', () => {
    const userNamespaces = { ...refused(), hint: namespaceHint }
    const refusal = refusalOf(carved, { ...onlyLandlock, userNamespaces, landlock: noLandlock })
    expect(refusal).toMatchObject({ kind: 'unavailable', mechanism: 'user-namespaces' })
    for (const word of [
      'apparmor_restrict_unprivileged_userns',
      'unprivileged_userns_clone',
      'max_user_namespaces',
      'docker',
      'install bubblewrap',
    ]) {
      expect(refusal.hint).toContain(word)
    }
    expect(refusal.notices).toEqual(['user-namespaces-unavailable', 'bubblewrap-missing', 'landlock-unavailable'])
  })

  it('a policy with a carve-out where only Landlock is there, as something missing', () => {
    const refusal = refusalOf(carved, onlyLandlock)
    expect(refusal.kind).toBe('unavailable')
    expect(refusal.message).toContain('/w/secret')
  })

  it.each([
    ['missing', { bubblewrap: noBubblewrap }, 'bubblewrap-missing'],
    ['too old', { bubblewrap: oldBubblewrap }, 'bubblewrap-too-old'],
  ])('when bubblewrap is required and %s', (_, machine, code) => {
    const refusal = refusalOf(carved, machine, { bubblewrap: 'require' })
    expect([refusal.kind, refusal.mechanism, refusal.notices]).toEqual(['unavailable', 'bubblewrap', [code]])
  })

  it.each([
    ['a plan with limits', protectedGit, onlyLandlock],
    ['a plan without Landlock inside', carved, { landlock: noLandlock }],
  ])('%s when strict is set, and takes it otherwise', (_, resolved, machine) => {
    expect(planOf(resolved, machine).limits.length).toBeGreaterThan(0)
    refusalOf(resolved, machine, { strict: true })
  })

  it('never lets strict refuse a plan that holds everything', () => {
    expect(planOf(protectedGit, {}, { strict: true }).limits).toEqual([])
  })

  it.each([
    ['no engine at all', { engines: [] }],
    ['bubblewrap required but not among the engines', { engines: ['namespace'], bubblewrap: 'require' }],
    ['bubblewrap forbidden and nothing else', { engines: ['bwrap'], bubblewrap: 'never' }],
  ] as const)('options that leave %s', (_, options) => {
    expect(refusalOf(carved, {}, options).mechanism).toBe('options')
  })

  it.each([
    ['WSL 1', { wsl1: true }, 'wsl'],
    ['WSL 1 without a filter, which is the lesser thing', { wsl1: true, seccomp: refused() }, 'wsl'],
    ['another architecture', { architecture: 'other' }, 'seccomp'],
    ['no filter', { seccomp: refused() }, 'seccomp'],
  ] as const)('%s', (_, machine, mechanism) => {
    expect(refusalOf(carved, machine)).toMatchObject({ kind: 'unavailable', mechanism })
  })

  it('another platform, naming it', () => {
    const capabilities = { platform: 'other', architecture: 'arm64', kernelRelease: '1' } as const
    const choice = choosePlan({ resolved: carved, capabilities, options: { guardTag: false } })
    expect(choice).toMatchObject({ refusal: { kind: 'unavailable', mechanism: 'other' } })
  })
})

describe('what a plan says that it does not hold', () => {
  const codes = (...[resolved, machine, options]: Parameters<typeof planOf>) =>
    planOf(resolved, machine, options).limits.map(({ code }) => code)

  it('is a mark that can be taken off, where there is no filter', () => {
    const open = changed(fullWrite, { network: 'enabled' })
    expect(codes(open, {}, { guardTag: true })).toEqual(['removable-mark'])
    expect(codes(open, {}, { unmarked: true })).toEqual(['process-tree'])
    expect(codes(fullWrite, {}, { guardTag: true })).toEqual([])
    expect(refusalOf(open, {}, { guardTag: true, strict: true })).toMatchObject({ mechanism: 'unconfined' })
    // A process that confines itself has no mark.
    expect(codes(open)).toEqual([])
  })

  it('is a closed place that nobody watches, where the engine has no process beside the command', () => {
    expect(codes(carved, {}, { processes: 'shared' })).toContain('unwatched-protections')
    expect(codes(tree('/ read', '/w write'), {}, { processes: 'shared' })).not.toContain('unwatched-protections')
    expect(codes(carved, {}, { processes: 'shared', bubblewrap: 'require' })).not.toContain('unwatched-protections')
    expect(codes(carved)).toEqual([])
  })
})

describe('plans', () => {
  function frozenThroughout(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true
    return Object.isFrozen(value) && Object.values(value).every(frozenThroughout)
  }

  it.each([
    ['namespace', carved, {}],
    ['bwrap', carved, { bubblewrap: 'require' }],
    ['landlock', simple, { engines: ['landlock'] }],
    ['seccomp', fullWrite, {}],
    ['unconfined', changed(fullWrite, { network: 'enabled' }), {}],
  ] as const)('are frozen throughout and have a digest: %s', (engine, resolved, options) => {
    const choice = choose(resolved, {}, options)
    if ('refusal' in choice) throw new Error(choice.refusal.message)
    expect(choice.plan.engine).toBe(engine)
    expect(frozenThroughout(choice.plan)).toBe(true)
    expect(choice.plan.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(choice.plan.policyDigest).toBe(resolved.digest)
  })

  it('have equal digests exactly when they are equal', () => {
    expect(planOf(carved).digest).toBe(planOf(carved).digest)
    const others = [
      planOf(simple),
      planOf(carved, {}, { guardTag: true }),
      planOf(carved, {}, { bubblewrap: 'require' }),
      planOf(changed(carved, { network: 'enabled' })),
      planOf(carved, { architecture: 'arm64' }),
    ]
    expect(new Set([planOf(carved), ...others].map(({ digest }) => digest)).size).toBe(6)
  })
})

describe('chooseNamespaces', () => {
  it.each([
    ['the built-in engine hides processes', 'namespace', true, 'isolated', true],
    ['bubblewrap hides processes', 'bwrap', true, 'isolated', true],
    ['no PID namespace without a fresh /proc', 'bwrap', false, 'isolated', false],
    ['no PID namespace when the host asks for none', 'namespace', true, 'shared', false],
  ] as const)('%s', (_, engine, freshProc, processes, pid) => {
    expect(chooseNamespaces({ engine, networkRestricted: true, freshProc, processes }).pid).toBe(pid)
  })

  it('closes the network a second time only with bubblewrap, and only when it is closed', () => {
    const net = (engine: 'namespace' | 'bwrap', networkRestricted: boolean) =>
      chooseNamespaces({ engine, networkRestricted, freshProc: true, processes: 'isolated' }).net
    expect([net('bwrap', true), net('bwrap', false), net('namespace', true)]).toEqual([true, false, false])
  })

  it('is told in the limits when signals get out', () => {
    const machine = { landlock: { ...fullMachine.landlock, abi: 5 } }
    const limitsWith = (processes: 'isolated' | 'shared') =>
      planOf(carved, machine, { processes }).limits.map(({ code }) => code)
    expect(limitsWith('shared')).toEqual(['signals', 'process-visibility', 'unwatched-protections'])
    expect(limitsWith('isolated')).toEqual([])
  })
})

describe('a network restricted to proxies', () => {
  const proxied = { proxyPorts: [20_080] }

  it.each(['namespace', 'bwrap'] as const)(
    'has a namespace of its own in the engine %s, with TCP open inside',
    engine => {
      const plan = planOf(simple, {}, { ...proxied, engines: [engine] })
      expect(plan.namespaces?.net).toBe(true)
      expect(plan.proxyPorts).toEqual([20_080])
      expect(plan.landlock?.handledAccessNet).toBe(0)
      expect(plan.landlock?.scoped).toBe(planOf(simple, {}, { engines: [engine] }).landlock?.scoped)
      expect(plan.seccomp?.rules.map(({ call }) => call)).not.toContain('connect')
    },
  )

  it('is held for policies that need nothing else', () => {
    const open = changed(tree('/ write'), { fullDiskWrite: true })
    expect(planOf(open, {}, proxied)).toMatchObject({ engine: 'namespace', namespaces: { net: true } })
  })

  it('is refused where nothing can make the namespace', () => {
    expect(refusalOf(simple, onlyLandlock, proxied)).toMatchObject({
      kind: 'unavailable',
      mechanism: 'user-namespaces',
    })
    expect(refusalOf(simple, {}, { ...proxied, engines: ['landlock'] })).toMatchObject({ mechanism: 'landlock' })
  })
})
