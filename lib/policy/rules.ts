/**
 * What must be enforced: the policy's entries, the default protections and the platform's read roots as rules on canonical
 * paths, which is what the kernel sees. Order of entries never matters here.
 *
 * Everything beside the entries may only narrow, or open what no entry speaks of. Decisions about it look at the entries'
 * rules alone, so that no addition can change another one.
 */
import { type ResolvedEntry, strongest } from './access.ts'
import { sortBytes } from './byte-order.ts'
import type { CanonicalPaths, Location } from './canonical.ts'
import {
  type GitAccess,
  type GitKept,
  type GitPlaces,
  gitGapOf,
  gitPlacesOf,
  gitRules,
  needsMissingConfig,
} from './git-access.ts'
import {
  type AbsolutePath,
  ancestorsOf,
  baseNameOf,
  childOf,
  contains,
  depthOf,
  normalizeAbsolute,
  parentOf,
  ROOT,
} from './path.ts'
import { PathIndex } from './path-index.ts'
import { gitMetadataOf, missingProtectionsOf, type Protection } from './protections.ts'
import type { RootContext } from './roots.ts'
import { spellingOf } from './special.ts'
import type { Access, AccessRule, FileSystemView, ResolvedGit, RuleOrigin } from './types.ts'

/** Rules stand on canonical paths, in every model. */
export interface RuleContext extends RootContext {
  readonly paths: CanonicalPaths
  /** What patterns stand for now, as entries. */
  readonly matches: readonly ResolvedEntry[]
}

interface Candidate {
  readonly path: AbsolutePath
  readonly access: Access
  readonly origin: RuleOrigin
}

/** The entries' own rules: what every other decision is made by. */
interface EntryRules {
  readonly byPath: ReadonlyMap<AbsolutePath, Candidate>
  readonly index: PathIndex<Candidate>
}

/** DISK-7: the Linux roots. Those that exist count. */
const PLATFORM_ROOTS = ['/bin', '/sbin', '/usr', '/etc', '/lib', '/lib64', '/nix/store', '/run/current-system/sw'].map(
  normalizeAbsolute,
)

function entryOrigin(entry: ResolvedEntry, { policy }: RuleContext): RuleOrigin {
  return { kind: 'entry', index: entry.index, spelled: spellingOf(policy.entries[entry.index]!.path) }
}

function entryRules(context: RuleContext): EntryRules {
  const tied = new Map<AbsolutePath, ResolvedEntry>()
  for (const entry of [...context.access.entries, ...context.matches]) {
    const path = context.paths.canonical(entry.path)
    const rival = tied.get(path)
    tied.set(path, rival === undefined ? entry : strongest([rival, entry])!)
  }
  const byPath = new Map<AbsolutePath, Candidate>()
  for (const [path, entry] of tied) {
    byPath.set(path, { path, access: entry.access, origin: entryOrigin(entry, context) })
  }
  return { byPath, index: new PathIndex(byPath) }
}

function decidingAt(rules: EntryRules, path: AbsolutePath): Candidate | null {
  return rules.index.deepestAbove(path) ?? null
}

function isWritable(rules: EntryRules, path: AbsolutePath): boolean {
  return decidingAt(rules, path)?.access === 'write'
}

// Whoever may write around a link may put another in its place. ROOT-8: a writable root of the file system is left out, or
// every policy that names /bin or /var/run would be about links of the system.
function isReplaceable(rules: EntryRules, link: AbsolutePath): boolean {
  const deciding = decidingAt(rules, link)
  return deciding?.access === 'write' && deciding.path !== ROOT
}

/** ROOT-6: the links by which a carve-out is named inside a writable root. The last name carries the entry's own access. */
function* linksOfCarveOuts(rules: EntryRules, context: RuleContext): Generator<Candidate> {
  const { access, matches } = context
  for (const entry of access.entries) {
    if (entry.access === 'write' || access.accessAt(entry.path) === 'write') continue
    yield* linksOn(entry, rules, context)
  }
  // A link that matches a pattern closes what it leads to. Its own name is not pinned: whoever looks for matches remembers it.
  for (const match of matches) {
    const name = ownName(match.path, context)
    for (const link of linksOn(match, rules, context)) if (link.path !== name) yield link
  }
}

