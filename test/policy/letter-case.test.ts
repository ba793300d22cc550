/** The canonical form of a path where names that differ in letter case or composition are one file. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { caseInsensitiveView } from '../../lib/host/file-system-view.ts'
import { canonicalPaths } from '../../lib/policy/canonical.ts'
import { enforcedAccessOf, resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import type { FileSystemView } from '../../lib/policy/types.ts'
import { fakeFiles, path, surroundingsIn, type Tree } from './fake-files.ts'

const folded = (text: string) => text.normalize('NFD').toLowerCase()

/** A volume that ignores letter case and composition, and keeps the spelling of what stands there. */
function foldingFiles(tree: Tree): FileSystemView {
  const files = fakeFiles(tree)
  const stored = new Map<string, string>()
  for (const name of Object.keys(tree)) {
    for (let at = name.length; at > 0; at = name.lastIndexOf('/', at - 1)) {
      stored.set(folded(name.slice(0, at)), name.slice(0, at))
    }
  }
  const standing = (given: string) => path(stored.get(folded(given)) ?? given)
  return {
    realPath: given => files.realPath(standing(given)),
    kindOf: given => files.kindOf(standing(given)),
    targetKindOf: given => files.targetKindOf(standing(given)),
    readText: (given, limit) => files.readText(standing(given), limit),
    spelledOnDisk: standing,
  }
}

const tree: Tree = {
  '/Users/u/Repo/Secret/Key': 'file',
  '/Users/u/Repo/caf\u00e9': 'dir',
  '/Users/u/Link': { link: '/Users/u/Repo' },
}

describe('where letter case is ignored', () => {
  const files = foldingFiles(tree)

  it.each([
    ['/users/U/repo/SECRET/key', '/Users/u/Repo/Secret/Key'],
    ['/Users/u/repo/secret/Missing/Name', '/Users/u/Repo/Secret/Missing/Name'],
    ['/users/u/LINK/secret', '/Users/u/Repo/Secret'],
    ['/Users/u/Repo/CAFE\u0301', '/Users/u/Repo/caf\u00e9'],
    ['/Users/u/Repo/Secret/Key', '/Users/u/Repo/Secret/Key'],
    ['/', '/'],
  ])('%s is called %s', (given, wanted) => {
    expect(canonicalPaths(files).canonical(path(given))).toBe(wanted)
    const paths = canonicalPaths(files)
    paths.canonical(path('/users/u'))
    expect(paths.canonical(path(given))).toBe(wanted)
  })

  it('names links as they are stored', () => {
    expect(canonicalPaths(files).locate(path('/users/u/LINK/secret')).links).toEqual(['/Users/u/Link'])
  })

  it('a closed place is closed however an entry spells it', () => {
    const surroundings = { ...surroundingsIn(tree, { cwd: '/users/u/repo', home: '/Users/u' }), files }
    const policy = parseSandboxPolicy({
      kind: 'restricted',
      entries: [
        { path: { type: 'special', value: { kind: 'current_working_directory' } }, access: 'write' },
        { path: { type: 'path', path: '/Users/U/REPO/secret' }, access: 'none' },
      ],
    })
    const resolved = resolvePolicy(policy, surroundings)
    expect(enforcedAccessOf(resolved, path('/Users/u/Repo/Secret/Key')).access).toBe('none')
    expect(enforcedAccessOf(resolved, path('/Users/u/Repo/other')).access).toBe('write')
    expect(enforcedAccessOf(resolved, path('/Users/u/Repo/.git/config')).access).toBe('read')
  })

  it('two entries for one file are one, and the stronger denial wins', () => {
    const surroundings = { ...surroundingsIn(tree, { cwd: '/Users/u/Repo', home: '/Users/u' }), files }
    const entry = (given: string, access: string) => ({ path: { type: 'path', path: given }, access })
    const resolved = resolvePolicy(
      parseSandboxPolicy({
        kind: 'restricted',
        entries: [entry('/Users/u/Repo/SECRET', 'write'), entry('/Users/u/Repo/secret', 'none')],
      }),
      surroundings,
    )
    expect(resolved.rules.filter(({ path: place }) => place.startsWith('/Users/u/Repo/'))).toMatchObject([
      { path: '/Users/u/Repo/Secret', access: 'none' },
    ])
  })
})

describe('the real disk', () => {
  let folder: string

  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-case-')))
    mkdirSync(join(folder, 'Dir'))
    writeFileSync(join(folder, 'Dir/File'), '')
    symlinkSync('Dir', join(folder, 'Link'))
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('gives names as they are stored, and those of links too', () => {
    const { spelledOnDisk } = caseInsensitiveView
    for (const name of ['Dir', 'Dir/File', 'Link', 'missing']) {
      expect(spelledOnDisk?.(path(join(folder, name)))).toBe(join(folder, name))
    }
    expect(spelledOnDisk?.(path('/'))).toBe('/')
  })
})
