export function pack(options: { readonly out: string; readonly host?: boolean; readonly partial?: boolean }): {
  readonly tarball: string
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[]
  readonly packedBytes: number
  readonly unpackedBytes: number
}
