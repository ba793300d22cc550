/** Says what a patch would do, verified against the disk in full, and writes nothing. */

import { changesOf, type FileChange } from './changes.ts'
import { PatchConflictError } from './errors.ts'
import type { Patch } from './grammar.ts'
import { type Operation, operationsOf } from './operations.ts'
import { type PatchOptions, reading, type Session, withDraft } from './session.ts'
import { type PatchSummary, summaryOf } from './summary.ts'

export interface PatchPlan extends PatchSummary {
  /** One per file that would be otherwise afterwards. */
  readonly changes: readonly FileChange[]
}

/**
 * What `applyPatch` would do now. For a host's approval screen, and for a check without writing.
 *
 * @throws PatchInvalidError, PatchNoMatchError, PatchConflictError, PatchRefusedError, PatchIoError as `applyPatch` would
 * before its first write; an AbortError when `signal` is aborted.
 */
export async function planPatch(patch: string | Patch, options: PatchOptions): Promise<PatchPlan> {
  return withDraft(patch, options, planOf)
}

export async function planOf(session: Session): Promise<PatchPlan> {
  for (const entry of session.draft.entries.values()) {
    // A file that may be deleted but not read is shown without its content.
    if (entry.after === null) await session.draft.readBefore(entry).catch(() => null)
  }
  return { changes: changesOf(await readyOperations(session)), ...summaryOf(session.patch) }
}

/** A file that is replaced must be in memory, or a failure could not bring it back. */
export async function readyOperations(session: Session): Promise<Operation[]> {
  for (const entry of session.draft.entries.values()) {
    if (entry.after === null || entry.after === 'untouched' || entry.before === null) continue
    const bytes = await reading(entry.place, () => session.draft.readBefore(entry))
    if (bytes === null) throw new PatchConflictError('write', 'too-large', entry.place)
  }
  return operationsOf(session.draft)
}
