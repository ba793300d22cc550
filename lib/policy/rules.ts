/**
 * What must be enforced: the policy's entries, the default protections and the platform's read roots as rules on canonical
 * paths, which is what the kernel sees. Order of entries never matters here.
 *
 * Everything beside the entries may only narrow, or open what no entry speaks of. Decisions about it look at the entries'
 * rules alone, so that no addition can change another one.
 */
import { isStronger, type ResolvedEntry } from './access.ts'
import { ruleAt } from './access-rule.ts'
import { sortByPath } from './byte-order.ts'
import type { Location } from './canonical.ts'
import { EntryRules, entryOrigin, ownName, type RuleContext } from './entry-rules.ts'
import { type AbsolutePath, contains, depthOf, normalizeAbsolute, ROOT } from './path.ts'
import { rulesOfProtections } from './protection-rules.ts'
import type { AccessRule } from './types.ts'

/** DISK-7: the Linux roots, unless the surroundings have others. Those that exist count. */
const PLATFORM_ROOTS = ['/bin', '/sbin', '/usr', '/etc', '/lib', '/lib64', '/nix/store', '/run/current-system/sw'].map(
  normalizeAbsolute,
)

/** ROOT-6: the links by which a carve-out is named inside a writable root. The last name carries the entry's own access. */
function linksOfCarveOuts(rules: EntryRules, context: RuleContext): AccessRule[] {
  const { entries, matches } = context
  const found: AccessRule[] = []
  for (const entry of entries) {
    if (entry.access === 'write' || entry.winner.access === 'write') continue
    found.push(...linksOn(entry, rules, context))
  }
  // A link that matches a pattern closes what it leads to. Its own name is not pinned: whoever looks for matches remembers it.
  for (const match of matches) {
    const name = ownName(match.path, context)
    found.push(...linksOn(match, rules, context).filter(link => link.path !== name))
  }
  return found
}

/** The links on the way to an entry that could be replaced. */
function linksOn(entry: ResolvedEntry, rules: EntryRules, context: RuleContext): AccessRule[] {
  const { links } = context.paths.locate(entry.path)
  if (links.length === 0) return []
  const name = ownName(entry.path, context)
  return links
    .filter(link => rules.isReplaceable(link))
    .map(link => {
      const access = link === name ? entry.access : 'read'
      return ruleAt(link, access, entryOrigin(entry, context), context.surroundings.files)
    })
}

/** DISK-7. Opened only where no entry speaks, or only a `none` for the whole disk: other `none` entries are meant. */
function* rulesOfPlatform(rules: EntryRules, context: RuleContext): Generator<AccessRule> {
  const isOpen = (path: AbsolutePath) => {
    const deciding = rules.decidingAt(path)
    return deciding === null || (deciding.path === ROOT && deciding.access === 'none')
  }
  const { files } = context.surroundings
  const ruleFor = (path: AbsolutePath) => ruleAt(path, 'read', { kind: 'platform-default' }, files)
  const roots = context.surroundings.platformRoots?.map(normalizeAbsolute) ?? PLATFORM_ROOTS
  const located: Location[] = roots.map(root => context.paths.locate(root)).filter(root => root.exists)
  const directories = new Set(located.map(root => root.path))
  for (const path of directories) {
    const covered = [...directories].some(other => other !== path && contains(other, path))
    if (!covered && isOpen(path)) yield ruleFor(path)
  }
  // Without the link a policy that opens /usr has no /bin/sh.
  for (const link of new Set(located.flatMap(root => root.links))) {
    if (isOpen(link)) yield ruleFor(link)
  }
}

/**
 * Frozen, one rule per path: by depth, and by the bytes of the path within one. Where several stand at a path, the entry's counts,
 * then the strongest. What is put in order meets its like, so nothing else has to look for it.
 */
function inOrder(
  entries: ReadonlyMap<AbsolutePath, AccessRule>,
  additions: readonly AccessRule[],
): readonly AccessRule[] {
  const byDepth: AccessRule[][] = []
  const file = (rule: AccessRule) => {
    const depth = depthOf(rule.path)
    const level = byDepth[depth]
    if (level === undefined) byDepth[depth] = [rule]
    else level.push(rule)
  }
  entries.forEach(file)
  // What cannot be told apart stays in order: entries come first.
  additions.forEach(file)
  const levels = byDepth
    .filter(level => level !== undefined)
    .map(level => (sortByPath(level) ? onePerPath(level, entries) : level))
  return Object.freeze(levels.flat())
}

/** Of sorted rules. */
function onePerPath(sorted: readonly AccessRule[], entries: ReadonlyMap<AbsolutePath, AccessRule>): AccessRule[] {
  const kept: AccessRule[] = []
  for (const rule of sorted) {
    const last = kept.at(-1)
    if (last?.path !== rule.path) kept.push(rule)
    else if (!entries.has(rule.path) && isStronger(rule, last)) kept[kept.length - 1] = rule
  }
  return kept
}

/** The rules of a `restricted` policy without full disk write, sorted by depth and then by path, one per path. */
export function enforcementRules(context: RuleContext, platformDefaults: boolean): readonly AccessRule[] {
  const entries = new EntryRules(context)
  const additions = [...rulesOfProtections(entries, context), ...linksOfCarveOuts(entries, context)]
  if (platformDefaults) additions.push(...rulesOfPlatform(entries, context))
  return inOrder(entries.byPath, additions)
}
