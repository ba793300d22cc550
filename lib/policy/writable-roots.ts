/**
 * Writable roots with what stays read-only in each (spec ROOT-5 … ROOT-8). The work is proportional to the lists it makes:
 * carve-outs are found through trees, never by trying every entry in every root.
 */
import type { ResolvedEntry } from './access.ts'
import { type AbsolutePath, contains, joinPath, ROOT, relativeTo } from './path.ts'
import { PathTree } from './path-tree.ts'
import { protectedPathsOf } from './protections.ts'
import type { RootContext } from './roots.ts'
import type { WritableRoot } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

/** The entries that are not writable, filed as spelled and by canonical form. */
interface CarveOuts {
  readonly spelled: PathTree<ResolvedEntry>
  readonly canonical: PathTree<ResolvedEntry>
}

function fileCarveOuts({ access, paths }: RootContext): CarveOuts {
  const carveOuts: CarveOuts = { spelled: new PathTree(), canonical: new PathTree() }
  for (const entry of access.entries) {
    if (entry.access === 'write' || access.accessAt(entry.path) === 'write') continue
    carveOuts.spelled.add(entry.path, entry)
    carveOuts.canonical.add(paths.canonical(entry.path), entry)
  }
  return carveOuts
}

/** ROOT-6, ROOT-7: how each entry that carves something out of `root` is spelled there, in entry order. */
function carveOutsOf(
  root: AbsolutePath,
  spellings: readonly AbsolutePath[],
  carveOuts: CarveOuts,
  { paths }: RootContext,
): AbsolutePath[] {
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
  for (const entry of carveOuts.canonical.below(root)) file(entry, paths.canonical(entry.path))
  return [...forms].sort(([left], [right]) => left - right).map(([, form]) => form)
}

/** ROOT-5: empty under full write; else one record per distinct canonical root, in entry order. */
export function writableRoots(context: RootContext): WritableRoot[] {
  const { policy, access, paths, surroundings } = context
  if (hasFullDiskWrite(policy)) return []
  const spellings = new Map<AbsolutePath, Set<AbsolutePath>>()
  for (const entry of access.entries) {
    if (entry.access !== 'write' || access.accessAt(entry.path) !== 'write') continue
    const root = paths.canonical(entry.path)
    const known = spellings.get(root)
    if (known === undefined) spellings.set(root, new Set([entry.path]))
    else known.add(entry.path)
  }
  const carveOuts = fileCarveOuts(context)
  return [...spellings].map(([root, spelled]) => {
    const kept = [...protectedPathsOf(root, surroundings), ...carveOutsOf(root, [...spelled], carveOuts, context)]
    return { root, readOnly: [...new Set(kept)] }
  })
}

/** LEG-6: under the root and under nothing that stays read-only. Lexical. */
export function writableRootAllows(root: WritableRoot, path: AbsolutePath): boolean {
  return contains(root.root, path) && !root.readOnly.some(kept => contains(kept, path))
}
