/** Several workspace roots (L6-13), rebuilding from a legacy policy (L4-7), a legacy policy to show (L6-14). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accessOf } from '../../lib/policy/access.ts'
import { parseAdditionalPermissions } from '../../lib/policy/entry-permissions.ts'
import { intersectAdditional } from '../../lib/policy/entry-permissions-merge.ts'
import { compileGlob, matchesGlobs } from '../../lib/policy/glob.ts'
import { escapeGlob, resolveGlob } from '../../lib/policy/glob-place.ts'
import { legacyForDisplay, legacyToSplitKeepingDenials, withRoots } from '../../lib/policy/legacy-rebuild.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from '../../lib/policy/parse.ts'
import { parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import type { FileSystemSandboxPolicy } from '../../lib/policy/policy.ts'
import { policies } from '../../lib/policy/presets.ts'
import { readDenyTest } from '../../lib/policy/read-deny.ts'
import { spellingOf } from '../../lib/policy/special.ts'
import { splitToLegacy } from '../../lib/policy/split-to-legacy.ts'
import { withWorkspaceRoots } from '../../lib/policy/workspace-roots.ts'
import { path, surroundingsIn } from './fake-files.ts'
import { anyLegacy, anyPath, anyRestricted, anySurroundings, plainTree } from './worlds.ts'

const special = (kind: string, more: object = {}) => ({ type: 'special', value: { kind, ...more } })
const roots = ['/one', '/two'].map(path)

function policyOf(...entries: [place: object, access: string][]): FileSystemSandboxPolicy {
  return parseFileSystemPolicy({ kind: 'restricted', entries: entries.map(([at, access]) => ({ path: at, access })) })
}

function list({ entries }: FileSystemSandboxPolicy): string[] {
  return entries.map(({ path, access }) => `${spellingOf(path)} ${access}`)
}

describe('a policy over several workspace roots', () => {
  it('says of each what it says of the workspace, and the rest once', () => {
    const policy = policyOf(
      [special('root'), 'read'],
      [special('project_roots'), 'write'],
      [special('current_working_directory'), 'write'],
      [special('project_roots', { subpath: 'docs' }), 'read'],
      [special('project_roots', { subpath: '~/keys' }), 'none'],
      [{ type: 'glob_pattern', pattern: 'codex-project-roots://**/.env' }, 'none'],
      [{ type: 'glob_pattern', pattern: '/etc/*.key' }, 'none'],
      [{ type: 'path', path: '/data' }, 'read'],
    )
    expect(list(withWorkspaceRoots(policy, roots, { home: '/home' }))).toEqual([
      ':root read',
      '/one write',
      '/two write',
      '/one/docs read',
      '/two/docs read',
      '/home/keys none',
      '/one/**/.env none',
      '/two/**/.env none',
      '/etc/*.key none',
      '/data read',
    ])
  })

  it('keeps everything, denials too, when there is no root', () => {
    const policy = policyOf([special('project_roots', { subpath: 'secret' }), 'none'])
    expect(withWorkspaceRoots(policy, [])).toBe(policy)
  })

  it('repeats the relative patterns of the preset strict, so that no root is without them', () => {
    const strict = policies.strict()
    if (strict.form !== 'split') throw new Error('strict is a split policy')
    const around = surroundingsIn({ '/one': 'dir', '/two': 'dir' }, { cwd: '/one' })
    const isDenied = readDenyTest(withWorkspaceRoots(strict.fileSystem, roots), around)
    expect(['/one/.env', '/two/.env', '/two/a/.env', '/two/main.ts'].map(isDenied)).toEqual([true, true, true, false])
  })

  it('gives in each root the access that the policy gives in its working directory', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'c', '.git'), { maxLength: 3 })
    fc.assert(
      fc.property(anyRestricted, anySurroundings(plainTree), names, (policy, around, below) => {
        const root = path('/a/b')
        const many = withWorkspaceRoots(policy, [root], { home: '/home' })
        const asked = ['', ...below].join('/')
        const inRoot = accessOf(many, around, `${root}${asked}`)
        expect(inRoot).toBe(accessOf(policy, { ...around, policyCwd: root }, `${root}${asked}`))
      }),
      { numRuns: 500 },
    )
  })

  it('is what the tables of a configuration make of their further roots', () => {
    const text = `[permissions.p.filesystem.":workspace_roots"]
"." = "write"
docs = "read"
"**/.env" = "deny"
[permissions.p.workspace_roots]
"/one" = true
"/t[w]o" = true`
    const read = (toml: string) => {
      const { policy } = parsePermissionsToml(toml, { profile: 'p' })
      return policy.form === 'split' ? policy.fileSystem : expect.unreachable()
    }
    const [alone, together] = [read(text.slice(0, text.indexOf('[permissions.p.workspace_roots]'))), read(text)]
    const around = ['/ws', '/one', '/t[w]o'].map(path)
    const entries = new Set(list(withWorkspaceRoots(alone, around)))
    expect(new Set(list(withWorkspaceRoots(together, [path('/ws')])))).toEqual(entries)
    expect(entries).toContain('/t\\[w\\]o/**/.env none')
  })
})

