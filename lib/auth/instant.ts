/**
 * Instants of `last_refresh`: RFC 3339 with an offset, read to the nanosecond.
 *
 * The reference writes nanoseconds and compares them; `Date` would round them away, and two different records would look
 * the same. So the text is kept as it was written and the value is a `bigint` (spec: auth.md §1).
 */

export interface Instant {
  /** As it stands in the file. */
  readonly text: string
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly nanoseconds: bigint
}

const pattern = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

/** Reads an RFC 3339 instant, or answers nothing when the text is not one. Digits beyond nanoseconds are ignored. */
export function parseInstant(text: string): Instant | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const offsetHours = Number(match[9] ?? 0)
  const offsetMinutes = Number(match[10] ?? 0)
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (month < 1 || month > 12 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined

  const sign = match[8] === '-' ? -1 : 1
  const local = date.getTime() / 1000 + hour * 3600 + minute * 60 + second
  const seconds = local - sign * (offsetHours * 3600 + offsetMinutes * 60)
  const fraction = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'))
  return Object.freeze({ text, nanoseconds: BigInt(seconds) * 1_000_000_000n + fraction })
}

/** The instant of a clock reading in milliseconds, written the way the reference writes it (UTC, `Z`, no idle zeros). */
export function instantFromMilliseconds(milliseconds: number): Instant {
  const text = new Date(milliseconds).toISOString().replace(/\.000Z$/, 'Z')
  return parseInstant(text)!
}

export function instantToMilliseconds(instant: Instant): number {
  return Number(instant.nanoseconds / 1_000_000n)
}
