/** What is read is what is printed, in both models; and whatever comes in, nothing but the typed error comes out. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PolicyError } from '../../lib/errors.ts'
import { canonicalPaths } from '../../lib/policy/canonical.ts'
import { enforcedAccessOf } from '../../lib/policy/enforced.ts'
import { needsDirectEnforcement } from '../../lib/policy/equivalence.ts'
import { isSemanticallyEquivalent } from '../../lib/policy/index.ts'
import { legacyToSplit } from '../../lib/policy/legacy-to-split.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from '../../lib/policy/parse.ts'
import { parseMacosExtension, parsePermissionProfile } from '../../lib/policy/permission-profile.ts'
import type { FileSystemSandboxPolicy } from '../../lib/policy/policy.ts'
import { printFileSystemPolicy, printLegacyPolicy } from '../../lib/policy/print.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { splitToLegacy } from '../../lib/policy/split-to-legacy.ts'
import { path, surroundingsIn } from './fake-files.ts'
import { anyEntry, anyLegacy, anyPath, anyRestricted, anySurroundings, anyTree } from './worlds.ts'

const glob = fc.record({
  path: fc.string().map(pattern => ({ type: 'glob_pattern' as const, pattern: pattern.replaceAll('\0', '') })),
  access: fc.constantFrom('read' as const, 'none' as const),
})

describe('a policy', () => {
  it('is the same after it was printed and read, in both models', () => {
    const entries = fc.array(fc.oneof(anyEntry, glob), { maxLength: 6 })
    fc.assert(
      fc.property(anyRestricted, entries, fc.option(fc.nat()), (march, list, depth) => {
        for (const model of ['2026-03', undefined] as const) {
          expect(parseFileSystemPolicy(printFileSystemPolicy(march), { model })).toEqual(march)
        }
        const june = parseFileSystemPolicy(
          { kind: 'restricted', entries: list, glob_scan_max_depth: depth },
          { model: '2026-06' },
        )
        expect(parseFileSystemPolicy(printFileSystemPolicy(june, '2026-06'), { model: '2026-06' })).toEqual(june)
      }),
    )
    fc.assert(
      fc.property(anyLegacy, legacy => {
        expect(parseLegacyPolicy(printLegacyPolicy(legacy))).toEqual(legacy)
      }),
    )
  })
})

describe('a policy that makes the trip through the legacy model', () => {
  // Mostly policies that came from there, with something added: purely random ones hardly ever make it.
  const policies = fc.record({ legacy: anyLegacy, more: fc.array(anyEntry, { maxLength: 2 }) })
  const places = fc.array(anyPath, { minLength: 6, maxLength: 12 })

  it('gives the same access everywhere', () => {
    let trips = 0
    fc.assert(
      fc.property(anySurroundings(anyTree), policies, places, (around, { legacy, more }, asked) => {
        const { kind, entries } = legacyToSplit(legacy, around)
        const policy: FileSystemSandboxPolicy = { kind, entries: [...entries, ...more] }
        if (kind !== 'restricted' || needsDirectEnforcement(policy, 'restricted', around)) return
        const conversion = splitToLegacy(policy, 'restricted', around)
        if (conversion.kind === 'refused') throw new Error('what needs no direct enforcement has a legacy form')
        trips++
        const resolve = (fileSystem: FileSystemSandboxPolicy) =>
          resolvePolicy({ form: 'split', fileSystem, network: 'restricted' }, around)
        const [before, after] = [policy, legacyToSplit(conversion.policy, around)].map(resolve)
        const { canonical } = canonicalPaths(around.files)
        for (const path of asked.map(canonical)) {
          expect([path, enforcedAccessOf(after!, path).access]).toEqual([path, enforcedAccessOf(before!, path).access])
        }
      }),
      { numRuns: 4000 },
    )
    expect(trips).toBeGreaterThan(400)
  })

  it('is none that denies a root which an entry opens by a link', () => {
    const around = surroundingsIn({ '/ws': 'dir', '/a': { link: '/' } }, { cwd: '/ws' })
    const entries = (access: 'read' | 'none') => [
      {
        path: { type: 'special' as const, value: { kind: 'current_working_directory' as const } },
        access: 'read' as const,
      },
      { path: { type: 'path' as const, path: path('/a') }, access: 'read' as const },
      { path: { type: 'special' as const, value: { kind: 'root' as const } }, access },
    ]
    expect(needsDirectEnforcement({ kind: 'restricted', entries: entries('none') }, 'restricted', around)).toBe(true)
    expect(needsDirectEnforcement({ kind: 'restricted', entries: entries('read') }, 'restricted', around)).toBe(false)
  })
})

describe('two policies', () => {
  it('are equivalent when they mean the same, in any order and by any name, and not when one denies more', () => {
    const around = surroundingsIn({ '/ws': 'dir', '/link': { link: '/ws' }, '/ws/a': 'dir' }, { cwd: '/ws' })
    const read = (entries: object[]) => parseFileSystemPolicy({ kind: 'restricted', entries })
    const root = { path: { type: 'special', value: { kind: 'root' } }, access: 'read' }
    const workspace = { path: { type: 'special', value: { kind: 'current_working_directory' } }, access: 'write' }
    const byLink = { path: { type: 'path', path: '/link' }, access: 'write' }
    const denied = { path: { type: 'path', path: '/ws/a' }, access: 'none' }
    expect(isSemanticallyEquivalent(read([root, workspace]), read([byLink, root]), around)).toBe(true)
    expect(isSemanticallyEquivalent(read([root, workspace]), read([root, workspace, denied]), around)).toBe(false)
    expect(isSemanticallyEquivalent(read([root]), read([root, workspace]), around)).toBe(false)
  })
})

describe('whatever comes in', () => {
  const readers = [
    parseFileSystemPolicy,
    parseLegacyPolicy,
    parseSandboxPolicy,
    parsePermissionProfile,
    parseMacosExtension,
  ]
  const check = (input: unknown) => {
    for (const read of readers) {
      try {
        read(input as never)
      } catch (error) {
        expect(error).toBeInstanceOf(PolicyError)
        expect((error as PolicyError).code).toBe('ERR_POLICY_INVALID')
      }
    }
  }

  it('nothing but the typed error comes out', () => {
    const names = fc.constantFrom(
      'kind',
      'type',
      'entries',
      'path',
      'access',
      'value',
      '__proto__',
      'constructor',
      'toString',
    )
    const words = fc.constantFrom(
      'restricted',
      'path',
      'special',
      'glob_pattern',
      'workspace-write',
      'managed',
      'read',
      '\ud800',
    )
    const any = fc.anything({
      key: names,
      values: [words, fc.string({ unit: 'binary' }), fc.double(), fc.bigInt(), fc.boolean()],
    })
    fc.assert(fc.property(any, check), { numRuns: 2000 })
    const entry = fc.record({ path: any, access: any }, { requiredKeys: [] })
    const near = fc.record({ kind: fc.constant('restricted'), entries: fc.oneof(fc.array(entry), any) })
    fc.assert(fc.property(near, check), { numRuns: 1000 })
  })

  it('not for deep nesting, huge lists, getters that throw, proxies and cycles either', () => {
    let deep: unknown = 'x'
    for (let level = 0; level < 5000; level++) deep = { kind: 'restricted', entries: [deep] }
    check(deep)
    check({ kind: 'restricted', entries: new Array(2_000_000) })
    const throwing = {
      get kind(): string {
        throw new Error('no')
      },
    }
    check(throwing)
    check({ kind: 'restricted', entries: [throwing] })
    const hostile = () => {
      throw new TypeError('no')
    }
    check(new Proxy({}, { get: hostile, has: hostile, ownKeys: hostile, getPrototypeOf: hostile }))
    const cycle: { kind: string; entries: unknown[] } = { kind: 'restricted', entries: [] }
    cycle.entries.push(cycle)
    check(cycle)
  })
})

describe('the macOS extension', () => {
  it.each([
    [{ macos_preferences: 'readonly' }, { macos_preferences: 'read_only' }],
    [{ macos_preferences: 'readwrite' }, { macos_preferences: 'read_write' }],
    [{ macos_contacts: true }, { macos_contacts: 'read_write' }],
    [{ macos_preferences: false }, { macos_preferences: 'none' }],
    [{ macos_automation: true }, { macos_automation: 'all' }],
    [{ automations: false }, { macos_automation: 'none' }],
  ])('reads %j as the README means it, and March refuses it', (input, expected) => {
    expect(parseMacosExtension(input)).toMatchObject(expected)
    expect(() => parseMacosExtension(input, { model: '2026-03' })).toThrow(PolicyError)
  })
})