/** The links on the way to an entry that could be replaced. */
function* linksOn(entry: ResolvedEntry, rules: EntryRules, context: RuleContext): Generator<Candidate> {
  const { links } = context.paths.locate(entry.path)
  if (links.length === 0) return
  const name = ownName(entry.path, context)
  for (const link of links) {
    if (!isReplaceable(rules, link)) continue
    yield { path: link, access: link === name ? entry.access : 'read', origin: entryOrigin(entry, context) }
  }
}

/** What a link at the path would itself be called: the last name as spelled, in the canonical directory. */
function ownName(path: AbsolutePath, { paths }: RuleContext): AbsolutePath {
  return path === ROOT ? ROOT : childOf(paths.canonical(parentOf(path)), baseNameOf(path))
}

/** The names that entries speak of: a default protection gives way to an entry for exactly its path. */
function namesOfEntries(context: RuleContext): Set<AbsolutePath> {
  return new Set(context.access.entries.map(entry => ownName(entry.path, context)))
}

/** One protection: its canonical place wherever that is writable, and the links by which it is named. */
function* rulesOfProtection(
  protection: Protection,
  root: AbsolutePath,
  named: ReadonlySet<AbsolutePath>,
  rules: EntryRules,
  context: RuleContext,
): Generator<Candidate> {
  const name = ownName(protection.path, context)
  if (named.has(name)) return
  const origin: RuleOrigin = { kind: 'protection', name: protection.name, root }
  const { path, links } = context.paths.locate(protection.path)
  for (const link of links) {
    if (isReplaceable(rules, link) || (link === name && isWritable(rules, link))) {
      yield { path: link, access: 'read', origin }
    }
  }
  if (isWritable(rules, path)) yield { path, access: 'read', origin }
}

/**
 * META-1 … META-9 for the root of every `write` entry, also of one that a `none` beats: taking such a root away must not
 * take away the protection of a git directory that lies in another.
 */
function* rulesOfProtections(rules: EntryRules, context: RuleContext): Generator<Candidate> {
  const { access, paths, surroundings } = context
  const written = access.entries.filter(entry => entry.access === 'write')
  const roots = new Set(written.map(entry => paths.canonical(entry.path)))
  const named = namesOfEntries(context)
  const workspaces = workspaceRoots(written, context)
  for (const root of sortBytes([...roots], root => root)) {
    if (surroundings.files.kindOf(root) !== 'directory') continue
    const missing = workspaces.has(root) ? missingProtectionsOf(root, surroundings) : []
    const metadata = gitMetadataOf(root, surroundings)
    const opened = workspaces.has(root) ? openedGit(root, rules, context) : null
    for (const protection of [...context.protections(root, false), ...metadata, ...missing]) {
      const isGit = protection.name !== '.agents' && protection.name !== '.codex'
      if (opened?.kind === 'places' && isGit) continue
      yield* rulesOfProtection(protection, root, named, rules, context)
    }
    if (opened?.kind === 'places') yield* rulesOfOpenedGit(opened, root, named, rules, context)
  }
}

