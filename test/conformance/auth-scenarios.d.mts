/** Types of the case runner for the test suite; the runner itself is plain JavaScript so that it needs no build. */
export interface AuthCase {
  readonly id: string
  readonly title: string
}

export interface AuthDocument {
  readonly schema: string
  readonly cases: readonly AuthCase[]
}

export interface StepResult {
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly asked: object
  readonly expected?: unknown
  readonly got?: unknown
  readonly reason?: string
}

export interface LoadedLibrary {
  readonly module: object
  readonly url: string | undefined
}

export const schema: string
export function loadLibrary(load: (name: string) => Promise<object>, url?: string): Promise<LoadedLibrary>
export function runCase(given: AuthCase, library: LoadedLibrary, document: AuthDocument): Promise<readonly StepResult[]>
