/**
 * Writable roots with what stays read-only in each (spec ROOT-5 … ROOT-8; June: L4-4, L6-7). The work is proportional to the lists
 * it makes: each carve-out is looked up among the roots, never by trying every entry in every root.
 */
import { isWritable } from './access.ts'
import { FiledAbove } from './filed-above.ts'
import { type AbsolutePath, childOf, contains, joinPath, ROOT, relativeTo } from './path.ts'
import { PROTECTED_NAMES } from './protections.ts'
import type { PlacedEntry, RootContext } from './roots.ts'
import type { WritableRoot } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

/** A writable root on the way to the list. */
interface Root {
  readonly root: AbsolutePath
  /** The spellings by which entries name it, without repeats. */
  readonly spellings: AbsolutePath[]
  /** ROOT-6, ROOT-7: the forms of the entries that carve something out of it, in entry order. */
  readonly carveOuts: AbsolutePath[]
}

/** Whether an entry's own place is writable. */
function isOpen({ path, winner }: PlacedEntry, { policy, access, model }: RootContext): boolean {
  return winner.access === 'write' && (model === '2026-03' || isWritable(policy, access, path, model))
}

function rootsOf(context: RootContext): Map<AbsolutePath, Root> {
  const roots = new Map<AbsolutePath, Root>()
  for (const entry of context.entries) {
    // One entry wins a place, so no spelling comes twice.
    if (entry.access !== 'write' || entry.winner.index !== entry.index || !isOpen(entry, context)) continue
    const { form: root, path } = entry
    const known = roots.get(root)
    if (known === undefined) roots.set(root, { root, spellings: [path], carveOuts: [] })
    else known.spellings.push(path)
  }
  return roots
}

/** A root by another spelling of it; `order` as in the list of its spellings. */
interface Spelled {
  readonly root: Root
  readonly spelling: AbsolutePath
  readonly order: number
}

/** The roots by every other spelling. ROOT-8: below the root of the file system only canonical names count. */
function otherSpellings(roots: ReadonlyMap<AbsolutePath, Root>): FiledAbove<Spelled[]> | null {
  const filed = new Map<AbsolutePath, Spelled[]>()
  for (const root of roots.values()) {
    const { spellings } = root
    if (root.root === ROOT || (spellings.length === 1 && spellings[0] === root.root)) continue
    for (const [order, spelling] of spellings.entries()) {
      if (spelling === root.root) continue
      const known = filed.get(spelling)
      if (known === undefined) filed.set(spelling, [{ root, spelling, order }])
      else known.push({ root, spelling, order })
    }
  }
  return filed.size === 0 ? null : new FiledAbove(filed)
}

/** ROOT-7 c: the entry by the first spelling of each root that contains it. */
function byOtherSpelling(path: AbsolutePath, spelled: FiledAbove<Spelled[]>, forms: Map<Root, AbsolutePath>) {
  const first = new Map<Root, Spelled>()
  for (const item of spelled.strictlyAbove(path).flat()) {
    const { root, order } = item
    if (path === root.root || forms.has(root)) continue
    if (order < (first.get(root)?.order ?? Number.POSITIVE_INFINITY)) first.set(root, item)
  }
  for (const { root, spelling } of first.values()) forms.set(root, joinPath(root.root, relativeTo(spelling, path)))
}

/** ROOT-6, ROOT-7: gives each root the forms of the entries that carve something out of it. */
function carveOut(roots: ReadonlyMap<AbsolutePath, Root>, context: RootContext): void {
  const filed = new FiledAbove(roots)
  const spelled = otherSpellings(roots)
  for (const entry of context.entries) {
    if (entry.access === 'write' || isOpen(entry, context)) continue
    const { path, form: canonical } = entry
    const above = filed.strictlyAbove(path)
    if (path === canonical && spelled === null) {
      for (const root of above) root.carveOuts.push(path)
      continue
    }
    const forms = new Map<Root, AbsolutePath>()
    for (const root of above) if (root.root !== ROOT || path === canonical) forms.set(root, path)
    if (spelled !== null) byOtherSpelling(path, spelled, forms)
    if (path !== canonical) {
      for (const root of filed.strictlyAbove(canonical)) if (!forms.has(root)) forms.set(root, canonical)
    }
    for (const [root, form] of forms) root.carveOuts.push(form)
  }
}

/** Chapter 8; in June a missing `.codex` of the working directory too, and nothing that an entry names (L4-4). */
function protectionLists(context: RootContext): (root: AbsolutePath) => AbsolutePath[] {
  const { surroundings, model, form, protections } = context
  const pathsOf = (root: AbsolutePath, missingCodex: boolean) =>
    protections(root, missingCodex).map(protection => protection.path)
  if (model === '2026-03') return root => pathsOf(root, false)
  const workspace = form(surroundings.policyCwd)
  const named = new Set(context.entries.map(entry => entry.path))
  return root => pathsOf(root, root === workspace).filter(path => !named.has(path))
}

/** L6-7: the names that are not writable in the root under any of its spellings. */
function protectedNamesOf(root: AbsolutePath, spellings: readonly AbsolutePath[], context: RootContext): string[] {
  const { policy, access, model } = context
  const writable = (path: AbsolutePath) => isWritable(policy, access, path, model)
  return PROTECTED_NAMES.filter(name => ![root, ...spellings].some(spelling => writable(childOf(spelling, name))))
}

/** Both lists without repeats. Most roots have no carve-outs, and protections enough to count on one hand. */
function distinct(protections: readonly AbsolutePath[], carveOuts: readonly AbsolutePath[]): readonly AbsolutePath[] {
  if (carveOuts.length > 0) return [...new Set([...protections, ...carveOuts])]
  const isNew = (path: AbsolutePath, index: number) => protections.indexOf(path) === index
  return protections.every(isNew) ? protections : protections.filter(isNew)
}

/** ROOT-5: empty under full write; else one record per distinct root, in entry order. */
export function writableRoots(context: RootContext): WritableRoot[] {
  if (hasFullDiskWrite(context.policy)) return []
  const roots = rootsOf(context)
  carveOut(roots, context)
  const protectionsOf = protectionLists(context)
  return [...roots.values()].map(({ root, spellings, carveOuts }) => {
    const readOnly = distinct(protectionsOf(root), carveOuts)
    if (context.model === '2026-03') return { root, readOnly }
    return { root, readOnly, protectedNames: protectedNamesOf(root, spellings, context) }
  })
}

/** LEG-6: under the root and under nothing that stays read-only. Lexical. */
export function writableRootAllows({ root, readOnly, protectedNames = [] }: WritableRoot, path: AbsolutePath): boolean {
  if (!contains(root, path) || readOnly.some(kept => contains(kept, path))) return false
  return !protectedNames.some(name => contains(childOf(root, name), path))
}
