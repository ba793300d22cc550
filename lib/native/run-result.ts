/**
 * A finished run as the addon tells it: values in a row (`ResultValues` of native/linux/binding_environment.cc), because
 * members that are set by name cost more than everything else of a short run's result.
 */
import type { NativeResult } from './binding.ts'

const Flag = { timedOut: 1, exitUnknown: 2, stdoutTruncated: 4, stderrTruncated: 8 } as const

const nothing = Buffer.alloc(0)

export function nativeResult(
  id: number,
  pid: number,
  exitCode: number,
  signal: number,
  flags: number,
  limit: number,
  stdout: Buffer | undefined,
  stderr: Buffer | undefined,
  reported: Buffer | undefined,
  failedStage: number,
  failedErrno: number,
  failedIndex: number,
): NativeResult {
  return {
    id,
    pid,
    failure: failedStage === 0 ? undefined : { stage: failedStage, errno: failedErrno, index: failedIndex },
    exitCode,
    signal,
    timedOut: (flags & Flag.timedOut) !== 0,
    limit,
    exitUnknown: (flags & Flag.exitUnknown) !== 0,
    stdoutTruncated: (flags & Flag.stdoutTruncated) !== 0,
    stderrTruncated: (flags & Flag.stderrTruncated) !== 0,
    stdout: stdout ?? nothing,
    stderr: stderr ?? nothing,
    reported,
  }
}

/** In the order in which the addon gives them. */
export type ResultValues = Parameters<typeof nativeResult>
