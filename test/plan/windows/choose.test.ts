/** What a Windows machine makes of a policy: a plan in words, an answer for every path, or a refusal that says what is missing. */
import { describe, expect, it } from 'vitest'

import type { WindowsCapabilities } from '../../../lib/host/capabilities.ts'
import { choosePlan } from '../../../lib/plan/choose.ts'
import { explainPath } from '../../../lib/plan/explain.ts'
import { renderPlan } from '../../../lib/plan/render.ts'
import type { WindowsChoice } from '../../../lib/plan/windows/choose.ts'
import { placesOn, policyPathOf } from '../../../lib/plan/windows/places.ts'
import type { WindowsPlan } from '../../../lib/plan/windows/plan.ts'
import { parseWindowsPolicy } from '../../../lib/plan/windows/policy-input.ts'
import { type WindowsPath, windowsPathOrNull } from '../../../lib/plan/windows/windows-path.ts'
import { resolvePolicy } from '../../../lib/policy/resolve.ts'
import { windowsFiles } from '../../conformance/windows-files.mjs'

const place = (text: string): WindowsPath => windowsPathOrNull(text)!
const cwd = place('C:\\ws')
const files = windowsFiles({
  dirs: ['C:\\Windows', 'C:\\ws\\.git', 'C:\\ws\\src', 'C:\\data', 'C:\\t', 'C:\\Users\\u\\docs', 'C:\\state'],
})

const machine: WindowsCapabilities = {
  platform: 'win32',
  architecture: 'x64',
  kernelRelease: '10.0.22631',
  restrictedToken: { available: true, how: 'assumed' },
  helper: { available: true, how: 'assumed', path: 'C:\\castellan\\castellan-helper.exe' },
  runner: { available: true, how: 'assumed' },
  restricted: false,
}

interface Asked {
  readonly policy?: unknown
  readonly choice?: Partial<WindowsChoice>
  readonly backend?: 'unelevated' | 'elevated'
  readonly changes?: Partial<WindowsCapabilities>
}

function ask({ policy = 'workspace-write', choice = {}, backend = 'unelevated', changes = {} }: Asked = {}) {
  const read = parseWindowsPolicy(policy, cwd)
  const policyCwd = policyPathOf(cwd)
  const { view } = placesOn(files, read.spellings)
  const resolved = resolvePolicy(read.policy, {
    policyCwd,
    processCwd: policyCwd,
    temporaryDirectory: policyPathOf(place('C:\\t')),
    home: undefined,
    files: view,
  })
  const windows: WindowsChoice = {
    read,
    surroundings: {
      cwd,
      stateDirectory: 'C:\\state',
      backend,
      environment: {},
      host: { USERPROFILE: 'C:\\Users\\u', SystemRoot: 'C:\\Windows', TEMP: 'C:\\t' },
      files,
    },
    setup: () => 'ready',
    ...choice,
  }
  const capabilities = { ...machine, ...changes }
  return { resolved, choice: choosePlan({ resolved, capabilities, options: { guardTag: false, windows } }) }
}

function planOf(asked: Asked = {}): { plan: WindowsPlan; explain: (path: string) => string[] } {
  const { resolved, choice } = ask(asked)
  if (!('plan' in choice) || choice.plan.kind !== 'windows') throw new Error(JSON.stringify(choice))
  const { plan } = choice
  return {
    plan,
    explain: text => {
      const path = policyPathOf(place(text))
      const { policyAccess, access, planLine, limits } = explainPath({ resolved, plan, path, canonicalPath: path })
      return [policyAccess, access, planLine ?? 'nothing', limits.map(({ code }) => code).join()]
    },
  }
}

