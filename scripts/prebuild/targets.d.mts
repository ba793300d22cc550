export interface BuildTarget {
  readonly name: string
  readonly system: string
  readonly architecture: string
  readonly libc?: string
  readonly folder: string
  readonly file: string
  readonly helper?: string
}
export const glibcFloor: string
export const sizeBudget: number
export const targets: readonly BuildTarget[]
export const expectedFiles: readonly string[]
export function chooseTargets(names: readonly string[]): BuildTarget[]
