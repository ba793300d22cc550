/**
 * How long to leave the token endpoint alone after transient failures (departure D10).
 *
 * Pure. `Retry-After` opens a pause at once; otherwise the third failure in a row opens one of a second, doubling up to a
 * minute. During a pause a refresh fails locally with the error that opened it.
 */
import type { AuthError } from '../errors.ts'

export interface Pause {
  readonly failures: number
  /** Clock reading in milliseconds at which it began. */
  readonly since: number
  /** Clock reading in milliseconds before which nothing is sent. */
  readonly until: number
  readonly error: AuthError
}

const patience = 3
const firstPauseMs = 1_000
const longestPauseMs = 60_000

export function pauseAfter(previous: Pause | undefined, error: AuthError, now: number): Pause {
  const failures = (previous?.failures ?? 0) + 1
  const grown = failures < patience ? 0 : Math.min(firstPauseMs * 2 ** (failures - patience), longestPauseMs)
  return Object.freeze({ failures, since: now, until: now + Math.max(grown, error.retryAfterMs ?? 0), error })
}

/** How much of the pause is left, in milliseconds. A clock that was set back ends it: it would last for ever. */
export function pauseLeft({ since, until }: Pause, now: number): number {
  return now < since ? 0 : Math.max(until - now, 0)
}
