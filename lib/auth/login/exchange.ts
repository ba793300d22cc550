/**
 * From an authorization code to a login (RFC 6749 §4.1.3, auth.md §21).
 *
 * All three tokens must come, and the id_token must be readable: a login that could not be refreshed or told apart later
 * is refused now. Nothing of an answer is quoted.
 */
import { lazily, z } from '../../schema.ts'
import { parseIdToken } from '../claims.ts'
import { AuthError } from '../errors.ts'
import { instantFromMilliseconds } from '../instant.ts'
import { mayBeIssuedBy } from '../issuer.ts'
import type { OAuthProvider } from '../provider.ts'
import { type AuthRecord, emptyRecord } from '../record.ts'
import { send } from '../refresh/http.ts'
import { headersFor, type Transport } from '../refresh/request.ts'

export interface AuthorizationCode {
  readonly code: string
  readonly verifier: string
  readonly redirectUri: string
}

export interface ExchangeOptions {
  readonly transport: Transport
  readonly now: number
  readonly allowedWorkspaces: readonly string[] | undefined
  /** Also ask for an API key, as Codex does after a browser login. */
  readonly withApiKey: boolean
}

const tokensSchema = lazily(() =>
  z.object({
    id_token: z.string().min(1),
    access_token: z.string().min(1),
    refresh_token: z.string().min(1),
  }),
)
const apiKeySchema = lazily(() => z.object({ access_token: z.string().min(1) }))

/** @throws AuthError `exchange_failed`, `issuer_mismatch`, `workspace_not_allowed`. */
export async function exchangeCode(
  { code, verifier, redirectUri }: AuthorizationCode,
  { transport, now, allowedWorkspaces, withApiKey }: ExchangeOptions,
): Promise<AuthRecord> {
  const { clientId } = transport.provider
  const answer = await postForm(transport, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    client_id: clientId,
    code_verifier: verifier,
  })
  const tokens = tokensSchema().safeParse(answer)
  const claims = tokens.success ? parseIdToken(tokens.data.id_token) : undefined
  if (!tokens.success || claims === undefined) throw new AuthError('exchange_failed')
  // A login that its own server could not be asked to refresh.
  if (!mayBeIssuedBy(transport.provider, claims.issuer)) throw new AuthError('issuer_mismatch')
  if (allowedWorkspaces && !(claims.accountId !== undefined && allowedWorkspaces.includes(claims.accountId))) {
    throw new AuthError('workspace_not_allowed')
  }
  return Object.freeze({
    ...emptyRecord,
    authMode: 'chatgpt' as const,
    apiKey: withApiKey ? await exchangeApiKey(transport, tokens.data.id_token) : undefined,
    tokens: Object.freeze({
      idToken: tokens.data.id_token,
      claims,
      accessToken: tokens.data.access_token,
      refreshToken: tokens.data.refresh_token,
      accountId: claims.accountId,
      unknown: [],
    }),
    lastRefresh: instantFromMilliseconds(now),
  })
}

/** RFC 8693. Not every account may have a key, so none is no failure. */
async function exchangeApiKey(transport: Transport, idToken: string): Promise<string | undefined> {
  const answer = await postForm(transport, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: transport.provider.clientId,
    requested_token: 'openai-api-key',
    subject_token: idToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  })
  const key = apiKeySchema().safeParse(answer)
  return key.success ? key.data.access_token : undefined
}

/** The document of a successful answer, or nothing. */
async function postForm(
  { fetch, provider, timeoutMs }: Transport,
  parameters: Record<string, string>,
): Promise<unknown> {
  try {
    const answer = await send(fetch, {
      url: provider.tokenEndpoint,
      method: 'POST',
      headers: formHeaders(provider),
      body: new URLSearchParams(parameters).toString(),
      timeoutMs,
    })
    return answer.status >= 200 && answer.status < 300 ? JSON.parse(answer.body ?? '') : undefined
  } catch {
    return undefined
  }
}

function formHeaders(provider: OAuthProvider): Record<string, string> {
  return headersFor(provider, 'application/x-www-form-urlencoded')
}
