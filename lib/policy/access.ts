/**
 * The reference answer: what a policy intends for a path (spec ACC-1 … ACC-12). Lexical by definition: links are followed
 * neither in entries nor in the question. What a plan must enforce is `rules.ts`; the two agree wherever no link is passed
 * and no default protection stands.
 */
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, normalizeAbsolute, resolvePath } from './path.ts'
import { PathTree } from './path-tree.ts'
import type { FileSystemAccess, FileSystemSandboxEntry, FileSystemSandboxPolicy } from './policy.ts'
import { protectedNameAt } from './protected-names.ts'
import type { ProtectedName } from './protections.ts'
import { resolveEntryPath } from './special.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

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
  /** Every `write` entry whose path contains the path, deciding or not. */
  writesAbove(path: AbsolutePath): Iterable<ResolvedEntry>
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

// An entry that may be skipped is there when anything has its name, also a link that leads nowhere.
function isSkipped(entry: FileSystemSandboxEntry, path: AbsolutePath, { files }: Surroundings): boolean {
  return entry.missing_path_behavior === 'skip' && files.kindOf(path) === 'missing'
}

/** The entries of a policy that stand for a place, in order. */
export function resolveEntries(policy: FileSystemSandboxPolicy, surroundings: Surroundings): ResolvedEntry[] {
  const resolved: ResolvedEntry[] = []
  for (const [index, entry] of policy.entries.entries()) {
    const path = resolveEntryPath(entry.path, surroundings)
    if (path === null || isSkipped(entry, path, surroundings)) continue
    resolved.push({ index, path, access: entry.access })
  }
  return resolved
}

/** Files the entries once; every question after that costs the length of its path. */
export function indexAccess(policy: FileSystemSandboxPolicy, surroundings: Surroundings): AccessIndex {
  if (policy.kind !== 'restricted') return OPEN
  const entries = resolveEntries(policy, surroundings)
  const winners = new Map<AbsolutePath, ResolvedEntry>()
  for (const entry of entries) {
    const rival = winners.get(entry.path)
    winners.set(entry.path, rival === undefined ? entry : strongest([rival, entry])!)
  }
  const tree = new PathTree<ResolvedEntry>()
  for (const winner of winners.values()) tree.add(winner.path, winner)
  const decidingAt = (path: AbsolutePath) => tree.deepestAbove(path)[0] ?? null
  let writes: PathTree<ResolvedEntry> | undefined
  return {
    entries,
    decidingAt,
    accessAt: path => decidingAt(path)?.access ?? 'none',
    writesAbove(path) {
      writes ??= writeEntries(entries)
      return flattened(writes.above(path))
    },
  }
}

// ACC-2.
const OPEN: AccessIndex = { entries: [], accessAt: () => 'write', decidingAt: () => null, writesAbove: () => [] }

function writeEntries(entries: readonly ResolvedEntry[]): PathTree<ResolvedEntry> {
  const tree = new PathTree<ResolvedEntry>()
  for (const entry of entries) if (entry.access === 'write') tree.add(entry.path, entry)
  return tree
}

function* flattened<Value>(lists: Iterable<readonly Value[]>): Generator<Value> {
  for (const list of lists) yield* list
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

/**
 * Whether the policy intends the path to be writable. In March default protections are not part of the answer (META-7); in June
 * protected names are (L6-7).
 */
export function canWrite(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  path: string,
  model: Model = MAIN_MODEL,
): boolean {
  const access = indexAccess(policy, surroundings)
  return isWritable(policy, access, questionPath(path, surroundings), model)
}

/** `canWrite` for a path that is absolute, with an index that was made before. */
export function isWritable(
  policy: FileSystemSandboxPolicy,
  access: AccessIndex,
  path: AbsolutePath,
  model: Model,
): boolean {
  if (access.accessAt(path) !== 'write') return false
  return model === '2026-03' || hasFullDiskWrite(policy) || protectedNameAt(path, access) === null
}

/** L6-7: the protected name because of which a command may not write to the path; null when there is no such reason. */
export function forbiddenName(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  path: string,
): ProtectedName | null {
  if (policy.kind !== 'restricted') return null
  const access = indexAccess(policy, surroundings)
  const asked = questionPath(path, surroundings)
  return isWritable(policy, access, asked, '2026-06') ? null : protectedNameAt(asked, access)
}
