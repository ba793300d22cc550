export function publicationFindings(given: {
  readonly manifest: { readonly version: string; readonly repository?: unknown }
  readonly changelog: string
  readonly status: string
  readonly tags: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}): string[]
export function publishArguments(tarball: string): string[]
