/** Types of the case runner for the test suite; the runner itself is plain JavaScript so that it needs no build. */
export interface PolicyCase {
  readonly id: string
  readonly era: string
  readonly note: string
}

export interface QuestionResult {
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly asked: { readonly q: string }
  readonly expected?: unknown
  readonly got?: unknown
  readonly reason?: string
}

export const schema: string
export function loadLibrary(load: (name: string) => Promise<object>): Promise<object>
export function runCase(given: PolicyCase, library: object): readonly QuestionResult[]