describe('a pattern below a directory whose name has signs', () => {
  it.each(['/w[1]', '/app/[id]', '/a{b,c}', '/what?', '/st*r', '/back\\slash'])('closes %s, not another', directory => {
    const around = surroundingsIn({ [directory]: 'dir' }, { cwd: directory })
    const strict = policies.strict({ readableRoots: [`/other${directory}`] })
    if (strict.form !== 'split') throw new Error('strict is a split policy')
    const isDenied = readDenyTest(strict.fileSystem, around)
    for (const root of [directory, `/other${directory}`]) {
      expect(isDenied(`${root}/.env`)).toBe(true)
      expect(isDenied(`${root}/deep/id_rsa`)).toBe(true)
      expect(isDenied(`${root}/main.ts`)).toBe(false)
    }
    expect(isDenied('/w1/.env')).toBe(false)
  })

  it('takes the home directory by its name too', () => {
    const around = surroundingsIn({}, { home: '/home/[me]' })
    const glob = compileGlob(resolveGlob('~/*.key', around), 0)
    expect(matchesGlobs([glob!], path('/home/[me]/a.key'))).toBe(true)
    const { policy } = parsePermissionsToml('[permissions.p.filesystem]\n"~/x" = { "." = "read", "*.key" = "deny" }', {
      profile: 'p',
      home: '/home/[me]',
    })
    expect(policy.form === 'split' && list(policy.fileSystem)).toEqual([
      '/home/\\[me\\]/x/*.key none',
      '/home/[me]/x read',
    ])
  })

  it('stands for that directory alone when it was escaped', () => {
    fc.assert(
      fc.property(anyPath, fc.string({ unit: fc.constantFrom(...'a*?[]{}!,-\\') }), (above, name) => {
        const place = path(`${above}/x${name}`)
        expect(matchesGlobs([compileGlob(path(escapeGlob(place)), 0)!], place)).toBe(true)
        expect(matchesGlobs([compileGlob(path(escapeGlob(place)), 0)!], path(`${above}/x${name}a`))).toBe(false)
      }),
    )
  })
})

