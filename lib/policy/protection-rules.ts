/**
 * The rules of default protections (spec META-1 … META-9), and of the git directories that the option `git` opens. They give way
 * to an entry for exactly their place.
 */
import { ruleAt } from './access-rule.ts'
import { sortBytes } from './byte-order.ts'
import { EntryRules, ownName, type RuleContext } from './entry-rules.ts'
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
import type { FileSystemSandboxEntry } from './policy.ts'
import { gitMetadataOf, type Protection, unlistedProtectionsOf } from './protections.ts'
import type { AccessRule, ResolvedGit, RuleOrigin } from './types.ts'

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
    names ??= new Set(context.entries.map(entry => ownName(entry.path, context)))
    return names.has(name)
  }
  return { rules, context, isNamed }
}

/** One protection: its canonical place wherever that is writable, and the links by which it is named. */
function* rulesOfProtection(
  protection: Protection,
  origin: RuleOrigin,
  { rules, context, isNamed }: Making,
): Generator<AccessRule> {
  const name = ownName(protection.path, context)
  if (isNamed(name)) return
  const { path, links } = context.paths.locate(protection.path)
  for (const link of links) {
    if (rules.isReplaceable(link) || (link === name && rules.isWritable(link))) {
      yield readOnly(link, origin, context)
    }
  }
  if (rules.isWritable(path)) yield readOnly(path, origin, context)
}

function readOnly(path: AbsolutePath, origin: RuleOrigin, { surroundings }: RuleContext): AccessRule {
  return ruleAt(path, 'read', origin, surroundings.files)
}

const OUTSIDE: ReadonlySet<Protection['name']> = new Set(['gitdir', 'commondir'])

/**
 * META-1 … META-9 for the root of every `write` entry, also of one that a `none` beats: taking such a root away must not
 * take away the protection of a git directory that lies in another.
 */
export function rulesOfProtections(rules: EntryRules, context: RuleContext): AccessRule[] {
  const { surroundings } = context
  const { files } = surroundings
  const found: AccessRule[] = []
  const roots = writtenRoots(context)
  const making = makingOf(rules, context)
  for (const root of sortBytes([...roots.keys()])) {
    if (files.kindOf(root) !== 'directory') continue
    const isWorkspace = roots.get(root)!
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
      const rule = OUTSIDE.has(name) ? null : readOnly(path, origin, context)
      if (rule === null || rule.target === 'symlink') found.push(...rulesOfProtection(protection, origin, making))
      else if (isWritable) found.push(rule)
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
): Generator<AccessRule> {
  const git = context.surroundings.git as Exclude<GitAccess, 'protected'>
  for (const { path, access } of gitRules(git, places)) {
    if (isNamed(path)) continue
    if (access === 'write') {
      yield ruleAt(path, access, { kind: 'git', access: git, root }, context.surroundings.files)
      continue
    }
    const origin: RuleOrigin = { kind: 'protection', name: 'git-metadata', root }
    yield readOnly(path, origin, context)
    const behind = context.paths.canonical(path)
    if (behind !== path && rules.isWritable(behind)) yield readOnly(behind, origin, context)
  }
}

/** What became of the option `git`, for whoever has to tell. */
export function resolvedGit(context: RuleContext): ResolvedGit | null {
  const { surroundings } = context
  const { git = 'protected' } = surroundings
  if (git === 'protected') return null
  const rules = new EntryRules(context)
  const workspaces = [...writtenRoots(context)].flatMap(([root, isWorkspace]) => (isWorkspace ? [root] : []))
  const found = sortBytes(workspaces).map(root => openedGit(root, rules, context))
  const kept = found.filter(item => item?.kind === 'kept')
  const opened = git === 'hooks-and-config-protected' ? found.filter(item => item?.kind === 'places') : []
  const gaps = new Set(opened.map(gitGapOf).filter(path => surroundings.files.kindOf(path) === 'missing'))
  return { access: git, kept, gaps: [...gaps] }
}

/**
 * The root of every `write` entry, and whether a host may come to trust a protected name that a command creates there: in the
 * working directory and in what is named by its path. Not in temporary directories, which many programs share, nor in the whole
 * disk.
 */
function writtenRoots({ entries, paths, policy, surroundings }: RuleContext): ReadonlyMap<AbsolutePath, boolean> {
  const roots = new Map<AbsolutePath, boolean>()
  const workspace = paths.canonical(surroundings.policyCwd)
  for (const { access, form: root, index } of entries) {
    if (access !== 'write' || roots.get(root) === true) continue
    roots.set(root, root === workspace || isNamedByPath(policy.entries[index]!))
  }
  return roots
}

function isNamedByPath({ path }: FileSystemSandboxEntry): boolean {
  return path.type === 'path' || (path.type === 'special' && path.value.kind === 'project_roots')
}
