/** The public subpath `castellan/apply-patch`. Re-exports only. */

export { type ApplyOptions, applyPatch, type PatchOptions, type PolicyOptions, planPatch } from '../patch.ts'
export type { AppliedPatch } from './apply.ts'
export type { FileChange } from './changes.ts'
export type { CommitNote } from './commit.ts'
export { type Detection, detectApplyPatch } from './detect.ts'
export {
  type ConflictReason,
  type FileOutcome,
  type NoMatchReason,
  PatchConflictError,
  PatchError,
  PatchInvalidError,
  PatchIoError,
  PatchNoMatchError,
  type PatchPlace,
  PatchRefusedError,
} from './errors.ts'
export type {
  Attributes,
  CreatedFile,
  EntryKind,
  EntryStatus,
  FileAccess,
  FileIdentity,
  OpenDirectory,
} from './file-access.ts'
export type {
  AddSection,
  DeleteSection,
  Hunk,
  HunkLine,
  LineEnding,
  Patch,
  Section,
  UpdateSection,
} from './grammar.ts'
export { type InspectedFile, inspectPlan } from './inspect.ts'
export type { PolicyCheck } from './locate.ts'
export { type BeneathCalls, type NodeFileAccessOptions, nodeFileAccess } from './node-access.ts'
export { parsePatch } from './parse.ts'
export type { PatchPlan } from './plan.ts'
export { formatSummary, type PatchSummary } from './summary.ts'
