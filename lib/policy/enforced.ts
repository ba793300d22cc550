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

interface FiledRules {
  readonly index: PathIndex<AccessRule>
  /** The access of each rule, by number: among many rules it costs less to look here than into the rule. */
  readonly codes: Uint8Array
}

const BY_CODE: readonly Access[] = ['none', 'read', 'write']

// A resolved policy is frozen, so its rules are filed once.
const filed = new WeakMap<ResolvedPolicy, FiledRules>()

function filedRulesOf(resolved: ResolvedPolicy): FiledRules {
  const known = filed.get(resolved)
  if (known !== undefined) return known
  const rulesByPath = new Map(resolved.rules.map(rule => [rule.path, rule]))
  const codes = Uint8Array.from(rulesByPath.values(), ({ access }) => BY_CODE.indexOf(access))
  const made = { index: new PathIndex(rulesByPath), codes }
  filed.set(resolved, made)
  return made
}

/** Answers from the deepest rule that contains the path. `path` must be canonical: what the kernel would call it. */
export function enforcedAccessOf(resolved: ResolvedPolicy, path: AbsolutePath): EnforcedAccess {
  const { index, codes } = filedRulesOf(resolved)
  const number = index.numberAbove(path)
  if (number < 0) return { access: 'none', rule: null }
  return { access: BY_CODE[codes[number]!]!, rule: index.valueOf(number) }
}
