/** The engines of the systems that this version confines nothing on. */

export interface OtherEngine {
  readonly system: 'macos' | 'windows'
  readonly engine: string
}

export const otherEngines: readonly OtherEngine[] = [
  { system: 'macos', engine: 'seatbelt' },
  { system: 'windows', engine: 'restricted-token' },
]
