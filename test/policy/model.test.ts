import { describe, expect, it } from 'vitest'
import { PolicyError } from '../../lib/errors.ts'
import { accessOf, canWrite } from '../../lib/policy/access.ts'
import { parseAdditionalPermissions } from '../../lib/policy/entry-permissions.ts'
import { needsDirectEnforcement } from '../../lib/policy/equivalence.ts'
import type { Model } from '../../lib/policy/model.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from '../../lib/policy/parse.ts'
import { printFileSystemPolicy } from '../../lib/policy/print.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseRuntimeProfile, printRuntimeProfile } from '../../lib/policy/runtime-profile.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { surroundingsIn } from './fake-files.ts'

const entry = (path: object, access: string, more: object = {}) => ({ path, access, ...more })
const place = (path: string) => ({ type: 'path', path })
const special = (kind: string) => ({ type: 'special', value: { kind } })
const glob = (pattern: string) => ({ type: 'glob_pattern', pattern })
const restricted = (...entries: object[]) => ({ kind: 'restricted', entries })

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'no error'
  } catch (error) {
    return error instanceof PolicyError ? `${error.code} at ${error.location}` : String(error)
  }
}

describe('the model that is read', () => {
  const june = [
    ['deny', restricted(entry(place('/a'), 'deny')), 'entries[0].access'],
    ['a pattern', restricted(entry(glob('*.env'), 'none')), 'entries[0].path.type'],
  ] as const

  it.each(june)('has %s in 2026-06 and by default, not in 2026-03', (_what, input, location) => {
    for (const model of [undefined, '2026-06'] as const) {
      expect(parseFileSystemPolicy(input, { model }).entries[0]?.access).toBe('none')
    }
    expect(codeOf(() => parseFileSystemPolicy(input, { model: '2026-03' }))).toBe(`ERR_POLICY_INVALID at ${location}`)
  })

  it('says so when its own members are misspelt or of the wrong kind', () => {
    const strict = { unknownMembers: 'refuse' } as const
    const depth = (glob_scan_max_depth: unknown) => ({ ...restricted(), glob_scan_max_depth })
    expect(parseFileSystemPolicy(depth(0)).glob_scan_max_depth).toBe(0)
    expect(parseFileSystemPolicy(depth(null)).glob_scan_max_depth).toBeUndefined()
    for (const wrong of [-1, 1.5, '3', Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(codeOf(() => parseFileSystemPolicy(depth(wrong)))).toMatch(/^ERR_POLICY_INVALID at glob_scan_max_depth/)
    }
    const misspelt = { ...restricted(), glob_scan_maxdepth: 3 }
    expect(codeOf(() => parseFileSystemPolicy(misspelt, strict))).toBe('ERR_POLICY_INVALID at glob_scan_maxdepth')
    expect(codeOf(() => parseFileSystemPolicy(depth(3), { ...strict, model: '2026-03' }))).toBe(
      'ERR_POLICY_INVALID at glob_scan_max_depth',
    )
    const behaviour = restricted(entry(place('/a'), 'read', { missing_path_behavior: 'ignore' }))
    expect(codeOf(() => parseFileSystemPolicy(behaviour))).toBe(
      'ERR_POLICY_INVALID at entries[0].missing_path_behavior',
    )
  })

  it('never passes over a restriction by default, nor where unknown members are refused', () => {
    const legacy = { type: 'read-only', access: { type: 'restricted', readable_roots: ['/a'] } }
    expect(parseLegacyPolicy(legacy)).toMatchObject({ access: { type: 'restricted' } })
    expect(parseLegacyPolicy(legacy, { model: '2026-06' })).toMatchObject({ access: { type: 'full-access' } })
    expect(parseSandboxPolicy(legacy)).toMatchObject({ legacy: { access: { type: 'restricted' } } })
    const strict = { model: '2026-06', unknownMembers: 'refuse' } as const
    expect(codeOf(() => parseLegacyPolicy(legacy, strict))).toBe('ERR_POLICY_INVALID at access')
  })
})

describe('the model that is printed', () => {
  const later = { ...restricted(entry(glob('/a/*'), 'none'), entry(place('/b'), 'write')), glob_scan_max_depth: 2 }

  it('is the oldest that has the words, unless one is asked for', () => {
    const policy = parseFileSystemPolicy(restricted(entry(place('/a'), 'deny')))
    expect(printFileSystemPolicy(policy)).toEqual(restricted(entry(place('/a'), 'none')))
    expect(printFileSystemPolicy(policy, '2026-06')).toEqual(restricted(entry(place('/a'), 'deny')))
    expect(printFileSystemPolicy(parseFileSystemPolicy(later))).toEqual({
      ...later,
      entries: [entry(glob('/a/*'), 'deny'), entry(place('/b'), 'write')],
    })
  })

  it('is refused when it has no words for an entry', () => {
    const policies = [later, restricted(entry(place('/b'), 'read', { missing_path_behavior: 'skip' }))]
    for (const policy of policies.map(input => parseFileSystemPolicy(input))) {
      expect(() => printFileSystemPolicy(policy, '2026-03')).toThrow(
        expect.objectContaining({ code: 'ERR_POLICY_NO_ROUND_TRIP', entry: expect.stringMatching(/^\/[ab]/) }),
      )
    }
  })
})

describe('an entry that may be skipped', () => {
  const policy = parseFileSystemPolicy(
    restricted(entry(special('root'), 'write'), entry(place('/ws/a'), 'read', { missing_path_behavior: 'skip' })),
  )

  it('stands for its path when something is there, be it a link to nowhere, and for nothing otherwise', () => {
    expect(accessOf(policy, surroundingsIn({ '/ws/a': 'dir' }), '/ws/a/x')).toBe('read')
    expect(accessOf(policy, surroundingsIn({ '/ws/a': { link: '/nowhere' } }), '/ws/a')).toBe('read')
    expect(accessOf(policy, surroundingsIn({ '/ws': 'dir' }), '/ws/a/x')).toBe('write')
  })

  it('does not take a default protection with it', () => {
    const input = restricted(
      entry(special('root'), 'read'),
      entry(place('/ws'), 'write'),
      entry(place('/ws/.git'), 'read', { missing_path_behavior: 'skip' }),
    )
    const { rules } = resolvePolicy(parseSandboxPolicy(input), surroundingsIn({ '/ws': 'dir' }))
    expect(rules).toContainEqual(expect.objectContaining({ path: '/ws/.git', access: 'read', target: 'missing' }))
  })
})

describe('a runtime profile', () => {
  const managed = {
    type: 'managed',
    file_system: { type: 'restricted', entries: [entry(place('/a'), 'deny')], glob_scan_max_depth: 2 },
    network: 'enabled',
  }

  it.each([
    [managed],
    [{ type: 'managed', file_system: { type: 'restricted', entries: [] }, network: 'restricted' }],
    [{ type: 'managed', file_system: { type: 'unrestricted' }, network: 'restricted' }],
    [{ type: 'disabled' }],
    [{ type: 'external', network: 'enabled' }],
  ])('%j comes back as it was', profile => {
    expect(printRuntimeProfile(parseRuntimeProfile(profile))).toEqual(profile)
  })

  it('loads as a policy', () => {
    expect(parseSandboxPolicy(managed)).toEqual({
      form: 'split',
      fileSystem: { kind: 'restricted', entries: [entry(place('/a'), 'none')], glob_scan_max_depth: 2 },
      network: 'enabled',
    })
    expect(parseSandboxPolicy({ type: 'disabled' })).toMatchObject({ fileSystem: { kind: 'unrestricted' } })
    expect(parseSandboxPolicy({ type: 'external', network: 'restricted' })).toMatchObject({
      fileSystem: { kind: 'external-sandbox' },
    })
    expect(codeOf(() => parseSandboxPolicy({ type: 'disabled' }, { model: '2026-03' }))).toMatch(/^ERR_POLICY_INVALID/)
  })

  it.each([
    ['no entries', { ...managed, file_system: { type: 'restricted' } }, 'file_system.entries'],
    ['no network', { type: 'managed', file_system: { type: 'unrestricted' } }, 'network'],
    ['an unknown member', { ...managed, netwrok: 'enabled' }, 'netwrok'],
    [
      'a scan of no level',
      { ...managed, file_system: { ...managed.file_system, glob_scan_max_depth: 0 } },
      'file_system.glob_scan_max_depth',
    ],
    [
      'a relative path',
      { ...managed, file_system: { type: 'restricted', entries: [entry(place('a'), 'deny')] } },
      'file_system.entries[0].path.path',
    ],
  ])('with %s is refused with its place', (_what, input, location) => {
    expect(codeOf(() => parseSandboxPolicy(input))).toBe(`ERR_POLICY_INVALID at ${location}`)
  })

  it('is either of the two forms of additional permissions, never a mixture', () => {
    expect(codeOf(() => parseAdditionalPermissions({ file_system: { read: ['/a'], entries: [] } }))).toMatch(
      /^ERR_POLICY_INVALID/,
    )
    expect(codeOf(() => parseAdditionalPermissions({ file_system: { reads: ['/a'] } }))).toMatch(/^ERR_POLICY_INVALID/)
  })
})

describe('answers that differ between models', () => {
  const workspace = parseFileSystemPolicy(restricted(entry(special('root'), 'read'), entry(place('/ws'), 'write')))
  const files = surroundingsIn({ '/ws': 'dir' })
  const asked: readonly [Model, boolean][] = [
    ['2026-03', true],
    ['2026-06', false],
  ]

  it.each(asked)('%s: whether a protected name can be written is %s', (model, expected) => {
    expect(canWrite(workspace, files, '/ws/.git/config', model)).toBe(expected)
    expect(canWrite(workspace, files, '/ws/src', model)).toBe(true)
  })

  it('order counts for the equivalence of March only, and only when its own answer is asked for', () => {
    const entries = [
      entry(special('root'), 'read'),
      entry(place('/w2'), 'write'),
      entry(special('project_roots'), 'write'),
    ]
    const policy = parseFileSystemPolicy(restricted(...entries))
    const direct = (ordered: boolean) => needsDirectEnforcement(policy, 'restricted', files, { ordered })
    expect([direct(true), direct(false)]).toEqual([true, false])
  })
})
