/**
 * The rules that the entries of a policy make on canonical paths, before anything is added: what every decision about an addition
 * is made by.
 */
import { isStronger, type ResolvedEntry } from './access.ts'
import { ruleAt } from './access-rule.ts'
import type { CanonicalPaths } from './canonical.ts'
import { type AbsolutePath, baseNameOf, childOf, parentOf, ROOT } from './path.ts'
import { PathIndex } from './path-index.ts'
import type { RootContext } from './roots.ts'
import { spellingOf } from './special.ts'
import type { AccessRule, RuleOrigin } from './types.ts'

/** Rules stand on canonical paths, which are the form of March's lists. */
export interface RuleContext extends RootContext {
  readonly paths: CanonicalPaths
  /** What patterns stand for now, as entries. */
  readonly matches: readonly ResolvedEntry[]
}

export function entryOrigin(entry: ResolvedEntry, { policy }: RuleContext): RuleOrigin {
  return { kind: 'entry', index: entry.index, spelled: spellingOf(policy.entries[entry.index]!.path) }
}

/** What a link at the path would itself be called: the last name as spelled, in the canonical directory. */
export function ownName(path: AbsolutePath, { paths }: RuleContext): AbsolutePath {
  if (path === ROOT) return ROOT
  const { links, path: canonical } = paths.locate(path)
  return links.length === 0 ? canonical : childOf(paths.canonical(parentOf(path)), baseNameOf(path))
}

function rulesByPath(context: RuleContext): Map<AbsolutePath, AccessRule> {
  const { entries, matches, paths, surroundings } = context
  const rules = new Map<AbsolutePath, AccessRule>()
  const file = (entry: ResolvedEntry, path: AbsolutePath) => {
    if (!isStronger(entry, rules.get(path))) return
    rules.set(path, ruleAt(path, entry.access, entryOrigin(entry, context), surroundings.files))
  }
  for (const entry of entries) file(entry, entry.form)
  for (const match of matches) file(match, paths.canonical(match.path))
  return rules
}

export class EntryRules {
  readonly byPath: ReadonlyMap<AbsolutePath, AccessRule>
  // Made when first asked: a policy without links and pointer files has no question that `byPath` does not answer.
  #index: PathIndex<AccessRule> | undefined

  constructor(context: RuleContext) {
    this.byPath = rulesByPath(context)
  }

  /** The rule of the deepest entry that contains the path. */
  decidingAt(path: AbsolutePath): AccessRule | null {
    this.#index ??= new PathIndex(this.byPath)
    return this.#index.deepestAbove(path) ?? null
  }

  isWritable(path: AbsolutePath): boolean {
    return this.decidingAt(path)?.access === 'write'
  }

  /**
   * Whoever may write around a link may put another in its place. ROOT-8: a writable root of the file system is left out, or
   * every policy that names /bin or /var/run would be about links of the system.
   */
  isReplaceable(link: AbsolutePath): boolean {
    const deciding = this.decidingAt(link)
    return deciding?.access === 'write' && deciding.path !== ROOT
  }
}
