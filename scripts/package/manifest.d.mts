export function publishedManifest(manifest: Readonly<Record<string, unknown>>): Record<string, unknown>
export function packedFindings(manifest: Readonly<Record<string, unknown>>, files: readonly string[]): string[]
export const packageBudget: { readonly packed: number; readonly unpacked: number }
export function tarballFindings(
  manifest: { readonly bin: Readonly<Record<string, string>> },
  tarball: {
    readonly files: readonly { readonly path: string; readonly mode: number }[]
    readonly packedBytes: number
    readonly unpackedBytes: number
  },
): string[]
