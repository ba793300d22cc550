/** docs/policy.md: the policies mean what the trees beside them say, the messages and tables are what the library answers. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { explainPath } from '../../lib/plan/explain.ts'
import { enforcedAccessOf } from '../../lib/policy/enforced.ts'
import { enterPath } from '../../lib/policy/glob.ts'
import type { GlobSearch } from '../../lib/policy/glob-snapshot.ts'
import { legacyToSplit } from '../../lib/policy/legacy-to-split.ts'
import { contains } from '../../lib/policy/path.ts'
import { parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import type { Policy } from '../../lib/policy/policy.ts'
import { parsePolicyJson } from '../../lib/policy/policy-json.ts'
import { policies } from '../../lib/policy/presets.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { spellingOf } from '../../lib/policy/special.ts'
import type { Surroundings } from '../../lib/policy/types.ts'
import { fakeFiles, path } from './fake-files.ts'

const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8')

const BLOCKS = /<!-- (example: \w+|refused) -->\n```(json|toml)\n(.*?)```\n\n```text\n(.*?)```/gs
const blocks = [...page.matchAll(BLOCKS)].map(([, what = '', language = '', text = '', shown = '']) => ({
  name: what.replace('example: ', ''),
  language,
  text,
  shown: shown.trimEnd(),
}))
const examples = blocks.filter(({ name }) => name !== 'refused')
const refusals = blocks.filter(({ name }) => name === 'refused')

/** The rows of the table after a mark, without its head. */
function tableAfter(mark: string): string[][] {
  const [, table = ''] = new RegExp(`<!-- ${mark} -->\n((?:\\|.*\n)+)`).exec(page)!
  const rows = table.trimEnd().split('\n').slice(2)
  return rows.map(row =>
    row
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim().replaceAll('`', '')),
  )
}

const tree = {
  '/work/.git/config': { text: '[core]' },
  '/work/.git/hooks': 'dir',
  '/work/vault/open': 'dir',
  '/work/secret': 'dir',
  '/work/.env': 'file',
  '/work/a.key': 'file',
  '/work/src/.env': 'file',
  '/work/src/b.key': 'file',
  '/other': 'dir',
  '/tree/.git': { text: 'gitdir: /repo/.git/worktrees/tree\n' },
  '/repo/.git/worktrees/tree': 'dir',
  '/tmp': 'dir',
  '/usr/bin': 'dir',
  '/etc': 'dir',
} as const

const globs: GlobSearch = {
  find: ({ places }) => ({
    kind: 'found',
    matches: places.flatMap(place =>
      Object.keys(tree).flatMap(name => {
        const index = contains(place.path, path(name)) ? enterPath(place.cursor, path(name)).matched : null
        return index === null ? [] : [{ path: path(name), index }]
      }),
    ),
  }),
}

const around: Surroundings = {
  policyCwd: path('/work'),
  processCwd: path('/work'),
  temporaryDirectory: undefined,
  home: '/home/me',
  files: fakeFiles(tree),
  globs,
}

function read({ language, text }: { readonly language: string; readonly text: string }): Policy {
  return language === 'toml' ? parsePermissionsToml(text, { profile: 'p' }).policy : parsePolicyJson(text).policy
}

function policyNamed(name: string): Policy {
  if (name === 'full-access') return policies.fullAccess()
  if (name === 'worktree') return policies.workspaceWrite({ writableRoots: ['/tree', '/repo'] })
  return read(examples.find(example => example.name === name)!)
}

/** The paths of a drawn tree and the words beside them. */
function drawn(text: string): [string, string][] {
  const above: string[] = []
  return text.split('\n').map(line => {
    const [, indent = '', name = '', access = ''] = /^([│├└─ ]*)(\S+) +(read|write|none)$/.exec(line)!
    const depth = indent.length / 4
    above[depth] = name
    return [`/${above.slice(1, depth + 1).join('/')}`, access]
  })
}

describe('docs/policy.md', () => {
  it('has nothing beside its policies that no test looks at', () => {
    const names = ['nested', 'ties', 'closed', 'minimal', 'roots', 'protected', 'lifted', 'patterns', 'inherited']
    expect(examples.map(({ name }) => name)).toEqual(names)
    expect(refusals).toHaveLength(3)
    // And the list of a converted policy.
    expect([...page.matchAll(/```text/g)]).toHaveLength(blocks.length + 1)
  })

  it.each(examples)('draws what $name means', example => {
    const resolved = resolvePolicy(read(example), around)
    const places = drawn(example.shown)
    expect(places.length).toBeGreaterThan(2)
    expect(places.map(([place]) => [place, enforcedAccessOf(resolved, path(place)).access])).toEqual(places)
  })

  it.each(refusals)('tells what is wrong with $text', refusal => {
    expect(() => read(refusal)).toThrow(expect.objectContaining({ message: refusal.shown }))
  })

  it('writes workspace-write in the words of the other model', () => {
    const [, shown = ''] = /<!-- split: workspace-write -->\n```text\n(.*?)\n```/s.exec(page)!
    const workspace = policies.workspaceWrite()
    if (workspace.form !== 'legacy') throw new Error('a legacy policy was expected')
    const { entries } = legacyToSplit(workspace.legacy, around)
    expect(entries.map(entry => `${spellingOf(entry.path)} ${entry.access}`).join('\n')).toBe(shown)
  })

  it('says which policies have a legacy form', () => {
    const rows = tableAfter('legacy')
    expect(rows.length).toBeGreaterThan(4)
    for (const [name = '', form] of rows) {
      const { needsDirectEnforcement, legacy } = resolvePolicy(policyNamed(name), around)
      expect([name, legacy === null || needsDirectEnforcement ? 'loses something' : 'the same']).toEqual([name, form])
    }
  })

  it.each(tableAfter('rules'))('names %s: %s', (rule, _decides, policy = '', asked = '', access, matched) => {
    const [name = '', git] = policy.split(', ')
    const surroundings: Surroundings = git === 'git' ? { ...around, git: 'hooks-and-config-protected' } : around
    const resolved = resolvePolicy(policyNamed(name), surroundings)
    const answer = explainPath({ resolved, plan: null, path: path(asked), canonicalPath: path(asked) })
    expect(answer).toMatchObject({ rule, access, matched: matched === '' ? null : matched })
  })

  it('gives equal policies one digest, whatever the order of their entries', () => {
    const policy = policyNamed('ties')
    if (policy.form !== 'split') throw new Error('a split policy was expected')
    const entries = [...policy.fileSystem.entries].reverse()
    const other: Policy = { ...policy, fileSystem: { ...policy.fileSystem, entries } }
    expect(resolvePolicy(other, around).digest).toBe(resolvePolicy(policy, around).digest)
  })
})
