/**
 * The rules of default protections (spec META-1 … META-9), and of the git directories that the option `git` opens. They give way
 * to an entry for exactly their place.
 */
import type { ResolvedEntry } from './access.ts'
import { sortBytes } from './byte-order.ts'
import { type Candidate, EntryRules, ownName, type RuleContext } from './entry-rules.ts'
import {
  type GitAccess,
  type GitKept,
  type GitPlaces,
  gitGapOf,
  gitPlacesOf,
  gitRules,
  needsMissingConfig,
} from './git-access.ts'
import { type AbsolutePath, ROOT } from './path.ts'
import { gitMetadataOf, type Protection, unlistedProtectionsOf } from './protections.ts'
import type { ResolvedGit, RuleOrigin } from './types.ts'

/** What the rules of one policy are made from. */
interface Making {
  readonly rules: EntryRules
  readonly context: RuleContext
  /** The names that entries speak of. */
  readonly isNamed: (name: AbsolutePath) => boolean
}

function makingOf(rules: EntryRules, context: RuleContext): Making {
  let names: Set<AbsolutePath> | undefined
  const isNamed = (name: AbsolutePath) => {
    names ??= new Set(context.access.entries.map(entry => ownName(entry.path, context)))
    return names.has(name)
  }
  return { rules, context, isNamed }
}

/** One protection: its canonical place wherever that is writable, and the links by which it is named. */
function* rulesOfProtection(
  protection: Protection,
  origin: RuleOrigin,
  { rules, context, isNamed }: Making,
): Generator<Candidate> {
  const name = ownName(protection.path, context)
  if (isNamed(name)) return
  const { path, links } = context.paths.locate(protection.path)
  for (const link of links) {
    if (rules.isReplaceable(link) || (link === name && rules.isWritable(link))) {
      yield { path: link, access: 'read', origin }
    }
  }
  if (rules.isWritable(path)) yield { path, access: 'read', origin }
}

const OUTSIDE: ReadonlySet<Protection['name']> = new Set(['gitdir', 'commondir'])

/**
 * META-1 … META-9 for the root of every `write` entry, also of one that a `none` beats: taking such a root away must not
 * take away the protection of a git directory that lies in another.
 */
export function rulesOfProtections(rules: EntryRules, context: RuleContext): Candidate[] {
  const { access, paths, surroundings } = context
  const { files } = surroundings
  const found: Candidate[] = []
  const written = access.entries.filter(entry => entry.access === 'write')
  const roots = new Set(written.map(entry => paths.canonical(entry.path)))
  const making = makingOf(rules, context)
  const workspaces = workspaceRoots(written, context)
  for (const root of sortBytes([...roots])) {
    if (files.kindOf(root) !== 'directory') continue
    const isWorkspace = workspaces.has(root)
    const isWritable = rules.byPath.get(root)!.access === 'write'
    const standing = context.protections(root, false)
    const metadata = gitMetadataOf(root, standing, surroundings)
    const unlisted = unlistedProtectionsOf(root, standing, isWorkspace, surroundings)
    const opened = isWorkspace ? openedGit(root, rules, context) : null
    for (const protection of [...standing, ...metadata, ...unlisted]) {
      const { name, path } = protection
      const isGit = name !== '.agents' && name !== '.codex'
      if (opened?.kind === 'places' && isGit) continue
      const origin: RuleOrigin = { kind: 'protection', name, root }
      // At the top of a canonical root, and no link: the place itself, which is as writable as the root is. Rules of entries
      // win over it in any case.
      if (!OUTSIDE.has(name) && files.kindOf(path) !== 'symlink') {
        if (isWritable) found.push({ path, access: 'read', origin })
      } else found.push(...rulesOfProtection(protection, origin, making))
    }
    if (opened?.kind === 'places') found.push(...rulesOfOpenedGit(opened, root, making))
  }
  return found
}

/** The git directories of a root that the option `git` opens; null when it opens none, or there are none. */
function openedGit(root: AbsolutePath, rules: EntryRules, context: RuleContext): GitPlaces | GitKept | null {
  const { surroundings, paths } = context
  if (surroundings.git === undefined || surroundings.git === 'protected') return null
  const places = gitPlacesOf(root, surroundings, paths)
  if (places?.kind !== 'places') return places
  const denied = [places.directory, places.common].find(path => {
    const deciding = rules.decidingAt(path)
    return deciding?.access === 'none' && deciding.path !== ROOT
  })
  if (denied !== undefined) return { kind: 'kept', root, reason: `an entry denies ${denied}` }
  if (surroundings.git === 'hooks-and-config-protected' && needsMissingConfig(places, surroundings)) {
    return { kind: 'kept', root, reason: 'its extension worktreeConfig needs a file config.worktree, which is missing' }
  }
  return places
}

function* rulesOfOpenedGit(
  places: GitPlaces,
  root: AbsolutePath,
  { rules, context, isNamed }: Making,
): Generator<Candidate> {
  const git = context.surroundings.git as Exclude<GitAccess, 'protected'>
  for (const { path, access } of gitRules(git, places)) {
    if (isNamed(path)) continue
    if (access === 'write') {
      yield { path, access, origin: { kind: 'git', access: git, root } }
      continue
    }
    const origin: RuleOrigin = { kind: 'protection', name: 'git-metadata', root }
    yield { path, access, origin }
    const target = context.paths.canonical(path)
    if (target !== path && rules.isWritable(target)) yield { path: target, access, origin }
  }
}

/** What became of the option `git`, for whoever has to tell. */
export function resolvedGit(context: RuleContext): ResolvedGit | null {
  const { access, paths, surroundings } = context
  const { git = 'protected' } = surroundings
  if (git === 'protected') return null
  const rules = new EntryRules(context)
  const written = access.entries.filter(entry => entry.access === 'write')
  const workspaces = workspaceRoots(written, context)
  const roots = new Set(written.map(entry => paths.canonical(entry.path)).filter(root => workspaces.has(root)))
  const found = sortBytes([...roots]).map(root => openedGit(root, rules, context))
  const kept = found.filter(item => item?.kind === 'kept')
  const opened = git === 'hooks-and-config-protected' ? found.filter(item => item?.kind === 'places') : []
  const gaps = new Set(opened.map(gitGapOf).filter(path => surroundings.files.kindOf(path) === 'missing'))
  return { access: git, kept, gaps: [...gaps] }
}

/**
 * The roots in which a host may come to trust a protected name that a command creates: the working directory and what is
 * named by its path. Not temporary directories, which many programs share, nor the whole disk.
 */
function workspaceRoots(written: readonly ResolvedEntry[], context: RuleContext): Set<AbsolutePath> {
  const { paths, policy, surroundings } = context
  const named = written.filter(({ index }) => {
    const { path } = policy.entries[index]!
    return path.type === 'path' || (path.type === 'special' && path.value.kind === 'project_roots')
  })
  return new Set([surroundings.policyCwd, ...named.map(entry => entry.path)].map(path => paths.canonical(path)))
}
