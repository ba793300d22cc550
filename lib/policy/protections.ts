/**
 * What stays read-only at the top of every writable root (spec META-1 … META-9): the git metadata and the agent's own
 * configuration, so that a command cannot plant a hook or a setting that the host runs later.
 */
import { trimBlanks } from './blanks.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, childOf, ROOT, resolvePath } from './path.ts'
import type { RuleOrigin, Surroundings } from './types.ts'

export interface Protection {
  readonly name: Extract<RuleOrigin, { kind: 'protection' }>['name']
  readonly path: AbsolutePath
}

/** L6-7: the names at the top of a writable root that are closed to a command, in the order in which lists have them. */
export const PROTECTED_NAMES = ['.git', '.agents', '.codex'] as const

export type ProtectedName = (typeof PROTECTED_NAMES)[number]

/** What a name adds to the path of its root: joined once, since policies have thousands of such places. */
const BELOW = { '.git': '/.git', '.agents': '/.agents', '.codex': '/.codex' } as const

function protectedPlace(root: AbsolutePath, name: ProtectedName): AbsolutePath {
  return root === ROOT ? childOf(root, name) : ((root + BELOW[name]) as AbsolutePath)
}

// The size up to which git itself reads a pointer file.
const POINTER_FILE_LIMIT = 1 << 20

/**
 * META-2: what a pointer file (`gitdir: …`) points to, when that exists. Lexical, not canonical. March does not look at the word
 * before the colon, June takes `gitdir` only (L6-9).
 */
function pointerTarget(
  pointer: AbsolutePath,
  root: AbsolutePath,
  surroundings: Surroundings,
  model: Model,
): AbsolutePath | null {
  const { files, home } = surroundings
  const text = files.readText(pointer, POINTER_FILE_LIMIT)
  if (text === null) return null
  const line = trimBlanks(text)
  const colon = line.indexOf(':')
  if (colon === -1) return null
  if (model === '2026-06' && trimBlanks(line.slice(0, colon)) !== 'gitdir') return null
  const value = trimBlanks(line.slice(colon + 1))
  if (value === '') return null
  const target = resolvePath(value, root, home)
  return files.targetKindOf(target) === 'missing' ? null : target
}

/**
 * The protections of one root, in the order of the specification. Links keep their own name (META-4). `missingCodex`: `.codex`
 * is one also when nothing stands there (L4-4).
 */
export function protectionsOf(
  root: AbsolutePath,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
  missingCodex = false,
): Protection[] {
  const { files } = surroundings
  const protections: Protection[] = []
  const git = protectedPlace(root, '.git')
  const gitKind = files.targetKindOf(git)
  if (gitKind === 'file') {
    const target = pointerTarget(git, root, surroundings, model)
    if (target !== null) protections.push({ name: 'gitdir', path: target })
  }
  if (gitKind === 'file' || gitKind === 'directory') protections.push({ name: '.git', path: git })
  for (const name of ['.agents', '.codex'] as const) {
    const path = protectedPlace(root, name)
    const wanted = missingCodex && name === '.codex'
    if (wanted || files.targetKindOf(path) === 'directory') protections.push({ name, path })
  }
  return protections
}

/** The same as paths, without repeats. */
export function protectedPathsOf(...question: Parameters<typeof protectionsOf>): AbsolutePath[] {
  return [...new Set(protectionsOf(...question).map(protection => protection.path))]
}

/**
 * What git itself takes for the metadata of a root with a pointer file, where that differs from META-2 or goes beyond it: git
 * strips line ends only, so a name may end in blanks, and the common directory of a linked worktree holds the hooks and the
 * configuration (gitrepository-layout(5)). For enforcement; the lists of the specification do not have it. `protections` are
 * those of the root.
 */
export function gitMetadataOf(
  root: AbsolutePath,
  protections: readonly Protection[],
  surroundings: Surroundings,
): Protection[] {
  const { files } = surroundings
  const pointer = protections.find(({ name }) => name === '.git')?.path
  if (pointer === undefined || files.targetKindOf(pointer) !== 'file') return []
  const directories = new Set<AbsolutePath>()
  const literal = literalTarget(pointer, 'gitdir:', root, surroundings)
  if (literal !== null) directories.add(literal)
  const trimmed = pointerTarget(pointer, root, surroundings, MAIN_MODEL)
  if (trimmed !== null) directories.add(trimmed)
  const common = [...directories].map(directory =>
    literalTarget(childOf(directory, 'commondir'), '', directory, surroundings),
  )
  return [
    ...(literal === null ? [] : [{ name: 'gitdir' as const, path: literal }]),
    ...common.flatMap(path => (path === null ? [] : [{ name: 'commondir' as const, path }])),
  ]
}

/** The path that a one-line file names, as git reads it: after the prefix and its blanks, up to the line end. */
export function literalTarget(
  file: AbsolutePath,
  prefix: string,
  base: AbsolutePath,
  { files }: Surroundings,
): AbsolutePath | null {
  const text = files.readText(file, POINTER_FILE_LIMIT)
  if (text === null || !text.startsWith(prefix)) return null
  const value = text
    .slice(prefix.length)
    .replace(/^ +/, '')
    .replace(/[\r\n]+$/, '')
  if (value === '' || value.includes('\0')) return null
  const target = resolvePath(value, base)
  return files.targetKindOf(target) === 'missing' ? null : target
}

/** In the order of rules: what is made in order costs less to put in order. */
const NAMES_OF_RULES = [...PROTECTED_NAMES].sort()

const PROTECTED_PLACE = /\/\.(git|agents|codex)(\/|$)/

/**
 * The protected names of a root that are not in the lists of the specification (`standing` are those that are). Nothing stands there
 * (META-3 leaves them open): a command that creates one would plant what the host trusts. Or something that a command could replace
 * by that: plain files `.agents` and `.codex` (META-3), links to nothing (META-4), pipes. `workspace`: whether a host may come to
 * trust them there; elsewhere, as in /tmp, somebody else's link or pipe must not keep a sandbox from being made. A root that is
 * such a place itself has no such names.
 */
export function unlistedProtectionsOf(
  root: AbsolutePath,
  standing: readonly Protection[],
  workspace: boolean,
  { files }: Surroundings,
): Protection[] {
  const unlisted: Protection[] = []
  if (PROTECTED_PLACE.test(root)) return unlisted
  for (const name of NAMES_OF_RULES) {
    if (standing.some(known => known.name === name)) continue
    const path = protectedPlace(root, name)
    if (workspace || files.kindOf(path) === 'file') unlisted.push({ name, path })
  }
  return unlisted
}
