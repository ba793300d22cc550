/**
 * Writable roots with what stays read-only in each (spec ROOT-5 … ROOT-8; June: L4-4, L6-7). The work is proportional to the lists
 * it makes: carve-outs are found through trees, never by trying every entry in every root.
 */
import { isWritable, type ResolvedEntry } from './access.ts'
import { type AbsolutePath, childOf, contains, joinPath, ROOT, relativeTo } from './path.ts'
import { PathTree } from './path-tree.ts'
import { PROTECTED_NAMES } from './protections.ts'
import type { RootContext } from './roots.ts'
import type { WritableRoot } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

/** The entries that are not writable, filed as spelled and in the form of the lists. */
interface CarveOuts {
  readonly spelled: PathTree<ResolvedEntry>
  readonly formed: PathTree<ResolvedEntry>
}

/** What the lists of one policy share. */
interface Writing {
  readonly context: RootContext
  readonly carveOuts: CarveOuts
  /** Every path that an entry stands for. */
  readonly named: ReadonlySet<AbsolutePath>
  readonly writable: (path: AbsolutePath) => boolean
}

function writingOf(context: RootContext): Writing {
  const { policy, access, form, model } = context
  const writable = (path: AbsolutePath) => isWritable(policy, access, path, model)
  const carveOuts: CarveOuts = { spelled: new PathTree(), formed: new PathTree() }
  for (const entry of access.entries) {
    if (entry.access === 'write' || writable(entry.path)) continue
    carveOuts.spelled.add(entry.path, entry)
    carveOuts.formed.add(form(entry.path), entry)
  }
  return { context, carveOuts, writable, named: new Set(access.entries.map(entry => entry.path)) }
}

/** ROOT-6, ROOT-7: how each entry that carves something out of `root` is spelled there, in entry order. */
function carveOutsOf(root: AbsolutePath, spellings: readonly AbsolutePath[], writing: Writing): AbsolutePath[] {
  const { carveOuts, context } = writing
  const forms = new Map<number, AbsolutePath>()
  const file = (entry: ResolvedEntry, form: AbsolutePath) => {
    if (!forms.has(entry.index)) forms.set(entry.index, form)
  }
  // ROOT-8: below the root of the file system only canonical names count.
  if (root !== ROOT) {
    for (const entry of carveOuts.spelled.below(root)) file(entry, entry.path)
    for (const spelling of spellings) {
      for (const entry of carveOuts.spelled.below(spelling)) {
        if (entry.path !== root) file(entry, joinPath(root, relativeTo(spelling, entry.path)))
      }
    }
  }
  for (const entry of carveOuts.formed.below(root)) file(entry, context.form(entry.path))
  return [...forms].sort(([left], [right]) => left - right).map(([, form]) => form)
}

/** Chapter 8; in June a missing `.codex` of the working directory too, and nothing that an entry names (L4-4). */
function protectedOf(root: AbsolutePath, { context, named }: Writing): AbsolutePath[] {
  const { surroundings, model, form, protections } = context
  const missingCodex = model === '2026-06' && form(surroundings.policyCwd) === root
  const paths = protections(root, missingCodex).map(protection => protection.path)
  return model === '2026-03' ? paths : paths.filter(path => !named.has(path))
}

/** L6-7: the names that are not writable in the root under any of its spellings. */
function protectedNamesOf(root: AbsolutePath, spellings: readonly AbsolutePath[], { writable }: Writing): string[] {
  return PROTECTED_NAMES.filter(name => ![root, ...spellings].some(spelling => writable(childOf(spelling, name))))
}

/** ROOT-5: empty under full write; else one record per distinct root, in entry order. */
export function writableRoots(context: RootContext): WritableRoot[] {
  const { policy, access, form, model } = context
  if (hasFullDiskWrite(policy)) return []
  const writing = writingOf(context)
  const spellings = new Map<AbsolutePath, Set<AbsolutePath>>()
  for (const entry of access.entries) {
    if (entry.access !== 'write' || !writing.writable(entry.path)) continue
    const root = form(entry.path)
    const known = spellings.get(root)
    if (known === undefined) spellings.set(root, new Set([entry.path]))
    else known.add(entry.path)
  }
  return [...spellings].map(([root, spelled]) => {
    const readOnly = [...new Set([...protectedOf(root, writing), ...carveOutsOf(root, [...spelled], writing)])]
    if (model === '2026-03') return { root, readOnly }
    return { root, readOnly, protectedNames: protectedNamesOf(root, [...spelled], writing) }
  })
}

/** LEG-6: under the root and under nothing that stays read-only. Lexical. */
export function writableRootAllows({ root, readOnly, protectedNames = [] }: WritableRoot, path: AbsolutePath): boolean {
  if (!contains(root, path) || readOnly.some(kept => contains(kept, path))) return false
  return !protectedNames.some(name => contains(childOf(root, name), path))
}