describe('a policy rebuilt from its legacy form', () => {
  const around = surroundingsIn({ '/ws': 'dir' })
  const denying = policyOf(
    [special('project_roots'), 'write'],
    [{ type: 'path', path: '/ws/secret' }, 'none'],
    [{ type: 'glob_pattern', pattern: '**/.env' }, 'deny'],
    [{ type: 'path', path: '/ws/docs' }, 'read'],
  )

  it('keeps the denials and how deep patterns are looked for, and nothing else', () => {
    const existing = { ...denying, glob_scan_max_depth: 3 }
    const rebuilt = legacyToSplitKeepingDenials(parseLegacyPolicy({ type: 'read-only' }), existing, around)
    expect(list(rebuilt)).toEqual([':root read', '/ws/secret none', '**/.env none'])
    expect(rebuilt.glob_scan_max_depth).toBe(3)
  })

  it('keeps them under full access as well, where the reference loses them', () => {
    const full = parseLegacyPolicy({ type: 'danger-full-access' })
    const rebuilt = legacyToSplitKeepingDenials(full, denying, around)
    expect(accessOf(rebuilt, around, '/ws/secret/key')).toBe('none')
    expect(accessOf(rebuilt, around, '/etc')).toBe('write')
    expect(legacyToSplitKeepingDenials(full, policyOf([special('root'), 'read']), around).kind).toBe('unrestricted')
    const external = parseLegacyPolicy({ type: 'external-sandbox' })
    expect(legacyToSplitKeepingDenials(external, denying, around).kind).toBe('external-sandbox')
  })

  it('never opens what was denied', () => {
    fc.assert(
      fc.property(anyLegacy, anyRestricted, anySurroundings(plainTree), (legacy, existing, surroundings) => {
        fc.pre(legacy.type !== 'external-sandbox')
        const rebuilt = legacyToSplitKeepingDenials(legacy, existing, surroundings)
        for (const { path: place, access } of existing.entries) {
          if (access !== 'none' || place.type !== 'path') continue
          expect(accessOf(rebuilt, surroundings, place.path)).toBe('none')
        }
      }),
      { numRuns: 500 },
    )
  })

  it('gets only the roots that it does not open already', () => {
    const policy = policyOf([special('root'), 'read'], [special('project_roots'), 'write'])
    expect(withRoots(policy, ['/etc', '/ws/a'].map(path), 'read', around)).toBe(policy)
    expect(list(withRoots(policy, ['/ws/a', '/data', '/data'].map(path), 'write', around))).toEqual([
      ':root read',
      ':project_roots write',
      '/data write',
    ])
    const denied = withRoots(denying, [path('/ws/secret')], 'read', around)
    expect(accessOf(denied, around, '/ws/secret')).toBe('none')
    const full = parseFileSystemPolicy({ kind: 'unrestricted' })
    expect(withRoots(full, [path('/data')], 'write', around)).toBe(full)
  })
})

describe('a legacy policy to show', () => {
  it('is what the policy converts to, and made of its writable roots where that is refused', () => {
    const around = surroundingsIn({ '/ws': 'dir', '/tmp': 'dir' }, { tmpdir: '/tmp/mine' })
    const inside = policyOf([special('root'), 'read'], [special('project_roots'), 'write'])
    expect(legacyForDisplay(inside, 'restricted', around)).toMatchObject({
      type: 'workspace-write',
      writable_roots: [],
    })
    const outside = policyOf(
      [special('root'), 'read'],
      [{ type: 'path', path: '/data' }, 'write'],
      [special('slash_tmp'), 'write'],
      [{ type: 'path', path: '/tmp/mine' }, 'read'],
    )
    expect(splitToLegacy(outside, 'enabled', around).kind).toBe('refused')
    expect(legacyForDisplay(outside, 'enabled', around)).toEqual({
      type: 'workspace-write',
      writable_roots: ['/data', '/tmp'],
      read_only_access: { type: 'full-access' },
      network_access: true,
      exclude_tmpdir_env_var: true,
      exclude_slash_tmp: false,
    })
  })
})

describe('an intersection of additional permissions', () => {
  it.each(['/a/{b,c}/x', '/a/\\b/x', '/a/{b', '/{a,d}/b/*'])('takes the denial of %s with it', pattern => {
    const around = surroundingsIn({ '/a/b': 'dir' })
    const wish = (entries: object[]) => parseAdditionalPermissions({ file_system: { entries } })
    const read = { path: { type: 'path', path: '/a/b/y' }, access: 'read' }
    const tree = { path: { type: 'path', path: '/a/b' }, access: 'read' }
    const denial = { path: { type: 'glob_pattern', pattern }, access: 'deny' }
    const both = intersectAdditional(wish([tree]), wish([tree, denial]), around)
    expect(both.file_system?.entries).toHaveLength(2)
    const elsewhere = { path: { type: 'glob_pattern', pattern: '/z/{b,c}' }, access: 'deny' }
    const one = intersectAdditional(wish([tree, read]), wish([tree, read, elsewhere]), around)
    expect(one.file_system?.entries).toHaveLength(2)
  })
})
