import type { WindowsPlan } from '../../lib/plan/windows/plan.ts'

export function checkPlans(question: {
  readonly policies: number
  readonly seed: number
  readonly library: object
  readonly alter?: (plan: WindowsPlan) => WindowsPlan
  readonly enough?: number
}): { readonly found: readonly object[]; readonly plans: number; readonly kinds: ReadonlyMap<string, number> }
