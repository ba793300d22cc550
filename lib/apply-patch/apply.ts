/** Carries a patch out: all of it or nothing. */

import { Buffer } from 'node:buffer'

import type { FileChange } from './changes.ts'
import { Commit, type CommitNote } from './commit.ts'
import { PatchConflictError } from './errors.ts'
import type { Patch } from './grammar.ts'
import { type PatchPlan, planOf, readyOperations } from './plan.ts'
import { type PatchOptions, withDraft } from './session.ts'
import { formatSummary, type PatchSummary, summaryOf } from './summary.ts'

export interface ApplyOptions extends PatchOptions {
  /** What a person has approved: the patch is refused when it would now do anything else. Default: not compared. */
  readonly approved?: PatchPlan
}

export interface AppliedPatch extends PatchSummary {
  /** What the reference prints: a first line, then `A`, `M` and `D` with their paths. */
  readonly summary: string
  /** What of the old files could not be kept; usually empty. */
  readonly notes: readonly CommitNote[]
}

/**
 * Verifies the whole patch against the disk and the policy, then writes it. Each file is written beside its place, synced
 * and switched in one step; a failure switches back.
 *
 * @throws PatchInvalidError (`ERR_PATCH_INVALID`): the text is no patch.
 * @throws PatchRefusedError (`ERR_PATCH_REFUSED`): `check` does not allow a path.
 * @throws PatchNoMatchError (`ERR_PATCH_NO_MATCH`): a hunk does not fit.
 * @throws PatchConflictError (`ERR_PATCH_CONFLICT`): a file exists, is missing, is a directory, changed meanwhile …
 * @throws PatchIoError (`ERR_PATCH_IO`): the system refused a step; `files` says which files are old and which new.
 * @throws an AbortError (`ABORT_ERR`) when `signal` is aborted before the first file is switched.
 */
export async function applyPatch(patch: string | Patch, options: ApplyOptions): Promise<AppliedPatch> {
  return withDraft(patch, options, async session => {
    if (options.approved !== undefined) checkApproved(await planOf(session), options.approved)
    const operations = await readyOperations(session)
    const notes = await new Commit(operations, session.directories).run(options.signal)
    const summary = summaryOf(session.patch)
    return { ...summary, summary: formatSummary(summary), notes }
  })
}

function checkApproved(plan: PatchPlan, approved: PatchPlan): void {
  const differing = plan.changes.find((change, index) => !isSameChange(change, approved.changes[index]))
  if (differing === undefined && plan.changes.length === approved.changes.length) return
  throw new PatchConflictError('write', 'changed', { path: (differing ?? approved.changes.at(-1))?.spelled ?? '' })
}

function isSameChange(one: FileChange, other: FileChange | undefined): boolean {
  if (other === undefined) return false
  const samePlace = one.kind === other.kind && one.path === other.path && one.from === other.from
  return samePlace && sameBytes(one.before, other.before) && sameBytes(one.after, other.after)
}

function sameBytes(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0
}
