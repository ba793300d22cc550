export interface ShippedPackage {
  readonly name: string
  readonly version: string
  readonly license?: string | undefined
  readonly integrity?: string | undefined
}
export const acceptedLicences: readonly string[]
export function shippedPackages(lock: object): ShippedPackage[]
export function licenceFindings(packages: readonly ShippedPackage[]): string[]
