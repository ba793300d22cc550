/** What macOS and Windows would do with a policy, asked on any system. */
import { describe, expect, it } from 'vitest'

import { explainPath } from '../../lib/plan/explain.ts'
import { otherSystems } from '../../lib/plan/other-systems.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { path, surroundingsIn } from '../policy/fake-files.ts'

const around = surroundingsIn({ '/ws/src': 'dir', '/ws/.git': 'dir', '/tmp': 'dir' }, { cwd: '/ws' })
const resolve = (policy: unknown) => resolvePolicy(parseSandboxPolicy(policy), around)
const verdicts = (policy: unknown) =>
  otherSystems(resolve(policy), around).map(({ engine, state, limits, why }) => [
    engine,
    state,
    why ?? limits.map(({ code }) => code),
  ])
const entry = (place: string, access: string) => ({ path: { type: 'path', path: place }, access })
const split = (...entries: object[]) => ({ kind: 'restricted', entries })

describe('the engines of other systems', () => {
  it('hold what a legacy policy can say, each with its own limits', () => {
    expect(verdicts('workspace-write')).toEqual([
      ['seatbelt', 'would-hold', []],
      ['restricted-token', 'would-hold', expect.arrayContaining(['read-open', 'network-advisory'])],
      ['elevated', 'would-hold', expect.arrayContaining(['read-grants-only'])],
    ])
  })

  it('refuse what they cannot hold, and say why', () => {
    expect(verdicts(split(entry('/ws', 'write'), entry('/ws/vendor', 'none')))).toEqual([
      ['seatbelt', 'would-hold', []],
      ['restricted-token', 'would-refuse', 'the policy says more than a legacy policy can'],
      ['elevated', 'would-refuse', 'the policy says more than a legacy policy can'],
    ])
    const twins = split(entry('/ws/Secret', 'none'), entry('/ws/secret', 'write'))
    expect(verdicts(twins)[0]).toEqual(['seatbelt', 'would-refuse', expect.stringContaining('letter case')])
  })

  it('say what is to be known of them', () => {
    const [seatbelt, token] = otherSystems(resolve('workspace-write'), around)
    expect(seatbelt?.notices.map(({ code }) => code)).toEqual(['seatbelt-never-executed'])
    expect(token?.notices).toEqual([])
    // A plan that confines nothing needs nobody to have seen it at work.
    expect(otherSystems(resolve('danger-full-access'), around)[0]?.notices).toEqual([])
  })

  it('answer for a path by their own plan', () => {
    const resolved = resolve(split(entry('/ws', 'write'), entry('/ws/src', 'none')))
    const [{ plan } = { plan: null }] = otherSystems(resolved, around)
    expect(plan?.kind).toBe('macos')
    const answers = ['/ws/a', '/ws/src/b', '/ws/.git/hooks', '/etc'].map(name => {
      const { modelAccess, policyAccess } = explainPath({
        resolved,
        plan,
        path: path(name),
        canonicalPath: path(name),
      })
      return [name, policyAccess, modelAccess]
    })
    expect(answers).toEqual([
      ['/ws/a', 'write', 'write'],
      ['/ws/src/b', 'none', 'none'],
      ['/ws/.git/hooks', 'read', 'read'],
      ['/etc', 'none', 'none'],
    ])
  })
})
