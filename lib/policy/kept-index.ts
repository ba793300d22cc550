/**
 * The index of a policy, kept for the next question. Only where nothing can have changed in between: the policy is frozen, and the
 * surroundings are compared each time, with the disk wherever an entry depends on it.
 */
import { type AccessIndex, indexAccess, placeOf } from './access-index.ts'
import type { AbsolutePath } from './path.ts'
import type { FileSystemSandboxPolicy } from './policy.ts'
import type { Surroundings } from './types.ts'

interface KeptIndex {
  readonly surroundings: Surroundings
  readonly index: AccessIndex
  /** What the disk said where an entry depends on it. */
  readonly looks: readonly Look[]
}

interface Look {
  readonly ask: () => AbsolutePath | null
  readonly answer: AbsolutePath | null
}

/** The last index of each policy that cannot change any more. */
const kept = new WeakMap<FileSystemSandboxPolicy, KeptIndex>()

/** The index of a policy in these surroundings, made again when either is another or the disk says something else. */
export function keptIndex(policy: FileSystemSandboxPolicy, surroundings: Surroundings): AccessIndex {
  const known = kept.get(policy)
  if (known !== undefined && sameAround(known.surroundings, surroundings) && stillSo(known.looks)) return known.index
  if (!isFrozenPolicy(policy)) return indexAccess(policy, surroundings)
  // A copy: what the caller does with its own surroundings must not reach this one.
  const around = { ...surroundings }
  const looks = looksOf(policy, around)
  const index = indexAccess(policy, around)
  kept.set(policy, { surroundings: around, index, looks })
  return index
}

function sameAround(one: Surroundings, other: Surroundings): boolean {
  return (
    one.policyCwd === other.policyCwd &&
    one.files === other.files &&
    one.home === other.home &&
    one.temporaryDirectory === other.temporaryDirectory &&
    one.processCwd === other.processCwd
  )
}

/** SPEC-1: only `slash_tmp`, and entries that may be skipped, ask the disk. */
function looksOf(policy: FileSystemSandboxPolicy, surroundings: Surroundings): Look[] {
  const asking = policy.entries.filter(
    ({ path, missing_path_behavior }) =>
      missing_path_behavior !== undefined || (path.type === 'special' && path.value.kind === 'slash_tmp'),
  )
  return asking.map(entry => {
    const ask = () => placeOf(entry, surroundings)
    return { ask, answer: ask() }
  })
}

function stillSo(looks: readonly Look[]): boolean {
  for (const { ask, answer } of looks) if (ask() !== answer) return false
  return true
}

function isFrozenPolicy(policy: FileSystemSandboxPolicy): boolean {
  if (!Object.isFrozen(policy) || !Object.isFrozen(policy.entries)) return false
  return policy.entries.every(
    entry =>
      Object.isFrozen(entry) &&
      Object.isFrozen(entry.path) &&
      (entry.path.type !== 'special' || Object.isFrozen(entry.path.value)),
  )
}
