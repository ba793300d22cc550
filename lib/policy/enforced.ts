/**
 * The access that the rules of a resolved policy give: what the model of every plan is compared with.
 */
import type { AbsolutePath } from './path.ts'
import { PathTree } from './path-tree.ts'
import type { Access, AccessRule, ResolvedPolicy } from './types.ts'

export interface EnforcedAccess {
  readonly access: Access
  /** The rule that decides; null when none contains the path, which means `none`. */
  readonly rule: AccessRule | null
}

// A resolved policy is frozen, so its rules are filed once.
const trees = new WeakMap<ResolvedPolicy, PathTree<AccessRule>>()

function treeOf(resolved: ResolvedPolicy): PathTree<AccessRule> {
  const known = trees.get(resolved)
  if (known !== undefined) return known
  const tree = new PathTree<AccessRule>()
  for (const rule of resolved.rules) tree.add(rule.path, rule)
  trees.set(resolved, tree)
  return tree
}

/** Answers from the deepest rule that contains the path. `path` must be canonical: what the kernel would call it. */
export function enforcedAccessOf(resolved: ResolvedPolicy, path: AbsolutePath): EnforcedAccess {
  const rule = treeOf(resolved).deepestAbove(path)[0] ?? null
  return { access: rule?.access ?? 'none', rule }
}
