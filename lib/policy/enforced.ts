/**
 * The access that the rules of a resolved policy give: what the model of every plan is compared with.
 */
import type { AbsolutePath } from './path.ts'
import { PathIndex } from './path-index.ts'
import type { Access, AccessRule, ResolvedPolicy } from './types.ts'

export interface EnforcedAccess {
  readonly access: Access
  /** The rule that decides; null when none contains the path, which means `none`. */
  readonly rule: AccessRule | null
}

// A resolved policy is frozen, so its rules are filed once.
const indexes = new WeakMap<ResolvedPolicy, PathIndex<AccessRule>>()

function indexOf(resolved: ResolvedPolicy): PathIndex<AccessRule> {
  const known = indexes.get(resolved)
  if (known !== undefined) return known
  const index = new PathIndex(new Map(resolved.rules.map(rule => [rule.path, rule])))
  indexes.set(resolved, index)
  return index
}

/** Answers from the deepest rule that contains the path. `path` must be canonical: what the kernel would call it. */
export function enforcedAccessOf(resolved: ResolvedPolicy, path: AbsolutePath): EnforcedAccess {
  const rule = indexOf(resolved).deepestAbove(path) ?? null
  return { access: rule?.access ?? 'none', rule }
}
