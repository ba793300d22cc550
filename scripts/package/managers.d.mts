export function checkInstallation(options: {
  readonly manager: string
  readonly tarball: string
  readonly program?: string
  readonly node?: string
}): { readonly step: string; readonly ok: boolean; readonly output: string }[]
