/**
 * Which authorization server, and how it wants to be asked.
 *
 * Any OAuth 2 server with OpenID Connect id_tokens and refresh tokens fits (RFC 6749, RFC 7009); Codex's values are the
 * preset. Endpoints must be HTTPS unless they are on this machine: a refresh token does not travel in the clear.
 */
import type { Environment } from './storage/home.ts'

export interface OAuthProvider {
  /** As the `iss` of its id_tokens has it: a login of another issuer is neither refreshed nor revoked here. */
  readonly issuer: string
  readonly clientId: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** Absent: tokens are not revoked at logout. */
  readonly revocationEndpoint?: string
  /** How the refresh request is written: `form` as RFC 6749 says, `json` as Codex does. */
  readonly refreshFormat: 'form' | 'json'
  /** Tell the server why a refresh is made (`refresh_reason`); only servers that know it. */
  readonly sendRefreshReason: boolean
  readonly scopes: readonly string[]
  /** Further parameters of the authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>>
  /** Further error codes that mean a login is over, whatever the status. Default none. */
  readonly permanentCodes: readonly string[]
  /** Answers who a personal access token (`at-…`) belongs to. */
  readonly whoamiEndpoint?: string
  /** Where device codes are made and polled; absent: not offered. */
  readonly deviceAuthorizationBase?: string
  /** Exchange the id_token for an API key after a browser login, as Codex does; failing is not an error. */
  readonly exchangeApiKey: boolean
  /** The origins that its tokens are for; the default of the manager's option `origins`. */
  readonly origins: readonly string[]
  /** Sent as `originator`, in requests and in the authorization URL. */
  readonly originator: string
}

/** The values of Codex; another `issuer` moves every endpoint with it and has no `origins` of its own. */
export function codexProvider(overrides: Partial<OAuthProvider> = {}): OAuthProvider {
  const issuer = (overrides.issuer ?? 'https://auth.openai.com').replace(/\/+$/, '')
  return Object.freeze({
    issuer,
    clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
    authorizationEndpoint: `${issuer}/oauth/authorize`,
    tokenEndpoint: `${issuer}/oauth/token`,
    revocationEndpoint: `${issuer}/oauth/revoke`,
    refreshFormat: 'json',
    sendRefreshReason: true,
    scopes: ['openid', 'profile', 'email', 'offline_access', 'api.connectors.read', 'api.connectors.invoke'],
    authorizationParameters: { id_token_add_organizations: 'true', codex_cli_simplified_flow: 'true' },
    permanentCodes: [],
    whoamiEndpoint: `${issuer}/api/accounts/v1/user-auth-credential/whoami`,
    deviceAuthorizationBase: issuer,
    exchangeApiKey: true,
    // Another issuer's tokens are not for these two.
    origins: overrides.issuer === undefined ? ['https://chatgpt.com', 'https://api.openai.com'] : [],
    originator: 'castellan',
    ...overrides,
  })
}

export interface Endpoints {
  readonly token: string
  readonly revocation: string | undefined
  readonly whoami: string | undefined
}

/** The endpoints for this moment: the environment may move them, and is read at each use (auth.md §5). */
export function endpointsOf(provider: OAuthProvider, environment: Environment): Endpoints {
  const token = environment['CODEX_REFRESH_TOKEN_URL_OVERRIDE']
  const api = environment['CODEX_AUTHAPI_BASE_URL']
  return {
    token: token ?? provider.tokenEndpoint,
    revocation:
      environment['CODEX_REVOKE_TOKEN_URL_OVERRIDE'] ??
      (token === undefined ? provider.revocationEndpoint : revocationBeside(token)),
    whoami: api ? `${api.replace(/\/+$/, '')}/v1/user-auth-credential/whoami` : provider.whoamiEndpoint,
  }
}

function revocationBeside(tokenEndpoint: string): string | undefined {
  if (!URL.canParse(tokenEndpoint)) return undefined
  const url = new URL(tokenEndpoint)
  url.pathname = '/oauth/revoke'
  url.search = ''
  return url.href
}

/** True for HTTPS, and for plain HTTP to this machine. */
export function mayReceiveSecrets(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}
