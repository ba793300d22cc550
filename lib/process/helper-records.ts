/**
 * Reads the records that the helper writes: the first process of a PID namespace, or the one inside bubblewrap
 * (native/linux/helper_record.h).
 */
import type { NativeFailure } from '../native/binding.ts'

const recordSize = 16
const kinds = { failed: 1, started: 2, ended: 3, lost: 4 } as const

export interface HelperReport {
  readonly failure: NativeFailure | undefined
  readonly started: boolean
  /** The plan's mount that was taken away from outside, for which the command was ended. */
  readonly lost: number | undefined
  readonly ended: { readonly exitCode: number; readonly signal: number } | undefined
}

export function readHelperRecords(bytes: Buffer | undefined): HelperReport {
  let failure: NativeFailure | undefined
  let started = false
  let lost: number | undefined
  let ended: HelperReport['ended']
  for (let at = 0; bytes !== undefined && at + recordSize <= bytes.length; at += recordSize) {
    const [kind, a, b, c] = [0, 4, 8, 12].map(offset => bytes.readInt32LE(at + offset)) as [
      number,
      number,
      number,
      number,
    ]
    if (kind === kinds.failed) failure = { stage: a, errno: b, index: c }
    if (kind === kinds.started) started = true
    if (kind === kinds.lost) lost = a
    if (kind === kinds.ended) ended = { exitCode: a, signal: b }
  }
  return { failure, started, lost, ended }
}
