import type { AccessRule } from '../../lib/policy/types.ts'
import type { SeatbeltProfile } from '../conformance/seatbelt-semantics.mjs'

export function probesOf(rules: readonly AccessRule[]): string[]
export function disagreements(
  rules: readonly AccessRule[],
  profile: SeatbeltProfile,
  paths: readonly string[],
  library: object,
): { readonly checks: number; readonly found: readonly string[] }
