export interface MachO {
  readonly architecture: string
  readonly oldestSystem: string | undefined
  readonly libraries: readonly string[]
  readonly exported: readonly string[]
  readonly imported: readonly string[]
  /** Those that only this file can name, whose strings are dead weight. */
  readonly localSymbols: number
  readonly signature: string
}

export function readMachO(bytes: Buffer): MachO
