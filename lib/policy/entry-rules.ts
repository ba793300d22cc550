/**
 * The rules that the entries of a policy make on canonical paths, before anything is added: what every decision about an addition
 * is made by.
 */
import { type ResolvedEntry, strongest } from './access.ts'
import type { CanonicalPaths } from './canonical.ts'
import { type AbsolutePath, baseNameOf, childOf, parentOf, ROOT } from './path.ts'
import { PathIndex } from './path-index.ts'
import type { RootContext } from './roots.ts'
import { spellingOf } from './special.ts'
import type { Access, RuleOrigin } from './types.ts'

/** Rules stand on canonical paths, in every model. */
export interface RuleContext extends RootContext {
  readonly paths: CanonicalPaths
  /** What patterns stand for now, as entries. */
  readonly matches: readonly ResolvedEntry[]
}

export interface Candidate {
  readonly path: AbsolutePath
  readonly access: Access
  readonly origin: RuleOrigin
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

function strongestByPath(context: RuleContext): Map<AbsolutePath, ResolvedEntry> {
  const tied = new Map<AbsolutePath, ResolvedEntry>()
  const file = (entry: ResolvedEntry) => {
    const path = context.paths.canonical(entry.path)
    const rival = tied.get(path)
    tied.set(path, rival === undefined ? entry : strongest([rival, entry])!)
  }
  for (const entry of context.access.entries) file(entry)
  for (const match of context.matches) file(match)
  return tied
}

export class EntryRules {
  readonly byPath: ReadonlyMap<AbsolutePath, Candidate>
  // Made when first asked: a policy without links and pointer files has no question that `byPath` does not answer.
  #index: PathIndex<Candidate> | undefined

  constructor(context: RuleContext) {
    const byPath = new Map<AbsolutePath, Candidate>()
    for (const [path, entry] of strongestByPath(context)) {
      byPath.set(path, { path, access: entry.access, origin: entryOrigin(entry, context) })
    }
    this.byPath = byPath
  }

  /** The rule of the deepest entry that contains the path. */
  decidingAt(path: AbsolutePath): Candidate | null {
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
