/** docs/policy.md as data: its policies, trees and tables, and a disk that they are about. */
import { readFileSync } from 'node:fs'

import { enterPath } from '../../lib/policy/glob.ts'
import type { GlobSearch } from '../../lib/policy/glob-snapshot.ts'
import { contains } from '../../lib/policy/path.ts'
import { parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import type { Policy } from '../../lib/policy/policy.ts'
import { parsePolicyJson } from '../../lib/policy/policy-json.ts'
import { policies } from '../../lib/policy/presets.ts'
import type { Surroundings } from '../../lib/policy/types.ts'
import { fakeFiles, path } from './fake-files.ts'

export const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8')

/** What a part of the page says in sentences: no headings, tables and examples, and one space for every gap. */
export function proseOf(part: string): string {
  return part
    .replaceAll(/^```.*?^```$/gms, '')
    .replaceAll(/^(<!--|#|\|).*$/gm, '')
    .replaceAll(/\s+/g, ' ')
}

const BLOCKS = /<!-- (example: \w+|refused) -->\n```(json|toml)\n(.*?)```\n\n```text\n(.*?)```/gs
export const blocks = [...page.matchAll(BLOCKS)].map(([, what = '', language = '', text = '', shown = '']) => ({
  name: what.replace('example: ', ''),
  language,
  text,
  shown: shown.trimEnd(),
}))
export const examples = blocks.filter(({ name }) => name !== 'refused')
export const refusals = blocks.filter(({ name }) => name === 'refused')

/** The rows of the table after a mark, without its head. */
export function tableAfter(mark: string): string[][] {
  const [, table = ''] = new RegExp(`<!-- ${mark} -->\n((?:\\|.*\n)+)`).exec(page)!
  const rows = table.trimEnd().split('\n').slice(2)
  return rows.map(row =>
    row
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim().replaceAll('`', '')),
  )
}

export const tree = {
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

export const around: Surroundings = {
  policyCwd: path('/work'),
  processCwd: path('/work'),
  temporaryDirectory: undefined,
  home: '/home/me',
  files: fakeFiles(tree),
  globs,
}

export function read({ language, text }: { readonly language: string; readonly text: string }): Policy {
  return language === 'toml' ? parsePermissionsToml(text, { profile: 'p' }).policy : parsePolicyJson(text).policy
}

export function policyNamed(name: string): Policy {
  if (name === 'full-access') return policies.fullAccess()
  if (name === 'worktree') return policies.workspaceWrite({ writableRoots: ['/tree', '/repo'] })
  return read(examples.find(example => example.name === name)!)
}

/** The paths of a drawn tree and the words beside them. */
export function drawn(text: string): [string, string][] {
  const above: string[] = []
  return text.split('\n').map(line => {
    const [, indent = '', name = '', access = ''] = /^([│├└─ ]*)(\S+) +(read|write|none)$/.exec(line)!
    const depth = indent.length / 4
    above[depth] = name
    return [`/${above.slice(1, depth + 1).join('/')}`, access]
  })
}
