/**
 * The refresh grant (RFC 6749 §6; body of Codex: auth.md §10) and the revocation of a token (RFC 7009).
 */
import type { OAuthProvider } from '../provider.ts'
import { type Fetch, type HttpAnswer, send } from './http.ts'

/** Why a refresh is made; told to servers that want to know. */
export type RefreshReason = 'forced' | 'proactive_expiry' | 'scheduled' | 'unauthorized_recovery'

export interface Transport {
  readonly fetch: Fetch
  readonly provider: OAuthProvider
  readonly timeoutMs: number
}

export function requestRefresh(
  { fetch, provider, timeoutMs }: Transport,
  url: string,
  refreshToken: string,
  reason: RefreshReason,
): Promise<HttpAnswer> {
  const parameters: Record<string, string> = {
    client_id: provider.clientId,
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...(provider.sendRefreshReason && { refresh_reason: reason }),
  }
  const form = provider.refreshFormat === 'form'
  return send(fetch, {
    url,
    method: 'POST',
    headers: headersFor(provider, form ? 'application/x-www-form-urlencoded' : 'application/json'),
    body: form ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters),
    timeoutMs,
  })
}

export interface RevocableToken {
  readonly token: string
  readonly hint: 'refresh_token' | 'access_token'
}

/** Asks the server to forget a token. Answers whether it did; never fails, the login is gone here either way. */
export async function requestRevocation(
  { fetch, provider, timeoutMs }: Transport,
  url: string | undefined,
  { token, hint }: RevocableToken,
): Promise<boolean> {
  if (url === undefined) return false
  const parameters = {
    token,
    token_type_hint: hint,
    ...(hint === 'refresh_token' && { client_id: provider.clientId }),
  }
  const form = provider.refreshFormat === 'form'
  try {
    const answer = await send(fetch, {
      url,
      method: 'POST',
      headers: headersFor(provider, form ? 'application/x-www-form-urlencoded' : 'application/json'),
      body: form ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters),
      timeoutMs,
    })
    return answer.status >= 200 && answer.status < 300
  } catch {
    return false
  }
}

export function headersFor(provider: OAuthProvider, contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    accept: '*/*',
    originator: provider.originator,
    'user-agent': provider.originator,
  }
}
