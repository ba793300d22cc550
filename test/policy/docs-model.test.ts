/** The first half of docs/policy.md, sentence by sentence: entries, places with names, what is protected, patterns. */
import { mkdirSync, writeFileSync } from 'node:fs'
import nodePath from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { choosePlan } from '../../lib/plan/choose.ts'
import { policyPathOf } from '../../lib/plan/windows/places.ts'
import type { WindowsPath } from '../../lib/plan/windows/windows-path.ts'
import { canRead } from '../../lib/policy/access.ts'
import { canonicalPaths } from '../../lib/policy/canonical.ts'
import { compileGlob, matchesGlobs } from '../../lib/policy/glob.ts'
import { resolveGlob } from '../../lib/policy/glob-place.ts'
import type { AbsolutePath } from '../../lib/policy/path.ts'
import { parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import type { FileSystemSandboxPolicy, Policy } from '../../lib/policy/policy.ts'
import { policies } from '../../lib/policy/presets.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import type { FileSystemView, ResolvedPolicy, Surroundings } from '../../lib/policy/types.ts'
import { withWorkspaceRoots } from '../../lib/policy/workspace-roots.ts'
import { castellan, ensureBuilt, temporaryPlace } from '../cli/castellan.ts'
import { fullMachine } from '../plan/linux/capabilities.ts'
import { around, page, policyNamed, proseOf, tableAfter } from './docs-page.ts'
import { entry, frame, gets, nothingElse, PRESETS, says, special, split, toml } from './docs-sentences.ts'
import { fakeFiles, path, type Tree } from './fake-files.ts'

const glob = (pattern: string, access: string) => ({ path: { type: 'glob_pattern', pattern }, access })
function entriesOf(policy: Policy): FileSystemSandboxPolicy {
  if (policy.form !== 'split') throw new Error('a split policy was expected')
  return policy.fileSystem
}

const on = (tree: Tree): Surroundings => ({ ...around, files: fakeFiles(tree) })

function matches(pattern: string, asked: string): boolean {
  return matchesGlobs([compileGlob(path(pattern), 0)!], path(asked))
}

const place = temporaryPlace()
afterAll(() => place.remove())
const work = nodePath.join(place.path, 'work')
mkdirSync(nodePath.join(work, '.git'), { recursive: true })
writeFileSync(nodePath.join(work, '.git/config'), '')
writeFileSync(nodePath.join(work, '.git/HEAD'), 'ref: refs/heads/main\n')

describe('docs/policy.md says', () => {
  frame('Every example below is tested: the tree beside a policy is what it means in the directory `/work`,')
  frame('and the tables and messages are what the library answers.')

  says('A policy says which paths a command can read and write, and whether it has a network.', () => {
    const open = { ...policyNamed('nested'), network: 'enabled' } as Policy
    const [closed, opened] = [policyNamed('nested'), open].map(policy => resolvePolicy(policy, around))
    expect([closed?.network, opened?.network]).toEqual(['restricted', 'enabled'])
    expect(closed?.rules).toEqual(opened?.rules)
  })

  says('`read`, `write` (which includes reading) and `none`.', () => {
    const policy = entriesOf(split(entry('/a', 'read'), entry('/b', 'write'), entry('/c', 'none')))
    expect(['/a', '/b', '/c'].map(asked => canRead(policy, around, asked))).toEqual([true, true, false])
    expect(() => split(entry('/a', 'execute'))).toThrow(/execute/)
  })

  says('What nothing speaks of is closed.', () => {
    expect(gets(split(), ['/', '/work/a'])).toEqual({ '/': 'none', '/work/a': 'none' })
  })

  frame('So something can be opened inside what is closed, and closed inside what is open:')
  says('Of all entries that contain a path the deepest decides; their order never matters.', () => {
    const entries = [entry('/', 'read'), entry('/work', 'write'), entry('/work/v', 'none'), entry('/work/v/o', 'read')]
    const wanted = { '/x': 'read', '/work/x': 'write', '/work/v/x': 'none', '/work/v/o/x': 'read' }
    const orders = [entries, entries.toReversed(), [2, 0, 3, 1].map(index => entries[index]!)]
    for (const order of orders) expect(gets(split(...order), Object.keys(wanted))).toEqual(wanted)
  })

  says('Paths are compared name by name: `/work` contains `/work/src` and not `/workshop`.', () => {
    const wanted = { '/work': 'read', '/work/src': 'read', '/workshop': 'none' }
    expect(gets(split(entry('/work', 'read')), Object.keys(wanted))).toEqual(wanted)
  })

  says(
    'Upper and lower case are different names, except where they can mean one file: on macOS the disk says how a name is spelled, on Windows letter case makes no difference.',
    () => {
      const policy = split(entry('/work', 'read'), entry('/Work/Vault', 'none'))
      expect(gets(policy, ['/work/vault'])).toEqual({ '/work/vault': 'read' })
      const lower = (given: AbsolutePath) => given.toLowerCase() as AbsolutePath
      const files: FileSystemView = {
        ...around.files,
        realPath: given => around.files.realPath(lower(given)),
        kindOf: given => around.files.kindOf(lower(given)),
        spelledOnDisk: lower,
      }
      expect(gets(policy, ['/work/vault'], { ...around, files })).toEqual({ '/work/vault': 'none' })
      expect(canonicalPaths(files).canonical(path('/WORK/Src'))).toBe('/work/src')
      expect(policyPathOf('C:\\Work\\Vault' as WindowsPath)).toBe(policyPathOf('c:\\WORK\\vault' as WindowsPath))
    },
  )

  says('Two entries can stand for one place, spelled differently.', () => {
    const twice = [
      special('current_working_directory', 'read'),
      special('project_roots', 'none'),
      entry('/work/', 'write'),
    ]
    for (const one of twice) expect(resolvePolicy(split(one), around).rules[0]?.path).toBe('/work')
  })

  says('Then `none` wins over `write`, and `write` over `read`.', () => {
    const words = (...access: string[]) => split(...access.map(word => entry('/data', word)))
    expect(gets(words('none', 'write'), ['/data'])).toEqual({ '/data': 'none' })
    expect(gets(words('write', 'read'), ['/data'])).toEqual({ '/data': 'write' })
  })

  says('This is no order of breadth: a denial always wins at its own place, and a grant beats a mere read.', () => {
    const all = split(entry('/data', 'read'), entry('/data', 'none'), entry('/data', 'write'))
    expect(gets(all, ['/data/x', '/data'])).toEqual({ '/data/x': 'none', '/data': 'none' })
  })

  it('which place each name stands for', () => {
    const surroundings: Surroundings = { ...around, temporaryDirectory: '/scratch' }
    const stands = (text: string) => {
      const { rules } = resolvePolicy(toml(`[permissions.p.filesystem]\n${text}`), surroundings)
      return rules.filter(({ origin }) => origin.kind === 'entry').map(rule => rule.path)
    }
    expect(tableAfter('places').map(([name]) => name)).toEqual([
      ':root',
      ':workspace_roots (:project_roots in 2026-03)',
      ':tmpdir, :slash_tmp',
      ':minimal',
    ])
    expect(stands('":root" = "read"')).toEqual(['/'])
    expect(stands('":workspace_roots" = { "." = "read", "docs" = "none" }')).toEqual(['/work', '/work/docs'])
    expect(stands('":tmpdir" = "read"')).toEqual(['/scratch'])
    expect(stands('":slash_tmp" = "read"')).toEqual(['/tmp'])
    expect(stands('":minimal" = "read"')).toEqual([])
    const older = parsePermissionsToml('[permissions.p.filesystem]\n":project_roots" = "read"', {
      profile: 'p',
      model: '2026-03',
    })
    expect(resolvePolicy(older.policy, around).rules[0]?.path).toBe('/work')
    const slashTmp = split(special('slash_tmp', 'write'))
    expect(gets(slashTmp, ['/tmp/x'], on({ '/tmp': 'file' }))).toEqual({ '/tmp/x': 'none' })
  })

  says(
    'When the rest of the disk is closed, a command cannot read the programs of the system without `:minimal`.',
    () => {
      expect(gets(policyNamed('closed'), ['/usr/bin/sh'])).toEqual({ '/usr/bin/sh': 'none' })
      expect(gets(policyNamed('minimal'), ['/usr/bin/sh'])).toEqual({ '/usr/bin/sh': 'read' })
    },
  )

  const platform = ['/bin', '/sbin', '/usr', '/etc', '/lib', '/lib64', '/nix/store', '/run/current-system/sw']
  says(
    'It opens those of `/bin`, `/sbin`, `/usr`, `/etc`, `/lib`, `/lib64`, `/nix/store` and `/run/current-system/sw` that exist, and gives way to an entry that speaks of one of them:',
    () => {
      const minimal = split(special('minimal', 'read'))
      const opened = (policy: Policy, places: readonly string[]) =>
        resolvePolicy(policy, on(Object.fromEntries(places.map(name => [name, 'dir'])))).rules.map(rule => rule.path)
      expect(opened(minimal, platform).toSorted()).toEqual(platform.toSorted())
      for (const name of platform) expect(opened(minimal, [name])).toEqual([name])
      expect(gets(split(special('minimal', 'read'), entry('/usr', 'none')), ['/usr/bin'])).toEqual({
        '/usr/bin': 'none',
      })
    },
  )

  says(
    'Entries about `:workspace_roots` can be said of several directories, in a table of the profile or with `withWorkspaceRoots` of `castellan/policy`:',
    () => {
      const text = page.slice(page.indexOf('example: roots')).split('```')[1]!.replace('toml\n', '')
      const without = toml(text.slice(0, text.indexOf('[permissions.p.workspace_roots]')))
      const fileSystem = withWorkspaceRoots(entriesOf(without), [path('/work'), path('/other')])
      const places = ['/', '/work/x', '/work/docs', '/other/x', '/other/docs']
      expect(gets({ form: 'split', fileSystem, network: 'restricted' }, places)).toEqual(
        gets(policyNamed('roots'), places),
      )
    },
  )

  says(
    'At the top of a writable root `.git`, `.agents` and `.codex` are read-only, in a workspace whether they exist or not, because your own tools trust what is in them:',
    () => {
      const wanted = {
        ...{ '/work/.git/x': 'read', '/work/.agents/x': 'read', '/work/.codex/x': 'read', '/work/src/.git/x': 'write' },
        ...{ '/tmp/.git/x': 'read', '/tmp/.codex/x': 'write' },
      }
      const surroundings = on({ '/work': 'dir', '/tmp/.git': 'dir' })
      expect(gets(policies.workspaceWrite(), Object.keys(wanted), surroundings)).toEqual(wanted)
    },
  )

  says('An entry for exactly such a place lifts that:', () => {
    const at = (name: string) => gets(split(entry('/work', 'write'), entry(name, 'write')), ['/work/.git/config'])
    expect(at('/work/.git')).toEqual({ '/work/.git/config': 'write' })
    expect(at('/work/.git/objects')).toEqual({ '/work/.git/config': 'read' })
  })

  says(
    'The option `git` of `createSandbox` (`--git`) lets commands commit: `hooks-and-config-protected` keeps what git runs read-only, see [limits](limits.md).',
    () => {
      const writable = { ...around, git: 'writable' } as const
      const careful = { ...around, git: 'hooks-and-config-protected' } as const
      const places = ['/work/.git/objects/x', '/work/.git/hooks/x', '/work/.git/config']
      expect(Object.values(gets(policies.workspaceWrite(), places, writable))).toEqual(['write', 'write', 'write'])
      expect(Object.values(gets(policies.workspaceWrite(), places, careful))).toEqual(['write', 'read', 'read'])
      ensureBuilt()
      const placesOf = (git: string) => {
        const { stdout } = castellan(['policy', 'show', '--git', git, '--json'], { cwd: work })
        return (JSON.parse(stdout) as ResolvedPolicy).rules.map(rule => rule.path)
      }
      expect(placesOf('protected')).toContain(nodePath.join(work, '.git'))
      expect(placesOf('writable')).not.toContain(nodePath.join(work, '.git'))
    },
  )

  says(
    '`*` and `?` stay inside one name, `**` stands for any number of directories, `[a-z]` and `{a,b}` are choices.',
    () => {
      const answers = (pattern: string, ...asked: string[]) => asked.map(name => matches(pattern, name))
      expect(answers('/w/*.x', '/w/a.x', '/w/a/b.x')).toEqual([true, false])
      expect(answers('/w/a?b', '/w/acb', '/w/a/b')).toEqual([true, false])
      expect(answers('/w/**/x', '/w/x', '/w/a/x', '/w/a/b/x', '/x')).toEqual([true, true, true, false])
      expect(answers('/w/[a-c]', '/w/b', '/w/d')).toEqual([true, false])
      expect(answers('/w/{one,two}', '/w/one', '/w/two', '/w/three')).toEqual([true, true, false])
    },
  )

  says('The name of the working directory is never a pattern, whatever it holds.', () => {
    const pattern = resolveGlob('*.key', { ...around, policyCwd: path('/w*[k]{a,b}?') })
    expect([matches(pattern, '/w*[k]{a,b}?/a.key'), matches(pattern, '/wxkac/a.key')]).toEqual([true, false])
  })

  says('A pattern can only deny.', () => {
    const denying = split(entry('/work', 'write'), glob('/work/*.key', 'none'))
    expect(gets(denying, ['/work/a.key'])).toEqual({ '/work/a.key': 'none' })
    expect(gets(split(glob('/work/*.key', 'write')), ['/work/a.key'])).toEqual({ '/work/a.key': 'none' })
  })

  const plan = (policy: Policy) =>
    choosePlan({ resolved: resolvePolicy(policy, around), capabilities: fullMachine, options: { guardTag: false } })

  says('A pattern that would open something is refused.', () => {
    for (const access of ['read', 'write']) {
      expect(plan(split(glob('/work/*.key', access)))).toMatchObject({
        refusal: { kind: 'not-enforceable', mechanism: 'glob snapshot', entry: '/work/*.key' },
      })
      const text = `[permissions.p.filesystem]\n":workspace_roots" = { "*.key" = "${access}" }`
      expect(() => toml(text)).toThrow(/line 2, column/)
    }
  })

  frame('Deny a directory where that matters.')
  says(
    'On Linux it is a snapshot: what matches when the command starts is closed, a file that appears later is not, and `plan.limits` says so.',
    () => {
      const wanted = { '/work/a.key': 'none', '/work/later.key': 'write' }
      expect(gets(policyNamed('patterns'), Object.keys(wanted))).toEqual(wanted)
      expect(plan(policyNamed('patterns'))).toMatchObject({
        plan: { limits: expect.arrayContaining([expect.objectContaining({ code: 'glob-snapshot' })]) },
      })
      const directory = split(entry('/work', 'write'), entry('/work/keys', 'none'))
      expect(gets(directory, ['/work/keys/later.key'])).toEqual({ '/work/keys/later.key': 'none' })
      expect(plan(directory)).toMatchObject({ plan: { limits: [] } })
    },
  )

  nothingElse(proseOf(page.slice(0, page.indexOf(PRESETS))))
})
