import { describe, expect, it } from 'vitest'
import { PolicyError } from '../../lib/errors.ts'
import { intersectProfiles, mergeProfiles, normalizePermissions } from '../../lib/policy/additional-permissions.ts'
import { effectiveFileSystem, effectiveLegacy, effectiveNetwork } from '../../lib/policy/effective-policy.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from '../../lib/policy/parse.ts'
import { parseMacosExtension, parsePermissionProfile } from '../../lib/policy/permission-profile.ts'
import { compilePermissions } from '../../lib/policy/permissions-table.ts'
import { fakeFiles } from './fake-files.ts'

const profile = (files: object) => parsePermissionProfile({ file_system: files })

describe('additional permissions', () => {
  it('take null for absent, and print what is absent as null', () => {
    expect(parsePermissionProfile({ network: null, file_system: { read: null } })).toEqual({
      network: null,
      file_system: { read: null, write: null },
      macos: null,
    })
  })

  it.each([
    ['a relative path', { file_system: { read: ['a'] } }, 'file_system.read[0]'],
    ['a word for a flag', { network: { enabled: 'yes' } }, 'network.enabled'],
    ['a member twice', { macos: { calendar: true, macos_calendar: true } }, 'macos.calendar'],
    ['a number for automation', { macos: { macos_automation: 1 } }, 'macos.macos_automation'],
  ])('are refused with their place: %s', (_, input, location) => {
    const refused = expect.objectContaining({ code: 'ERR_POLICY_INVALID', location })
    expect(() => parsePermissionProfile(input)).toThrow(refused)
  })

  it('reads macOS preferences as read_only unless told otherwise', () => {
    expect(parseMacosExtension({}).macos_preferences).toBe('read_only')
    expect(parseMacosExtension({ preferences: 'none' }).macos_preferences).toBe('none')
    expect(() => parseMacosExtension({ preferences: 'readonly' }, { model: '2026-03' })).toThrow(
      /did you mean "read_only"/,
    )
  })

  it('replace paths by what they resolve to, whole paths only', () => {
    const files = fakeFiles({ '/link': { link: '/real' }, '/real': 'dir' })
    const given = profile({ read: ['/link', '/real', '/link/later'] })
    expect(normalizePermissions(given, files).file_system?.read).toEqual(['/real', '/link/later'])
  })

  it('grant nothing that was not requested, nor the other way round', () => {
    const requested = profile({ read: ['/a', '/b'], write: ['/w/x'] })
    expect(intersectProfiles(requested, profile({ read: ['/b', '/c'], write: ['/w'] })).file_system).toEqual({
      read: ['/b'],
      write: null,
    })
  })

  it('merge to nothing when neither side says anything', () => {
    const off = parsePermissionProfile({ network: { enabled: false } })
    expect(mergeProfiles(off, off)).toBeNull()
    expect(mergeProfiles(off, parsePermissionProfile({ network: { enabled: true } }))?.network).toEqual({
      enabled: true,
    })
  })

  it('widen a split policy by exactly what they name, and keep its denials', () => {
    const policy = parseFileSystemPolicy({
      kind: 'restricted',
      entries: [{ path: { type: 'path', path: '/s' }, access: 'none' }],
    })
    const widened = effectiveFileSystem(policy, profile({ read: ['/s', '/a', '/a'], write: ['/w'] }))
    expect(widened.entries.map(({ path, access }) => [path.type === 'path' && path.path, access])).toEqual([
      ['/s', 'none'],
      ['/s', 'read'],
      ['/a', 'read'],
      ['/w', 'write'],
    ])
    expect(effectiveFileSystem({ kind: 'unrestricted', entries: [] }, profile({ read: ['/a'] })).entries).toEqual([])
  })

  it('open the network and never close it', () => {
    const [on, off] = [true, false].map(enabled => parsePermissionProfile({ network: { enabled } }))
    expect(effectiveNetwork('restricted', on!)).toBe('enabled')
    expect(effectiveNetwork('enabled', off!)).toBe('enabled')
    expect(effectiveNetwork('restricted', off!)).toBe('restricted')
  })

  it('keep read grants when a write turns a read-only legacy policy into workspace-write', () => {
    const policy = parseLegacyPolicy({ type: 'read-only', access: { type: 'restricted', readable_roots: ['/r'] } })
    expect(effectiveLegacy(policy, profile({ read: ['/a'], write: ['/w'] }))).toMatchObject({
      type: 'workspace-write',
      writable_roots: ['/w'],
      read_only_access: { readable_roots: ['/r', '/a'] },
    })
  })
})

describe('permission tables', () => {
  const compile = (filesystem: unknown, network?: unknown) =>
    compilePermissions({ dev: network === undefined ? { filesystem } : { filesystem, network } }, 'dev', {
      home: '/home',
    })

  it('compile in byte order of their keys, integer-like ones included', () => {
    const compiled = compile({ '~/x': 'read', ':root': 'read', '/b': 'write', '/10': 'read', '/9': 'none' })
    const entries = compiled.kind === 'compiled' ? compiled.fileSystem.entries : []
    expect(
      entries.map(({ path }) => (path.type === 'special' ? path.value.kind : path.type === 'path' && path.path)),
    ).toEqual(['/10', '/9', '/b', 'root', '/home/x'])
  })

  it.each([
    ['a relative key', { docs: 'read' }, 'path-not-absolute', 'docs'],
    ['somebody else’s home', { '~you/x': 'read' }, 'path-not-absolute', '~you/x'],
    ['a way up', { ':project_roots': { 'a/../b': 'write' } }, 'bad-subpath', 'a/../b'],
    ['an absolute subpath', { ':project_roots': { '/a': 'write' } }, 'bad-subpath', '/a'],
    ['a bad subpath of a bad key', { ':root': { '..': 'read' } }, 'bad-subpath', '..'],
    ['a place below a switch', { ':minimal': { x: 'read' } }, 'nested-not-supported', ':minimal'],
  ])('refuse %s', (_, filesystem, reason, name) => {
    expect(compile(filesystem)).toEqual({ kind: 'refused', reason, name })
  })

  it('warn of a name they do not know, so that a host can refuse a denial that would mean nothing', () => {
    expect(compile({ ':future': 'none' })).toMatchObject({
      kind: 'compiled',
      warnings: [{ kind: 'unknown-special-path', name: ':future', access: 'none' }],
    })
  })

  it.each([
    ['a wrong word', { '/a': { b: 'rw' } }, undefined, 'dev.filesystem./a'],
    ['no table', 'all', undefined, 'dev.filesystem'],
    ['a deeper table', { '/a': { b: { c: 'read' } } }, undefined, 'dev.filesystem./a'],
    ['a word for a flag', {}, { enabled: 'true' }, 'dev.network.enabled'],
  ])('are of the wrong shape with %s', (_, filesystem, network, location) => {
    const refused = expect.objectContaining({ code: 'ERR_POLICY_INVALID', location })
    expect(() => compile(filesystem, network)).toThrow(refused)
  })

  it('do not find a profile that only a prototype has', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(compilePermissions({}, name)).toEqual({ kind: 'refused', reason: 'undefined-profile', name })
    }
    expect(() => compilePermissions(null, 'dev')).toThrow(PolicyError)
  })
})
