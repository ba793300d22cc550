/**
 * Finds the places that a policy opens through a link which a command could replace. Followed at the next launch, such a link
 * would open another place: a writable root could be aimed at any directory of the host (spec/linux hole 3). No engine may
 * hold such a policy; each words its own refusal. What closes something is not asked here: there the link itself has a rule.
 */
import { type AbsolutePath, contains, joinPath, relativeTo } from '../../policy/path.ts'
import type { Access, AccessRule, ResolvedPolicy } from '../../policy/types.ts'
import { entryAlias } from './mount-builder-links.ts'

export interface SwappableLink {
  readonly rule: AccessRule
  /** How the policy names the place. */
  readonly alias: AbsolutePath
  /** The writable root that the link lies in. */
  readonly root: AbsolutePath
}

/** A rule, and what its place would be without it. */
export interface SurroundedRule extends AccessRule {
  readonly surroundings: Access
}

const rank = { none: 0, read: 1, write: 2 } as const

/** The first one in the order of `rules`; null when there is none. */
export function findSwappableLink(resolved: ResolvedPolicy, rules: readonly SurroundedRule[]): SwappableLink | null {
  const writable = rules.filter(rule => rule.access === 'write')
  for (const rule of rules) {
    const alias = entryAlias(resolved, rule.origin)
    if (alias === null || alias === rule.path || rank[rule.access] < rank[rule.surroundings]) continue
    const root = writable.find(other => other !== rule && crossesLinkBelow(resolved, other, alias, rule.path))
    if (root !== undefined) return { rule, alias, root: root.path }
  }
  return null
}

/** Rules that exist and differ from the nearest rule above them. */
export function withSurroundings(rules: readonly AccessRule[]): SurroundedRule[] {
  return rules
    .filter(({ target }) => target !== 'missing')
    .map(rule => ({ ...rule, surroundings: nearestAbove(rules, rule)?.access ?? 'none' }))
    .filter(({ access, surroundings }) => access !== surroundings)
}

function nearestAbove(rules: readonly AccessRule[], { path }: AccessRule): AccessRule | undefined {
  const above = rules.filter(other => other.path !== path && contains(other.path, path))
  return above.reduce<AccessRule | undefined>(
    (nearest, other) => (nearest === undefined || contains(nearest.path, other.path) ? other : nearest),
    undefined,
  )
}

function crossesLinkBelow(
  resolved: ResolvedPolicy,
  root: AccessRule,
  alias: AbsolutePath,
  place: AbsolutePath,
): boolean {
  const names = [root.path, entryAlias(resolved, root.origin)]
  return names.some(
    name =>
      name !== null &&
      name !== alias &&
      contains(name, alias) &&
      joinPath(root.path, relativeTo(name, alias)) !== place,
  )
}
