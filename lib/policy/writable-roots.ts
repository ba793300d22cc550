/**
 * Writable roots with what stays read-only in each (spec ROOT-5 … ROOT-8; June: L4-4, L6-7). The work is proportional to the lists
 * it makes: each carve-out is looked up among the roots, never by trying every entry in every root.
 */
import { isWritable, type ResolvedEntry } from './access.ts'
import { type AbsolutePath, childOf, contains, joinPath, ROOT, relativeTo } from './path.ts'
import { PathIndex } from './path-index.ts'
import { PROTECTED_NAMES } from './protections.ts'
import type { RootContext } from './roots.ts'
import type { WritableRoot } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

/** What the lists of one policy share. */
interface Writing {
  readonly context: RootContext
  /** The spellings by which entries name each root. */
  readonly spellings: ReadonlyMap<AbsolutePath, ReadonlySet<AbsolutePath>>
  /** Whether an entry's own place is writable. */
  readonly isOpen: (entry: ResolvedEntry) => boolean
}

function writingOf(context: RootContext): Writing {
  const { policy, access, form, model } = context
  const isOpen = (entry: ResolvedEntry) =>
    access.accessOfPlace(entry) === 'write' && (model === '2026-03' || isWritable(policy, access, entry.path, model))
  const spellings = new Map<AbsolutePath, Set<AbsolutePath>>()
  for (const entry of access.entries) {
    if (entry.access !== 'write' || !isOpen(entry)) continue
    const root = form(entry.path)
    const known = spellings.get(root)
    if (known === undefined) spellings.set(root, new Set([entry.path]))
    else known.add(entry.path)
  }
  return { context, spellings, isOpen }
}

/** A root and another spelling of it; `order` as in the list of its spellings. */
interface Spelled {
  readonly root: AbsolutePath
  readonly spelling: AbsolutePath
  readonly order: number
}

/** The roots by every other spelling. ROOT-8: below the root of the file system only canonical names count. */
function otherSpellings({ spellings }: Writing): PathIndex<Spelled[]> | null {
  const filed = new Map<AbsolutePath, Spelled[]>()
  for (const [root, names] of spellings) {
    if (root === ROOT || (names.size === 1 && names.has(root))) continue
    for (const [order, spelling] of [...names].entries()) {
      if (spelling === root) continue
      const known = filed.get(spelling)
      if (known === undefined) filed.set(spelling, [{ root, spelling, order }])
      else known.push({ root, spelling, order })
    }
  }
  return filed.size === 0 ? null : new PathIndex(filed)
}

/** ROOT-7 c: the entry by the first spelling of each root that contains it. */
function byOtherSpelling(path: AbsolutePath, spelled: PathIndex<Spelled[]>, forms: Map<AbsolutePath, AbsolutePath>) {
  const first = new Map<AbsolutePath, Spelled>()
  for (const item of spelled.strictlyAbove(path).flat()) {
    const { root, order } = item
    if (path === root || forms.has(root)) continue
    if (order < (first.get(root)?.order ?? Number.POSITIVE_INFINITY)) first.set(root, item)
  }
  for (const { root, spelling } of first.values()) forms.set(root, joinPath(root, relativeTo(spelling, path)))
}

/** ROOT-6, ROOT-7: for each root the forms of the entries that carve something out of it, in entry order. */
function carveOutsByRoot(writing: Writing): Map<AbsolutePath, AbsolutePath[]> {
  const { context, spellings, isOpen } = writing
  const roots = new PathIndex(new Map([...spellings.keys()].map(root => [root, root])))
  const spelled = otherSpellings(writing)
  const carveOuts = new Map<AbsolutePath, AbsolutePath[]>()
  const forms = new Map<AbsolutePath, AbsolutePath>()
  for (const entry of context.access.entries) {
    if (entry.access === 'write' || isOpen(entry)) continue
    const { path } = entry
    const canonical = context.form(path)
    forms.clear()
    for (const root of roots.strictlyAbove(path)) if (root !== ROOT || path === canonical) forms.set(root, path)
    if (spelled !== null) byOtherSpelling(path, spelled, forms)
    if (path !== canonical) {
      for (const root of roots.strictlyAbove(canonical)) if (!forms.has(root)) forms.set(root, canonical)
    }
    for (const [root, form] of forms) {
      const known = carveOuts.get(root)
      if (known === undefined) carveOuts.set(root, [form])
      else known.push(form)
    }
  }
  return carveOuts
}

/** Chapter 8; in June a missing `.codex` of the working directory too, and nothing that an entry names (L4-4). */
function protectionsByRoot({ context, spellings }: Writing): Map<AbsolutePath, AbsolutePath[]> {
  const { access, surroundings, model, form, protections } = context
  const isJune = model === '2026-06'
  const workspace = isJune ? form(surroundings.policyCwd) : null
  const named = new Set(isJune ? access.entries.map(entry => entry.path) : [])
  const lists = new Map<AbsolutePath, AbsolutePath[]>()
  for (const root of spellings.keys()) {
    const paths = protections(root, root === workspace).map(protection => protection.path)
    lists.set(root, isJune ? paths.filter(path => !named.has(path)) : paths)
  }
  return lists
}

/** L6-7: the names that are not writable in the root under any of its spellings. */
function protectedNamesOf(root: AbsolutePath, spellings: ReadonlySet<AbsolutePath>, context: RootContext): string[] {
  const { policy, access, model } = context
  const writable = (path: AbsolutePath) => isWritable(policy, access, path, model)
  return PROTECTED_NAMES.filter(name => ![root, ...spellings].some(spelling => writable(childOf(spelling, name))))
}

/** Both lists without repeats. Most roots have no carve-outs, and protections enough to count on one hand. */
function distinct(
  protections: readonly AbsolutePath[],
  carveOuts: readonly AbsolutePath[] = [],
): readonly AbsolutePath[] {
  if (carveOuts.length > 0) return [...new Set([...protections, ...carveOuts])]
  const isNew = (path: AbsolutePath, index: number) => protections.indexOf(path) === index
  return protections.every(isNew) ? protections : protections.filter(isNew)
}

/** ROOT-5: empty under full write; else one record per distinct root, in entry order. */
export function writableRoots(context: RootContext): WritableRoot[] {
  if (hasFullDiskWrite(context.policy)) return []
  const writing = writingOf(context)
  const carveOuts = carveOutsByRoot(writing)
  const protections = protectionsByRoot(writing)
  return [...writing.spellings].map(([root, spelled]) => {
    const readOnly = distinct(protections.get(root)!, carveOuts.get(root))
    if (context.model === '2026-03') return { root, readOnly }
    return { root, readOnly, protectedNames: protectedNamesOf(root, spelled, context) }
  })
}

/** LEG-6: under the root and under nothing that stays read-only. Lexical. */
export function writableRootAllows({ root, readOnly, protectedNames = [] }: WritableRoot, path: AbsolutePath): boolean {
  if (!contains(root, path) || readOnly.some(kept => contains(kept, path))) return false
  return !protectedNames.some(name => contains(childOf(root, name), path))
}
