/**
 * What can go wrong with a patch, by class and code. Messages name the file, the hunk and the line of the patch; they
 * never hold a line of the patch or of a file (both may be secret), so a host that wants to show one looks it up by number.
 */

import { type ErrorDetails, LibraryError } from '../errors.ts'

export interface PatchPlace {
  /** The file as the patch spells it, when the error is about one. */
  readonly path?: string
  /** Which hunk of that file, from 1. */
  readonly hunk?: number
  /** The line of the patch text as it was given, from 1. */
  readonly line?: number
}

type PatchErrorCode = Extract<LibraryError['code'], `ERR_PATCH_${string}`>

/** The base of the errors of this folder. */
export class PatchError extends LibraryError {
  readonly path: string | undefined
  readonly hunk: number | undefined
  readonly line: number | undefined

  constructor(code: PatchErrorCode, message: string, place: PatchPlace, details: ErrorDetails = {}) {
    super(code, message, details)
    this.path = place.path
    this.hunk = place.hunk
    this.line = place.line
  }
}

/** `ERR_PATCH_INVALID`: the text is not a patch. Nothing was read or written. */
export class PatchInvalidError extends PatchError {
  constructor(message: string, place: PatchPlace) {
    const where = place.line === undefined ? '' : ` (patch line ${place.line})`
    super('ERR_PATCH_INVALID', `cannot read the patch: ${message}${where}`, place)
  }
}

/**
 * Why a hunk has no place: its `@@` line or its old lines are not in the file, they are there but above an earlier hunk
 * (hunks go down the file), two hunks claim the same lines, or the search was given up because the file and the patch
 * repeat themselves so much that it would take too long.
 */
export type NoMatchReason = 'context' | 'lines' | 'order' | 'overlap' | 'limit'

const noMatchTexts: Readonly<Record<NoMatchReason, string>> = {
  context: 'the line after @@ was not found',
  lines: 'its lines were not found',
  order: 'its lines were found only above the place of an earlier hunk',
  overlap: 'another hunk changes the same lines',
  limit: 'the search for its lines takes too long',
}

/** `ERR_PATCH_NO_MATCH`: a hunk does not fit the file. Nothing was written. */
export class PatchNoMatchError extends PatchError {
  readonly reason: NoMatchReason

  constructor(reason: NoMatchReason, place: Required<PatchPlace>) {
    const text = `cannot apply hunk ${place.hunk} to ${place.path}: ${noMatchTexts[reason]} (patch line ${place.line})`
    super('ERR_PATCH_NO_MATCH', text, place)
    this.reason = reason
  }
}

/** Why the disk does not allow what the patch says. */
export type ConflictReason =
  | 'exists'
  | 'missing'
  | 'directory'
  | 'not-a-directory'
  | 'not-a-file'
  | 'read-only'
  | 'dangling-link'
  | 'too-large'
  | 'encoding'
  | 'changed'

const conflictTexts: Readonly<Record<ConflictReason, string>> = {
  exists: 'it exists already',
  missing: 'it does not exist',
  directory: 'a directory is in the way',
  'not-a-directory': 'a parent is not a directory',
  'not-a-file': 'it is not a regular file',
  'read-only': 'it is read-only',
  'dangling-link': 'it is a link to nothing',
  'too-large': 'it is too large',
  encoding: 'it is UTF-16, which a patch cannot express',
  changed: 'it changed since it was read',
}

/** `ERR_PATCH_CONFLICT`: the files are not as the patch supposes. Nothing was written. */
export class PatchConflictError extends PatchError {
  readonly reason: ConflictReason

  constructor(act: string, reason: ConflictReason, place: PatchPlace, details: ErrorDetails = {}) {
    super('ERR_PATCH_CONFLICT', `cannot ${act} ${place.path}: ${conflictTexts[reason]}`, place, details)
    this.reason = reason
  }
}

/** `ERR_PATCH_REFUSED`: the policy does not allow a path. Nothing was written, and nothing of that file was read. */
export class PatchRefusedError extends PatchError {
  /** The path that would have been written: absolute, without symbolic links. */
  readonly target: string
  /** What the policy allows there. */
  readonly access: 'read' | 'none'

  constructor(target: string, access: 'read' | 'none', place: PatchPlace) {
    const text = `cannot write ${place.path}: the policy allows ${access === 'none' ? 'no access' : 'only reading'} there`
    super('ERR_PATCH_REFUSED', text, place)
    this.target = target
    this.access = access
  }
}

/** Where a file stands after a failure: untouched, or as the patch wants it. There is no third state. */
export interface FileOutcome {
  /** Absolute, without symbolic links. */
  readonly path: string
  readonly state: 'old' | 'new'
}

export interface PatchIoDetails extends ErrorDetails {
  /** Every file of the patch with its state, in the order of the plan. */
  readonly files: readonly FileOutcome[]
}

/** `ERR_PATCH_IO`: the operating system refused a step. `files` says which files are old and which are new. */
export class PatchIoError extends PatchError {
  readonly errnoName: string | undefined
  readonly files: readonly FileOutcome[]

  constructor(act: string, place: PatchPlace, details: PatchIoDetails) {
    const errnoName = errnoNameOf(details.cause)
    const changed = details.files.filter(file => file.state === 'new').length
    const outcome = changed === 0 ? 'no file was changed' : `${changed} of ${details.files.length} files are changed`
    super('ERR_PATCH_IO', `cannot ${act} ${place.path}: ${errnoName ?? 'failed'}; ${outcome}`, place, details)
    this.errnoName = errnoName
    this.files = details.files
  }
}

/** `ENOSPC` and the like, when `error` comes from the operating system. */
export function errnoNameOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** What an aborted call rejects with, in Node's own shape. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('the patch was aborted; no file was changed', { cause: signal.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
