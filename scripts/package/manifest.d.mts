export function publishedManifest(manifest: Readonly<Record<string, unknown>>): Record<string, unknown>
export function packedFindings(manifest: Readonly<Record<string, unknown>>, files: readonly string[]): string[]
