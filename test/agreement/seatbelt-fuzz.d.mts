import type { SeatbeltProfile } from '../conformance/seatbelt-semantics.mjs'

export interface FuzzTotals {
  readonly policies: number
  readonly checks: number
  readonly words: number
  readonly found: readonly string[]
}

export function fuzz(options: {
  readonly checks: number
  readonly seed: number
  readonly library: object
  readonly alter?: (profile: SeatbeltProfile) => SeatbeltProfile
}): FuzzTotals
