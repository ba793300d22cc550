import type { SeatbeltProfile } from '../conformance/seatbelt-semantics.mjs'

export interface Mutant {
  readonly name: string
  readonly alter: (profile: SeatbeltProfile) => SeatbeltProfile
}

export function mutantsOf(profiles: readonly SeatbeltProfile[], library: object): Mutant[]
