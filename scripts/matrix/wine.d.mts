export function told(run: {
  readonly answer?: { readonly code?: string; readonly usable: readonly string[] } | undefined
  readonly loaded: { readonly status: number | null; readonly error?: Error }
  readonly rig: string
}): { readonly version?: string; readonly did: string; readonly trouble?: string }
