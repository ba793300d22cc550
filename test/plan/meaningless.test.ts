import { describe, expect, it } from 'vitest'
import { choosePlan } from '../../lib/plan/choose.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { surroundingsIn } from '../policy/fake-files.ts'
import { fullMachine } from './linux/capabilities.ts'

const root = { path: { type: 'special', value: { kind: 'root' } }, access: 'read' }

function choose(...entries: object[]) {
  const policy = parseSandboxPolicy({ kind: 'restricted', entries: [root, ...entries] })
  const resolved = resolvePolicy(policy, surroundingsIn({ '/ws': 'dir' }))
  return choosePlan({ resolved, capabilities: fullMachine, options: { guardTag: false } })
}

const unknown = (access: string) => ({
  path: { type: 'special', value: { kind: 'unknown', path: ':later', subpath: 'x' } },
  access,
})

describe('an entry that nothing can hold', () => {
  it.each([
    [
      'a pattern that opens',
      { path: { type: 'glob_pattern', pattern: '/ws/*' }, access: 'write' },
      '/ws/*',
      'glob snapshot',
    ],
    [
      'a pattern that nobody looks for',
      { path: { type: 'glob_pattern', pattern: '*.env' }, access: 'deny' },
      '*.env',
      'glob snapshot',
    ],
    [
      'a pattern that cannot be read',
      { path: { type: 'glob_pattern', pattern: '{a' }, access: 'deny' },
      '{a',
      'glob snapshot',
    ],
    [
      'a pattern for the whole disk',
      { path: { type: 'glob_pattern', pattern: '/**/x' }, access: 'deny' },
      '/**/x',
      'glob snapshot',
    ],
    ['a denial of an unknown place', unknown('none'), ':later/x', 'special paths'],
  ])('is refused by name: %s', (_what, entry, spelled, mechanism) => {
    const choice = choose(entry)
    if (!('refusal' in choice)) throw new Error('a plan was made')
    expect(choice.refusal).toMatchObject({ kind: 'not-enforceable', entry: spelled, mechanism })
    expect(choice.refusal.message).toContain(`entries[1] (${spelled})`)
  })

  it('is passed over with a notice when it would open an unknown place', () => {
    const choice = choose(unknown('write'), unknown('write'))
    expect('plan' in choice).toBe(true)
    expect(choice.notices.filter(({ code }) => code === 'unknown-special-path')).toHaveLength(1)
  })
})
