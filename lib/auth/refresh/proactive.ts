/**
 * Whether a token should be refreshed before it is used (auth.md §14).
 *
 * Pure. A token obtained within the last minute is never due: with a clock that runs fast every fresh token looks expired,
 * and each call would spend another refresh token (departure D22).
 */
import type { AuthSnapshot } from '../snapshot.ts'

const windowMs = 5 * 60_000
const longestAgeMs = 8 * 24 * 3_600_000
const floorMs = 60_000

export type ProactiveReason = 'proactive_expiry' | 'scheduled'

/** Why the snapshot is due, or nothing. `earlierMs` widens the window, so that many hosts do not refresh at one moment. */
export function proactiveReason(snapshot: AuthSnapshot, now: number, earlierMs = 0): ProactiveReason | undefined {
  if (snapshot.mode !== 'chatgpt') return undefined
  const { expiresAt, lastRefreshAt } = snapshot
  if (lastRefreshAt !== undefined && Math.abs(now - lastRefreshAt) < floorMs) return undefined
  if (expiresAt !== undefined) return expiresAt <= now + windowMs + earlierMs ? 'proactive_expiry' : undefined
  return lastRefreshAt !== undefined && lastRefreshAt < now - longestAgeMs ? 'scheduled' : undefined
}
