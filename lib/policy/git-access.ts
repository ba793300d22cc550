/**
 * What a command may do with the git directories of its workspace (option `git`). Git keeps its metadata in up to three places:
 * `.git` itself, the directory that a pointer file names (a submodule, a linked worktree), and the common directory of a
 * linked worktree (gitrepository-layout(5)). The latter two lie outside the workspace, so that opening them widens the policy:
 * it is done only for a directory that names this workspace itself, which nobody can forge who cannot write there already.
 */
import type { CanonicalPaths } from './canonical.ts'
import { type AbsolutePath, baseNameOf, childOf, parentOf, resolvePath } from './path.ts'
import { literalTarget } from './protections.ts'
import type { Surroundings } from './types.ts'

/**
 * `protected` (default): all of it stays read-only, so that no commit can be made. `writable`: all of it can be written, hooks
 * and configuration included, which git runs outside of any sandbox. `hooks-and-config-protected`: a command can commit,
 * and what git takes its programs from stays read-only.
 */
export type GitAccess = 'protected' | 'writable' | 'hooks-and-config-protected'

export const GIT_ACCESS: readonly GitAccess[] = ['protected', 'writable', 'hooks-and-config-protected']

export interface GitPlaces {
  readonly kind: 'places'
  /** The pointer file, when `.git` is one. Git never writes it. */
  readonly pointer: AbsolutePath | null
  /** Canonical. */
  readonly directory: AbsolutePath
  /** Canonical; the same as `directory` but for a linked worktree. */
  readonly common: AbsolutePath
}

/** The metadata of a root that cannot be opened, and why. */
export interface GitKept {
  readonly kind: 'kept'
  readonly root: AbsolutePath
  readonly reason: string
}

const CONFIG_LIMIT = 1 << 20

/** The git directories of a root; null when it has none. */
export function gitPlacesOf(
  root: AbsolutePath,
  surroundings: Surroundings,
  paths: CanonicalPaths,
): GitPlaces | GitKept | null {
  const { files } = surroundings
  const git = childOf(root, '.git')
  const kept = (reason: string): GitKept => ({ kind: 'kept', root, reason })
  switch (files.kindOf(git)) {
    case 'missing':
      return null
    case 'directory':
      return isPlain(git, surroundings)
        ? { kind: 'places', pointer: null, directory: git, common: git }
        : kept(`${git} takes its configuration from another place, or has none`)
    case 'file':
      return (
        behindPointer(root, git, surroundings, paths) ?? kept(`${git} names no directory that names ${root} in turn`)
      )
    default:
      return kept(`${git} is neither a directory nor a file`)
  }
}

/** A git directory with a configuration of its own. */
function isPlain(directory: AbsolutePath, { files }: Surroundings): boolean {
  return (
    files.kindOf(childOf(directory, 'commondir')) === 'missing' && files.kindOf(childOf(directory, 'config')) === 'file'
  )
}

function behindPointer(
  root: AbsolutePath,
  pointer: AbsolutePath,
  surroundings: Surroundings,
  paths: CanonicalPaths,
): GitPlaces | null {
  const named = literalTarget(pointer, 'gitdir:', root, surroundings)
  if (named === null) return null
  const directory = paths.canonical(named)
  if (surroundings.files.kindOf(directory) !== 'directory') return null
  const common = commonOfWorktree(directory, pointer, surroundings, paths)
  if (common !== null) return { kind: 'places', pointer, directory, common }
  return isPlain(directory, surroundings) && workTreeOf(directory, surroundings, paths) === root
    ? { kind: 'places', pointer, directory, common: directory }
    : null
}

/** `COMMON/worktrees/NAME`, as `git worktree add` makes it, with the way back in the file `gitdir`. */
function commonOfWorktree(
  directory: AbsolutePath,
  pointer: AbsolutePath,
  surroundings: Surroundings,
  paths: CanonicalPaths,
): AbsolutePath | null {
  const named = literalTarget(childOf(directory, 'commondir'), '', directory, surroundings)
  const back = literalTarget(childOf(directory, 'gitdir'), '', directory, surroundings)
  if (named === null || back === null) return null
  const common = paths.canonical(named)
  const fits = baseNameOf(parentOf(directory)) === 'worktrees' && parentOf(parentOf(directory)) === common
  return fits && paths.canonical(back) === pointer && isPlain(common, surroundings) ? common : null
}

/** `core.worktree`, with which a submodule's directory names its work tree. Read as git writes it, without quotes. */
function workTreeOf(directory: AbsolutePath, surroundings: Surroundings, paths: CanonicalPaths): AbsolutePath | null {
  const text = surroundings.files.readText(childOf(directory, 'config'), CONFIG_LIMIT)
  let section = ''
  for (const line of text?.split('\n') ?? []) {
    const heading = /^\s*\[([^\]]*)\]/.exec(line)
    if (heading !== null) section = heading[1]!.trim().toLowerCase()
    const value = section === 'core' ? /^\s*worktree\s*=\s*([^"\\#;]+?)\s*$/i.exec(line)?.[1] : undefined
    if (value !== undefined) return paths.canonical(resolvePath(value, directory))
  }
  return null
}

export interface GitRule {
  readonly path: AbsolutePath
  readonly access: 'read' | 'write'
}

const rulesFor = (access: GitRule['access'], parent: AbsolutePath, names: readonly string[]): GitRule[] =>
  names.map(name => ({ path: childOf(parent, name), access }))

/** What is opened outside the root, and what stays read-only of what is open. */
export function gitRules(
  access: Exclude<GitAccess, 'protected'>,
  { pointer, directory, common }: GitPlaces,
): GitRule[] {
  const outside = pointer === null ? [] : [...new Set([directory, common])]
  const open: GitRule[] = outside.map(path => ({ path, access: 'write' }))
  // Git never writes the pointer; whoever could would name another directory for the next run.
  if (pointer !== null) open.push({ path: pointer, access: 'read' })
  if (access === 'writable') return open
  // From these git takes programs to run, or the place to take them from. `worktrees` and `modules` hold those of other work
  // trees; this work tree's own directory below `worktrees` is open.
  const closed = rulesFor('read', common, ['hooks', 'config', 'config.worktree', 'worktrees', 'modules'])
  if (common === directory) return [...open, ...closed]
  return [...open, ...closed, ...rulesFor('read', directory, ['commondir', 'gitdir', 'config.worktree', 'modules'])]
}

/**
 * The name with which a command could make git take its hooks and configuration from another place. It cannot be kept from
 * being created: an empty directory of that name is an error to git itself.
 */
export function gitGapOf({ common }: GitPlaces): AbsolutePath {
  return childOf(common, 'commondir')
}

/** A missing `config.worktree` is kept missing by a directory in its place, which git reads where this extension is on. */
export function needsMissingConfig({ common, directory }: GitPlaces, { files }: Surroundings): boolean {
  const missing = [common, directory].some(place => files.kindOf(childOf(place, 'config.worktree')) === 'missing')
  const text = files.readText(childOf(common, 'config'), CONFIG_LIMIT)
  return missing && (text === null || /worktreeconfig/i.test(text))
}
