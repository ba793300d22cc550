/** The public subpath `castellan/entry`, for the start of a host: loads next to nothing. Re-exports only. */

export { type EntryDirectory, type EntryDirectoryOptions, makeEntryDirectory } from './directory.ts'
export { dispatchEntry } from './dispatch.ts'
