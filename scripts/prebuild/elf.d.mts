export function readElf(bytes: Buffer): {
  readonly architecture: string
  readonly needed: readonly string[]
  readonly versions: Readonly<Record<string, readonly string[]>>
  readonly exported: readonly string[]
}
