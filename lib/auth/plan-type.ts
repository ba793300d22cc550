/**
 * Names of subscription plans (auth.md §2). Inside a token the spelling must be exact; a host may write any case.
 */

export type PlanType =
  | 'free'
  | 'go'
  | 'plus'
  | 'pro'
  | 'prolite'
  | 'team'
  | 'self_serve_business_usage_based'
  | 'business'
  | 'enterprise_cbp_usage_based'
  | 'enterprise'
  | 'edu'
  | 'unknown'

const names: ReadonlyMap<string, PlanType> = new Map<string, PlanType>([
  ['free', 'free'],
  ['go', 'go'],
  ['plus', 'plus'],
  ['pro', 'pro'],
  ['prolite', 'prolite'],
  ['team', 'team'],
  ['self_serve_business_usage_based', 'self_serve_business_usage_based'],
  ['business', 'business'],
  ['enterprise_cbp_usage_based', 'enterprise_cbp_usage_based'],
  ['enterprise', 'enterprise'],
  ['hc', 'enterprise'],
  ['edu', 'edu'],
  ['education', 'edu'],
])

/** The plan that a token's claim names; a name we do not know, or none, is `unknown`. */
export function planTypeOf(claim: string | undefined): PlanType {
  return (claim === undefined ? undefined : names.get(claim)) ?? 'unknown'
}

/** The plan that a host names, in any case. */
export function planTypeOfHost(name: string): PlanType {
  return names.get(name.toLowerCase()) ?? 'unknown'
}
