export interface MachO {
  readonly architecture: string
  readonly oldestSystem: string | undefined
  readonly libraries: readonly string[]
  readonly exported: readonly string[]
  readonly imported: readonly string[]
  readonly signature: string
}

export function readMachO(bytes: Buffer): MachO
