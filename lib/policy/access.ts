/**
 * The reference answer: what a policy intends for a path (spec ACC-1 … ACC-12). Lexical by definition: links are followed
 * neither in entries nor in the question. What a plan must enforce is `rules.ts`; the two agree wherever no link is passed
 * and no default protection stands.
 */
import { type AbsolutePath, normalizeAbsolute, resolvePath } from './path.ts'
import { PathTree } from './path-tree.ts'
import type { FileSystemAccess, FileSystemSandboxPolicy } from './policy.ts'
import { resolveEntryPath } from './special.ts'
import type { Surroundings } from './types.ts'

/** An entry that stands for a place. */
export interface ResolvedEntry {
  /** Its place in the policy's list. */
  readonly index: number
  readonly path: AbsolutePath
  readonly access: FileSystemAccess
}

export interface AccessIndex {
  /** Every entry that stands for a place, in order. */
  readonly entries: readonly ResolvedEntry[]
  /** The access of an absolute path. */
  accessAt(path: AbsolutePath): FileSystemAccess
  /** The entry that decides; null when none matches, or the policy is not `restricted`. */
  decidingAt(path: AbsolutePath): ResolvedEntry | null
}

// ACC-4 is an order of conflict, not of breadth.
const RANK: Readonly<Record<FileSystemAccess, number>> = { read: 0, write: 1, none: 2 }

/** ACC-4: the entry that wins among those for one place, the first of its kind; null for none. */
export function strongest<Entry extends { readonly access: FileSystemAccess }>(tied: readonly Entry[]): Entry | null {
  let winner: Entry | null = null
  for (const entry of tied) {
    if (winner === null || RANK[entry.access] > RANK[winner.access]) winner = entry
  }
  return winner
}

/** The entries of a policy that stand for a place, in order. */
export function resolveEntries(policy: FileSystemSandboxPolicy, surroundings: Surroundings): ResolvedEntry[] {
  const resolved: ResolvedEntry[] = []
  for (const [index, entry] of policy.entries.entries()) {
    const path = resolveEntryPath(entry.path, surroundings)
    if (path !== null) resolved.push({ index, path, access: entry.access })
  }
  return resolved
}

/** Files the entries once; every question after that costs the length of its path. */
export function indexAccess(policy: FileSystemSandboxPolicy, surroundings: Surroundings): AccessIndex {
  if (policy.kind !== 'restricted') return { entries: [], accessAt: () => 'write', decidingAt: () => null }
  const entries = resolveEntries(policy, surroundings)
  const winners = new Map<AbsolutePath, ResolvedEntry>()
  for (const entry of entries) {
    const rival = winners.get(entry.path)
    winners.set(entry.path, rival === undefined ? entry : strongest([rival, entry])!)
  }
  const tree = new PathTree<ResolvedEntry>()
  for (const winner of winners.values()) tree.add(winner.path, winner)
  const decidingAt = (path: AbsolutePath) => tree.deepestAbove(path)[0] ?? null
  return { entries, decidingAt, accessAt: path => decidingAt(path)?.access ?? 'none' }
}

/** ACC-6: the path a question is about. Relative ones belong to the policy's working directory, `~` is expanded. */
export function questionPath(text: string, surroundings: Surroundings): AbsolutePath {
  return resolvePath(text, normalizeAbsolute(surroundings.policyCwd), surroundings.home)
}

/**
 * The access a policy intends for a path. For many questions build an index with `indexAccess` once.
 *
 * Beware: intent is lexical. Before a host writes to a path by itself it must also ask about the canonical spelling.
 */
export function accessOf(policy: FileSystemSandboxPolicy, surroundings: Surroundings, path: string): FileSystemAccess {
  return indexAccess(policy, surroundings).accessAt(questionPath(path, surroundings))
}

/** Whether the policy intends the path to be readable. */
export function canRead(policy: FileSystemSandboxPolicy, surroundings: Surroundings, path: string): boolean {
  return accessOf(policy, surroundings, path) !== 'none'
}

/** Whether the policy intends the path to be writable. Default protections are not part of the answer (META-7). */
export function canWrite(policy: FileSystemSandboxPolicy, surroundings: Surroundings, path: string): boolean {
  return accessOf(policy, surroundings, path) === 'write'
}