describe('a plan of Windows', () => {
  it('belongs to the plans: engine, digests, variables, notices', () => {
    const { resolved, choice } = ask()
    expect(choice).toMatchObject({
      plan: { kind: 'windows', engine: 'restricted-token', policyDigest: resolved.digest },
    })
    expect(choice.notices.map(({ code }) => code)).toEqual(['plan-limits', 'windows-never-executed'])
    const { plan } = planOf()
    expect(plan.environment).toEqual({ CODEX_SANDBOX_NETWORK_DISABLED: '1' })
    expect(plan.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(Object.isFrozen(plan.accessEntries[0])).toBe(true)
    const online = planOf({ policy: { type: 'workspace-write', network_access: true } }).plan
    expect(online.environment).toEqual({})
    expect(online.digest).not.toBe(plan.digest)
    expect(planOf({ backend: 'elevated' }).plan.engine).toBe('elevated')
  })

  it('is told in words, with single back slashes', () => {
    const { plan } = planOf()
    const lines = renderPlan(plan)
    expect(lines[0]).toBe('engine restricted-token')
    expect(lines).toContain('token flags 0xd, integrity medium')
    expect(lines).toContain('token restricted to cwd:c:/ws')
    expect(lines).toContain('token keeps SeChangeNotifyPrivilege')
    expect(lines).toContain('access deny "C:\\ws\\.git" and below, 0xd0156 for cwd:c:/ws')
    expect(lines).toContain('network env-stubs')
    expect(lines).toContain('environment CODEX_SANDBOX_NETWORK_DISABLED=1')
    expect(lines.filter(line => line.startsWith('limit missing-metadata')).join()).toContain('("C:\\ws\\.codex")')
    expect(lines.at(-1)).toBe(`digest ${plan.digest}`)
    expect(renderPlan(planOf({ backend: 'elevated' }).plan)).toContain('network account-filter as the offline account')
  })

  it('answers for a path by its lists, and names the entry', () => {
    const { explain } = planOf()
    expect(explain('C:\\ws\\src\\a.ts')).toEqual([
      'write',
      'write',
      'access allow "C:\\ws" and below, 0x1301bf for cwd:c:/ws',
      '',
    ])
    expect(explain('C:\\WS\\.git\\config')).toEqual([
      'read',
      'read',
      'access deny "C:\\ws\\.git" and below, 0xd0156 for cwd:c:/ws',
      'delete-via-parent',
    ])
    expect(explain('C:\\data\\x').slice(0, 3)).toEqual(['read', 'read', 'nothing'])
    expect(explain('D:\\elsewhere').slice(0, 3)).toEqual(['read', 'read', 'nothing'])
    // What nothing has cannot carry a denial, and the plan says so.
    expect(explain('C:\\ws\\.codex\\config.toml')).toEqual([
      'read',
      'write',
      'access allow "C:\\ws" and below, 0x1301bf for cwd:c:/ws',
      'delete-via-parent,missing-metadata',
    ])
  })

  it('writes nothing with a token of low integrity, and reads as an account what it was given', () => {
    expect(planOf({ policy: 'read-only' }).explain('C:\\ws\\a').slice(0, 2)).toEqual(['read', 'read'])
    const restricted = { type: 'restricted', include_platform_defaults: false, readable_roots: ['C:\\data'] }
    const { explain } = planOf({ policy: { type: 'read-only', access: restricted }, backend: 'elevated' })
    expect(explain('C:\\data\\x').slice(0, 3)).toEqual([
      'read',
      'read',
      'access read "C:\\data" and below, 0x1200a9 for group',
    ])
    expect(explain('C:\\Users\\u\\docs\\x')).toEqual(['none', 'none', 'nothing', 'read-grants-only'])
  })
})

describe('a refusal on Windows', () => {
  const missing = { available: false, how: 'it is not there' }
  const refusalOf = (asked: Asked) => {
    const { choice } = ask(asked)
    return 'refusal' in choice ? choice.refusal : null
  }

  it.each([
    ['nested-sandbox', { restricted: true }],
    ['restricted-token', { restrictedToken: missing }],
    ['windows-helper', { helper: { ...missing, path: null } }],
    ['windows-helper', { helper: { available: true, how: 'found without a path', path: null } }],
  ] as const)('names what the machine does not have: %s', (mechanism, changes) => {
    expect(refusalOf({ changes })).toMatchObject({ kind: 'unavailable', mechanism })
  })

  it('asks for what the elevated backend needs only where it is chosen', () => {
    expect(refusalOf({ changes: { runner: missing } })).toBeNull()
    expect(refusalOf({ changes: { runner: missing }, backend: 'elevated' })).toMatchObject({
      kind: 'unavailable',
      mechanism: 'windows-runner',
    })
    const asked: string[] = []
    const setup = (identity: string) => {
      asked.push(identity)
      return 'marker-missing-or-incompatible' as const
    }
    expect(refusalOf({ choice: { setup } })).toBeNull()
    expect(refusalOf({ choice: { setup }, backend: 'elevated' })).toMatchObject({
      kind: 'unavailable',
      mechanism: 'windows setup-required',
      hint: expect.stringContaining('castellan windows setup'),
    })
    expect(asked).toEqual(['offline'])
  })

  it('is what the policy gives for what a backend cannot hold', () => {
    const access = { type: 'restricted', include_platform_defaults: true, readable_roots: [] }
    expect(refusalOf({ policy: { type: 'read-only', access } })).toMatchObject({
      kind: 'not-enforceable',
      mechanism: 'windows restricted-read-needs-elevated',
    })
    expect(refusalOf({ policy: 'danger-full-access' })).toMatchObject({
      mechanism: 'windows policy-not-sandboxable',
    })
    const value = { kind: 'unknown', path: ':moon' }
    const unknown = { kind: 'restricted', entries: [{ path: { type: 'special', value }, access: 'none' }] }
    expect(refusalOf({ policy: unknown })).toMatchObject({ mechanism: 'special paths' })
  })

  it('is what a host gets that does not accept a limit', () => {
    expect(refusalOf({ choice: { refusedLimits: ['everyone-writable'] } })).toBeNull()
    expect(refusalOf({ choice: { refusedLimits: ['network-advisory'] } })).toMatchObject({
      kind: 'not-enforceable',
      mechanism: 'windows network-advisory',
      message: expect.stringContaining('the options refuse that'),
    })
    expect(refusalOf({ choice: { refusedLimits: ['missing-metadata'] } })).toMatchObject({ entry: 'C:\\ws\\.agents' })
    expect(refusalOf({ choice: { strict: true } })).toMatchObject({ message: expect.stringContaining('strict is set') })
  })
})