/** The git directories of a root that the option `git` opens; null when it opens none, or there are none. */
function openedGit(root: AbsolutePath, rules: EntryRules, context: RuleContext): GitPlaces | GitKept | null {
  const { surroundings, paths } = context
  if (surroundings.git === undefined || surroundings.git === 'protected') return null
  const places = gitPlacesOf(root, surroundings, paths)
  if (places?.kind !== 'places') return places
  const denied = [places.directory, places.common].find(path => {
    const deciding = decidingAt(rules, path)
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
  named: ReadonlySet<AbsolutePath>,
  rules: EntryRules,
  context: RuleContext,
): Generator<Candidate> {
  const git = context.surroundings.git as Exclude<GitAccess, 'protected'>
  for (const { path, access } of gitRules(git, places)) {
    if (named.has(path)) continue
    if (access === 'write') {
      yield { path, access, origin: { kind: 'git', access: git, root } }
      continue
    }
    const origin: RuleOrigin = { kind: 'protection', name: 'git-metadata', root }
    yield { path, access, origin }
    const target = context.paths.canonical(path)
    if (target !== path && isWritable(rules, target)) yield { path: target, access, origin }
  }
}

/** What became of the option `git`, for whoever has to tell. */
export function resolvedGit(context: RuleContext): ResolvedGit | null {
  const { access, paths, surroundings } = context
  const { git = 'protected' } = surroundings
  if (git === 'protected') return null
  const rules = entryRules(context)
  const written = access.entries.filter(entry => entry.access === 'write')
  const workspaces = workspaceRoots(written, context)
  const roots = new Set(written.map(entry => paths.canonical(entry.path)).filter(root => workspaces.has(root)))
  const found = sortBytes([...roots], root => root).map(root => openedGit(root, rules, context))
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

/** DISK-7. Opened only where no entry speaks, or only a `none` for the whole disk: other `none` entries are meant. */
function* rulesOfPlatform(rules: EntryRules, context: RuleContext): Generator<Candidate> {
  const isOpen = (path: AbsolutePath) => {
    const deciding = decidingAt(rules, path)
    return deciding === null || (deciding.path === ROOT && deciding.access === 'none')
  }
  const located: Location[] = PLATFORM_ROOTS.map(root => context.paths.locate(root)).filter(root => root.exists)
  const directories = new Set(located.map(root => root.path))
  for (const path of directories) {
    const covered = [...directories].some(other => other !== path && contains(other, path))
    if (!covered && isOpen(path)) yield { path, access: 'read', origin: { kind: 'platform-default' } }
  }
  // Without the link a policy that opens /usr has no /bin/sh.
  for (const link of new Set(located.flatMap(root => root.links))) {
    if (isOpen(link)) yield { path: link, access: 'read', origin: { kind: 'platform-default' } }
  }
}

function inOrder(rules: readonly AccessRule[]): AccessRule[] {
  const byDepth: AccessRule[][] = []
  for (const rule of rules) {
    const depth = depthOf(rule.path)
    const level = byDepth[depth]
    if (level === undefined) byDepth[depth] = [rule]
    else level.push(rule)
  }
  return byDepth.flatMap(level => sortBytes(level, rule => rule.path))
}

/** Null when something on the way is no directory: then more than a directory entry keeps the path from existing. */
function firstMissing(path: AbsolutePath, files: FileSystemView): AbsolutePath | null {
  for (const place of ancestorsOf(path)) {
    const kind = files.kindOf(place)
    if (kind !== 'directory') return kind === 'missing' ? place : null
  }
  return null
}

function finishRule({ path, access, origin }: Candidate, files: FileSystemView): AccessRule {
  const target = files.kindOf(path)
  const first = target === 'missing' && access !== 'write' ? firstMissing(path, files) : null
  return { path, access, target, ...(first === null ? {} : { firstMissing: first }), origin }
}

/** The rules of a `restricted` policy without full disk write, sorted by depth and then by path, one per path. */
export function enforcementRules(context: RuleContext, platformDefaults: boolean): AccessRule[] {
  const entries = entryRules(context)
  const chosen = new Map(entries.byPath)
  const additions = [
    ...rulesOfProtections(entries, context),
    ...linksOfCarveOuts(entries, context),
    ...(platformDefaults ? rulesOfPlatform(entries, context) : []),
  ]
  for (const addition of additions) {
    if (entries.byPath.has(addition.path)) continue
    const rival = chosen.get(addition.path)
    chosen.set(addition.path, rival === undefined ? addition : strongest([rival, addition])!)
  }
  const { files } = context.surroundings
  return inOrder([...chosen.values()].map(candidate => finishRule(candidate, files)))
}
