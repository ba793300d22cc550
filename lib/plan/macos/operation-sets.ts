/**
 * The sets of operations that rules about files always name together. Whether a rule for `file-read*` also decides what a
 * rule for `file-read-data` says is not documented, so both are named wherever either is (spec/macos B.4).
 */
import type { SbplOperation } from './sbpl-operations.ts'

/** Everything that tells what a file holds, or that it is there. */
export const readOperations: readonly SbplOperation[] = [
  'file-read*',
  'file-read-data',
  'file-read-metadata',
  'file-read-xattr',
  'file-test-existence',
  'file-map-executable',
]

/** Reading alone: what may become code is told apart. */
export const readWithoutMapping: readonly SbplOperation[] = readOperations.filter(
  operation => operation !== 'file-map-executable',
)

export const writeOperations: readonly SbplOperation[] = ['file-write*']

/** To see that something is there, and of what kind. */
export const lookOperations: readonly SbplOperation[] = ['file-read-metadata', 'file-test-existence']
