export const schema: string

export interface SeatbeltCase {
  readonly id: string
  readonly title: string
  readonly checks: readonly object[]
  readonly expectError?: string
}

export interface SeatbeltOutcome {
  readonly outcome: 'passed' | 'failed'
  readonly asked: object
  readonly expected?: unknown
  readonly got?: unknown
}

export interface SeatbeltProfile {
  readonly text: string
  readonly parameters: Readonly<Record<string, string>>
}

export function loadLibrary(load: (name: string) => Promise<object>): Promise<object>
export function runCase(
  given: SeatbeltCase,
  library: object,
  document: object,
  alter?: (profile: SeatbeltProfile) => SeatbeltProfile,
): SeatbeltOutcome[]
export function profileOfCase(
  given: SeatbeltCase,
  library: object,
  document: object,
): { readonly profile: SeatbeltProfile }
