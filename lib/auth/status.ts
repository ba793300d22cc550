/**
 * What polling clients are told: `getAuthStatus` and `account/read` of the Codex app server (auth.md §15).
 *
 * Pure. The wire members are exactly the reference's. A poisoned login keeps its method, so that a client does not fall
 * back to its log-in screen, and loses its token, so that nobody uses it.
 */
import { AuthError, type PoisonReason } from './errors.ts'
import type { PlanType } from './plan-type.ts'
import type { AuthMode } from './record.ts'
import type { AuthSnapshot } from './snapshot.ts'

export interface GetAuthStatusRequest {
  readonly includeToken?: boolean | null
  readonly refreshToken?: boolean | null
}

export interface GetAuthStatusResponse {
  readonly authMethod: AuthMode | null
  readonly authToken: string | null
  readonly requiresOpenaiAuth: boolean | null
}

export interface GetAccountResponse {
  readonly account:
    | { readonly type: 'apiKey' }
    | { readonly type: 'chatgpt'; readonly email: string; readonly planType: PlanType }
    | null
  readonly requiresOpenaiAuth: boolean
  /** Not on the wire: why the login cannot be refreshed any more. */
  readonly refreshFailure?: PoisonReason
}

export const authNotRequired: GetAuthStatusResponse = Object.freeze({
  authMethod: null,
  authToken: null,
  requiresOpenaiAuth: false,
})

export function authStatus(
  snapshot: AuthSnapshot | undefined,
  includeToken: boolean,
  poisoned: boolean,
): GetAuthStatusResponse {
  const answer = (authMethod: AuthMode | null, authToken: string | null): GetAuthStatusResponse =>
    Object.freeze({ authMethod, authToken, requiresOpenaiAuth: true })
  if (snapshot === undefined) return answer(null, null)
  // These two are usable and have no bearer that may be shown.
  if (snapshot.mode === 'personalAccessToken' || snapshot.mode === 'agentIdentity') return answer(snapshot.mode, null)
  if (includeToken && poisoned) return answer(snapshot.mode, null)
  const token = snapshot.token()
  if (token === undefined) return answer(null, null)
  return answer(snapshot.mode, includeToken ? token : null)
}

/** @throws AuthError `missing_account_details` for a ChatGPT login whose token names no e-mail address. */
export function accountOf(
  snapshot: AuthSnapshot | undefined,
  poison: PoisonReason | undefined,
): Pick<GetAccountResponse, 'account' | 'refreshFailure'> {
  if (poison !== undefined) return { account: null, refreshFailure: poison }
  if (snapshot === undefined) return { account: null }
  if (snapshot.mode === 'apikey') return { account: { type: 'apiKey' } }
  if (snapshot.email === undefined) throw new AuthError('missing_account_details')
  return { account: { type: 'chatgpt', email: snapshot.email, planType: snapshot.planType } }
}
