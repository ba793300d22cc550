/** `restrictCurrentProcess` as on a Mac: the system's call is taken by a stand-in, which tells what it was asked. */
import { beforeEach, describe, expect, it, vi } from 'vitest'

import type { SeatbeltFailure } from '../../lib/native/binding.ts'
import { assumedMac } from '../../lib/plan/macos/answer.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import type { MacosProcess } from '../../lib/sandbox/restrict-macos.ts'
import { surroundingsIn } from '../policy/fake-files.ts'

const around = surroundingsIn({ '/ws/.git': 'dir' }, { cwd: '/ws' })

function mac(changes: Partial<MacosProcess> = {}, answer?: SeatbeltFailure) {
  const applied: string[] = []
  const target: MacosProcess = {
    binding: {
      applyToSelf(frame) {
        applied.push(Buffer.from(frame).toString('latin1'))
        return answer
      },
    },
    capabilities: assumedMac,
    surroundings: () => around,
    isMainThread: true,
    env: {},
    ...changes,
  }
  return { applied, target }
}

const call = (policy: unknown = 'workspace-write', digest = 'one') => ({
  policy: parseSandboxPolicy(policy),
  cwd: '/ws',
  digest,
})

describe('restrictCurrentProcess on macOS', () => {
  let restrict: typeof import('../../lib/sandbox/restrict-macos.ts')['restrictMacosProcess']
  // A process is confined once, so each test has a module that knows of none.
  beforeEach(async () => {
    vi.resetModules()
    restrict = (await import('../../lib/sandbox/restrict-macos.ts')).restrictMacosProcess
  })

  it('applies the profile of the policy in place, and tells children of it', () => {
    const { applied, target } = mac()
    restrict(call(), target)
    expect(applied).toHaveLength(1)
    expect(applied[0]).toMatch(/^CSBX.*\(deny default\).*\/ws\/\.git/s)
    expect(target.env).toEqual({ CODEX_SANDBOX: 'seatbelt', CODEX_SANDBOX_NETWORK_DISABLED: '1' })
  })

  it('confines once: the same call returns, another one is refused', () => {
    const { applied, target } = mac()
    restrict(call(), target)
    // Now the system says so, too.
    const confined = { ...target, capabilities: { ...assumedMac, sandboxed: true } }
    restrict(call(), confined)
    expect(applied).toHaveLength(1)
    const again = () => restrict(call('read-only', 'two'), confined)
    expect(again).toThrow(expect.objectContaining({ code: 'ERR_LAUNCH', stage: 'init' }))
  })

  it.each([
    [
      { errno: 1, message: 'Operation not permitted' },
      { code: 'ERR_LAUNCH', stage: 'apply', errnoName: 'EPERM' },
    ],
    [
      { errno: 38, message: 'it is not there' },
      { code: 'ERR_BACKEND_UNAVAILABLE', capability: 'seatbelt' },
    ],
  ])('throws when the system does not take it: %j', (answer, told) => {
    const { applied, target } = mac({}, answer)
    expect(() => restrict(call(), target)).toThrow(expect.objectContaining(told))
    expect(target.env).toEqual({})
    // It is not taken for confined afterwards.
    expect(() => restrict(call(), target)).toThrow(expect.objectContaining(told))
    expect(applied).toHaveLength(2)
  })

  it.each<[what: string, changes: Partial<MacosProcess>, told: object]>([
    ['in a worker', { isMainThread: false }, { code: 'ERR_BACKEND_UNAVAILABLE', capability: 'main-thread' }],
    [
      'in a sandbox that it did not make',
      { capabilities: { ...assumedMac, sandboxed: true } },
      { code: 'ERR_BACKEND_UNAVAILABLE', capability: 'nested-sandbox' },
    ],
  ])('refuses %s, and applies nothing', (_what, changes, told) => {
    const { applied, target } = mac(changes)
    expect(() => restrict(call(), target)).toThrow(expect.objectContaining(told))
    expect(applied).toEqual([])
  })

  it('leaves a process alone whose policy holds nothing', () => {
    const { applied, target } = mac()
    restrict(call('danger-full-access'), target)
    expect([applied, target.env]).toEqual([[], {}])
  })
})
