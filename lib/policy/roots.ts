/**
 * The root lists that back ends of the reference work from (spec ROOT-1 … ROOT-4, ROOT-9): in entry order, later repeats
 * dropped. March lists canonical paths, June keeps links below the first level (L4-3).
 */
import { type AccessIndex, indexAccess, type ResolvedEntry } from './access.ts'
import { compareBytes } from './byte-order.ts'
import { pathForm } from './canonical.ts'
import { resolveGlob } from './glob-place.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, ROOT } from './path.ts'
import type { FileSystemSandboxPolicy } from './policy.ts'
import { type Protection, protectionsOf } from './protections.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskRead } from './whole-disk.ts'

/** What the lists take from the disk, remembered, so that asking for several lists looks once. */
export interface DiskLooks {
  /** The form that paths have in the lists: PATH-5 or L4-3. */
  readonly form: (path: AbsolutePath) => AbsolutePath
  /** Chapter 8 for one root; see `protectionsOf`. */
  readonly protections: (root: AbsolutePath, missingCodex: boolean) => readonly Protection[]
}

/** For one look at the disk: make new ones when it may have changed. */
export function diskLooks(
  surroundings: Surroundings,
  model: Model,
  form: DiskLooks['form'] = pathForm(surroundings.files, model),
): DiskLooks {
  const known = { with: new Map<AbsolutePath, Protection[]>(), without: new Map<AbsolutePath, Protection[]>() }
  return {
    form,
    protections(root, missingCodex) {
      const answers = missingCodex ? known.with : known.without
      let answer = answers.get(root)
      if (answer === undefined) {
        answer = protectionsOf(root, surroundings, model, missingCodex)
        answers.set(root, answer)
      }
      return answer
    },
  }
}

/** An entry with what all lists ask about it, looked up once. */
export interface PlacedEntry extends ResolvedEntry {
  /** Its path in the form of the lists. */
  readonly form: AbsolutePath
  /** The entry that decides at its own path; see `AccessIndex`. */
  readonly winner: ResolvedEntry
}

/** What the root lists of one policy share. */
export interface RootContext extends DiskLooks {
  readonly policy: FileSystemSandboxPolicy
  readonly surroundings: Surroundings
  readonly model: Model
  readonly access: AccessIndex
  /** The entries that stand for a place, in order. The disk is looked at when they are first asked for. */
  readonly entries: readonly PlacedEntry[]
}

export function rootContext(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
  looks: DiskLooks = diskLooks(surroundings, model),
): RootContext {
  const access = indexAccess(policy, surroundings)
  const { form, protections } = looks
  const placed = (entry: ResolvedEntry): PlacedEntry => {
    const { index, path } = entry
    return { index, path, access: entry.access, form: form(path), winner: access.winnerOver(entry) }
  }
  let entries: readonly PlacedEntry[] | undefined
  return {
    policy,
    surroundings,
    model,
    access,
    form,
    protections,
    get entries() {
      entries ??= access.entries.map(placed)
      return entries
    },
  }
}

/** ROOT-1: empty under full read; else the path of every entry that is readable at its own path. */
export function readableRoots({ policy, entries }: RootContext): AbsolutePath[] {
  if (hasFullDiskRead(policy)) return []
  const roots = new Set<AbsolutePath>()
  for (const { access, form, winner } of entries) if (access !== 'none' && winner.access !== 'none') roots.add(form)
  return [...roots]
}

/** ROOT-9: the path of every `none` entry but the root, also of those with something re-opened below. */
export function unreadableRoots({ entries }: RootContext): AbsolutePath[] {
  const roots = new Set<AbsolutePath>()
  for (const { access, form, path } of entries) if (access === 'none' && path !== ROOT) roots.add(form)
  return [...roots]
}

/** L6-5: the patterns that deny, made absolute, in byte order, without repeats. */
export function unreadableGlobs({
  policy,
  surroundings,
}: Pick<RootContext, 'policy' | 'surroundings'>): AbsolutePath[] {
  if (policy.kind !== 'restricted') return []
  const patterns = policy.entries.flatMap(({ path, access }) =>
    path.type === 'glob_pattern' && access === 'none' ? [resolveGlob(path.pattern, surroundings)] : [],
  )
  return [...new Set(patterns)].sort(compareBytes)
}
