import type { WindowsAnswer, WindowsQuestion } from '../../lib/plan/windows/plan.ts'

export const schema: string

export interface WindowsCase {
  readonly id: string
  readonly title: string
  readonly function: string
  readonly expect: object
}

export interface WindowsOutcome {
  readonly outcome: 'passed' | 'failed'
  readonly asked: object
  readonly expected?: unknown
  readonly got?: unknown
}

export interface WindowsLibrary {
  planForWindows(question: WindowsQuestion): WindowsAnswer
}

export function loadLibrary(load: (name: string) => Promise<object>): Promise<object>
export function runCase(given: WindowsCase, library: object, document: object): WindowsOutcome[]
export function questionOf(given: WindowsCase, document: object): WindowsQuestion
