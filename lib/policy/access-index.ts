/**
 * The entries of a policy filed by where they stand, for questions about access (spec ACC-1 … ACC-4). Lexical: links are followed
 * neither in entries nor in questions.
 */
import type { AbsolutePath } from './path.ts'
import { NOT_NORMAL, NOWHERE, PathIndex } from './path-index.ts'
import { PathTree } from './path-tree.ts'
import type { FileSystemAccess, FileSystemSandboxEntry, FileSystemSandboxPolicy } from './policy.ts'
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
  /** The access of a text that is an absolute path as PATH-1 leaves it; null for any other text. */
  accessOfText(text: string): FileSystemAccess | null
  /** The entry that decides at an entry's own path: itself, one that beats it there, or the first that says the same. */
  winnerOver(entry: ResolvedEntry): ResolvedEntry
  /** The entry that decides; null when none matches, or the policy is not `restricted`. */
  decidingAt(path: AbsolutePath): ResolvedEntry | null
  /** Every `write` entry whose path contains the path, deciding or not. */
  writesAbove(path: AbsolutePath): Iterable<ResolvedEntry>
}

// ACC-4 is an order of conflict, not of breadth.
const RANK: Readonly<Record<FileSystemAccess, number>> = { read: 0, write: 1, none: 2 }
const BY_RANK: readonly FileSystemAccess[] = ['read', 'write', 'none']

interface Ranked {
  readonly access: FileSystemAccess
}

/** ACC-4: whether an entry beats one for the same place that came before it. */
export function isStronger(entry: Ranked, before: Ranked | undefined): boolean {
  return before === undefined || RANK[entry.access] > RANK[before.access]
}

/** Where an entry stands; null for nowhere. One that may be skipped is there when anything has its name, also a dangling link. */
export function placeOf(entry: FileSystemSandboxEntry, surroundings: Surroundings): AbsolutePath | null {
  const path = resolveEntryPath(entry.path, surroundings)
  if (path === null || entry.missing_path_behavior === undefined) return path
  return surroundings.files.kindOf(path) === 'missing' ? null : path
}

/** The entries of a policy that stand for a place, in order. */
export function resolveEntries(policy: FileSystemSandboxPolicy, surroundings: Surroundings): ResolvedEntry[] {
  const resolved: ResolvedEntry[] = []
  // The entries are frozen, and to iterate over what is frozen makes an object for each.
  policy.entries.forEach((entry, index) => {
    const path = placeOf(entry, surroundings)
    if (path !== null) resolved.push({ index, path, access: entry.access })
  })
  return resolved
}

/** Files the entries once; every question after that costs the length of its path. */
export function indexAccess(policy: FileSystemSandboxPolicy, surroundings: Surroundings): AccessIndex {
  if (policy.kind !== 'restricted') return OPEN
  const entries = resolveEntries(policy, surroundings)
  const winners = new Map<AbsolutePath, ResolvedEntry>()
  for (const entry of entries) if (isStronger(entry, winners.get(entry.path))) winners.set(entry.path, entry)
  let filed: { readonly index: PathIndex<ResolvedEntry>; readonly codes: Uint8Array } | undefined
  let writes: PathTree<ResolvedEntry> | undefined
  // Filed when the first question comes: lists of roots ask only about the entries' own places.
  const indexed = () => {
    filed ??= { index: new PathIndex(winners), codes: Uint8Array.from(winners.values(), ({ access }) => RANK[access]) }
    return filed
  }
  // What most questions need lies together: an entry that decides is not looked at.
  const accessOfText = (text: string) => {
    const { index, codes } = indexed()
    const number = index.numberAbove(text)
    if (number === NOT_NORMAL) return null
    return number === NOWHERE ? 'none' : BY_RANK[codes[number]!]!
  }
  return {
    entries,
    decidingAt: path => indexed().index.deepestAbove(path) ?? null,
    accessAt: path => accessOfText(path) ?? 'none',
    accessOfText,
    winnerOver: ({ path }) => winners.get(path)!,
    writesAbove(path) {
      writes ??= writeEntries(entries)
      return flattened(writes.above(path))
    },
  }
}

// ACC-2.
const OPEN: AccessIndex = {
  entries: [],
  accessAt: () => 'write',
  accessOfText: () => 'write',
  winnerOver: entry => entry,
  decidingAt: () => null,
  writesAbove: () => [],
}

function writeEntries(entries: readonly ResolvedEntry[]): PathTree<ResolvedEntry> {
  const tree = new PathTree<ResolvedEntry>()
  for (const entry of entries) if (entry.access === 'write') tree.add(entry.path, entry)
  return tree
}

function* flattened<Value>(lists: Iterable<readonly Value[]>): Generator<Value> {
  for (const list of lists) yield* list
}
