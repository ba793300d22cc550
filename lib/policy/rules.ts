/**
 * What must be enforced: the policy's entries, the default protections and the platform's read roots as rules on canonical
 * paths, which is what the kernel sees. Order of entries never matters here.
 *
 * Everything beside the entries may only narrow, or open what no entry speaks of. Decisions about it look at the entries'
 * rules alone, so that no addition can change another one.
 */
import { type ResolvedEntry, strongest } from './access.ts'
import { sortBytes } from './byte-order.ts'
import type { Location } from './canonical.ts'
import { type Candidate, EntryRules, entryOrigin, ownName, type RuleContext } from './entry-rules.ts'
import { type AbsolutePath, ancestorsOf, contains, depthOf, normalizeAbsolute, ROOT } from './path.ts'
import { rulesOfProtections } from './protection-rules.ts'
import type { AccessRule, FileSystemView } from './types.ts'

/** DISK-7: the Linux roots, unless the surroundings have others. Those that exist count. */
const PLATFORM_ROOTS = ['/bin', '/sbin', '/usr', '/etc', '/lib', '/lib64', '/nix/store', '/run/current-system/sw'].map(
  normalizeAbsolute,
)

/** ROOT-6: the links by which a carve-out is named inside a writable root. The last name carries the entry's own access. */
function* linksOfCarveOuts(rules: EntryRules, context: RuleContext): Generator<Candidate> {
  const { access, matches } = context
  for (const entry of access.entries) {
    if (entry.access === 'write' || access.accessOfPlace(entry) === 'write') continue
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
    if (!rules.isReplaceable(link)) continue
    yield { path: link, access: link === name ? entry.access : 'read', origin: entryOrigin(entry, context) }
  }
}

/** DISK-7. Opened only where no entry speaks, or only a `none` for the whole disk: other `none` entries are meant. */
function* rulesOfPlatform(rules: EntryRules, context: RuleContext): Generator<Candidate> {
  const isOpen = (path: AbsolutePath) => {
    const deciding = rules.decidingAt(path)
    return deciding === null || (deciding.path === ROOT && deciding.access === 'none')
  }
  const roots = context.surroundings.platformRoots?.map(normalizeAbsolute) ?? PLATFORM_ROOTS
  const located: Location[] = roots.map(root => context.paths.locate(root)).filter(root => root.exists)
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

/** The candidates as rules, frozen: by depth, and by the bytes of the path within one. */
function rulesInOrder(candidates: ReadonlyMap<AbsolutePath, Candidate>, files: FileSystemView): readonly AccessRule[] {
  const byDepth: AbsolutePath[][] = []
  for (const path of candidates.keys()) {
    const depth = depthOf(path)
    const level = byDepth[depth]
    if (level === undefined) byDepth[depth] = [path]
    else level.push(path)
  }
  const rules: AccessRule[] = []
  for (const level of byDepth) {
    if (level === undefined) continue
    for (const path of sortBytes(level)) rules.push(finishRule(candidates.get(path)!, files))
  }
  return Object.freeze(rules)
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
  Object.freeze(origin)
  if (first === null) return Object.freeze({ path, access, target, origin })
  return Object.freeze({ path, access, target, firstMissing: first, origin })
}

/** The rules of a `restricted` policy without full disk write, sorted by depth and then by path, one per path. */
export function enforcementRules(context: RuleContext, platformDefaults: boolean): readonly AccessRule[] {
  const entries = new EntryRules(context)
  const chosen = new Map(entries.byPath)
  const add = (addition: Candidate) => {
    const rival = chosen.get(addition.path)
    if (rival === undefined) chosen.set(addition.path, addition)
    else if (!entries.byPath.has(addition.path)) chosen.set(addition.path, strongest([rival, addition])!)
  }
  for (const addition of rulesOfProtections(entries, context)) add(addition)
  for (const addition of linksOfCarveOuts(entries, context)) add(addition)
  if (platformDefaults) for (const addition of rulesOfPlatform(entries, context)) add(addition)
  return rulesInOrder(chosen, context.surroundings.files)
}
