/**
 * What the token that the system made is, against what the plan asks for (spec/windows K.2 step 3). Windows versions, policies of a
 * domain and Wine may give something else without an error; then nothing may run.
 */
import type { TokenPlan, TokenPrincipal } from './token.ts'

/** As the helper reads it back from the token. */
export interface TokenReport {
  readonly restricted: boolean
  readonly restrictingSids: readonly string[]
  readonly privileges: readonly string[]
  readonly integrity: string
}

export type TokenDifference =
  | { readonly kind: 'not-restricted' }
  | { readonly kind: 'missing-sid'; readonly principal: TokenPrincipal }
  | { readonly kind: 'extra-sid'; readonly sid: string }
  | { readonly kind: 'extra-privilege'; readonly privilege: string }
  | { readonly kind: 'integrity'; readonly expected: string; readonly found: string }

/** Empty when the token is the one that was planned. */
export function tokenDifferences(
  plan: TokenPlan,
  sidOf: (principal: TokenPrincipal) => string,
  report: TokenReport,
): TokenDifference[] {
  const expected = new Map(plan.restricting.map(principal => [sidOf(principal), principal]))
  const found = new Set(report.restrictingSids)
  const missing = [...expected].filter(([sid]) => !found.has(sid))
  return [
    ...(report.restricted ? [] : [{ kind: 'not-restricted' as const }]),
    ...missing.map(([, principal]) => ({ kind: 'missing-sid' as const, principal })),
    ...[...found].filter(sid => !expected.has(sid)).map(sid => ({ kind: 'extra-sid' as const, sid })),
    ...report.privileges
      .filter(privilege => !plan.privileges.includes(privilege))
      .map(privilege => ({ kind: 'extra-privilege' as const, privilege })),
    ...(report.integrity === plan.integrity
      ? []
      : [{ kind: 'integrity' as const, expected: plan.integrity, found: report.integrity }]),
  ]
}
