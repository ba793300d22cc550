export interface MatrixResults {
  readonly system: string
  readonly rows: readonly {
    readonly name: string
    readonly version?: string
    readonly passed?: boolean
    readonly did?: string
    /** What was missing, where nothing was asked; then there is neither of the two above. */
    readonly notRun?: string
  }[]
}
export function table(results: MatrixResults): string
export function withTable(text: string, results: MatrixResults): string
