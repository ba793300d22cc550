/**
 * Every way in which the keys can fail, as one error class with a stable reason.
 *
 * A message is chosen by its reason from the table below and never quotes a server, a file or a header: what a token
 * endpoint answers may hold a token. `kind` says what a host should do: `permanent` needs a person to log in again (or a
 * setting to change), `transient` may pass by itself, `aborted` was the caller's wish, `config` is a mistake in the set-up.
 */
import { type ErrorCode, LibraryError } from '../errors.ts'

export type FailureKind = 'permanent' | 'transient' | 'aborted' | 'config'

/** Why the token endpoint will not refresh this login again. */
export type PoisonReason = 'expired' | 'exhausted' | 'revoked' | 'other'

/** How an interactive login may end without credentials. */
export type LoginReason =
  | 'provider_error'
  | 'missing_code'
  | 'exchange_failed'
  | 'device_unsupported'
  | 'device_refused'
  | 'cancelled'
  | 'login_timeout'
  | 'callback_unavailable'

export type PermanentReason =
  | PoisonReason
  | 'account_mismatch'
  | 'not_logged_in'
  | 'recovery_exhausted'
  | 'login_disabled'
  | 'external_auth_active'
  | 'workspace_not_allowed'
  | 'empty_api_key'
  | 'missing_account_details'
  | 'restricted_login_method'
  | 'restricted_workspace'
  | LoginReason

export type TransientReason =
  | 'network'
  | 'timeout'
  | 'server'
  | 'rate_limited'
  | 'redirect'
  | 'bad_response'
  | 'response_too_large'
  | 'store_read'
  | 'store_write'
  | 'lock_timeout'
  | 'conflict'
  | 'external'
  | 'external_not_configured'
  | 'external_invalid_token'
  | 'external_workspace'

export type ConfigReason =
  | 'unusable_token'
  | 'issuer_mismatch'
  | 'home_missing'
  | 'home_not_a_directory'
  | 'keyring_missing'

export type Reason = PermanentReason | TransientReason | ConfigReason | 'aborted'

type ReasonText = readonly [kind: FailureKind, code: ErrorCode, message: string]

const refreshPermanent = (message: string): ReasonText => ['permanent', 'ERR_AUTH_REFRESH_PERMANENT', message]
const refreshTransient = (message: string): ReasonText => ['transient', 'ERR_AUTH_REFRESH_TRANSIENT', message]
const invalid = (message: string): ReasonText => ['permanent', 'ERR_AUTH_INVALID', message]
const login = (message: string): ReasonText => ['permanent', 'ERR_AUTH_LOGIN', message]
const config = (message: string): ReasonText => ['config', 'ERR_AUTH_INVALID', message]

const texts: Readonly<Record<Reason, ReasonText>> = {
  expired: refreshPermanent('cannot refresh the login: its refresh token has expired. Log in again.'),
  exhausted: refreshPermanent('cannot refresh the login: its refresh token was used before. Log in again.'),
  revoked: refreshPermanent('cannot refresh the login: it was revoked. Log in again.'),
  other: refreshPermanent('cannot refresh the login: the server refused it for good. Log in again.'),
  account_mismatch: refreshPermanent('cannot refresh the login: the store now holds another account, or none'),
  not_logged_in: invalid('cannot give out a token: nobody is logged in'),
  recovery_exhausted: refreshPermanent('cannot recover from the refused token: no step is left'),
  login_disabled: login('cannot log in: this way of logging in is switched off'),
  external_auth_active: login('cannot log in: the host supplies the tokens. Log out first.'),
  workspace_not_allowed: login('cannot log in: the account belongs to a workspace that is not allowed here'),
  empty_api_key: invalid('cannot log in: the API key is empty'),
  missing_account_details: invalid('cannot describe the account: its token names no e-mail address'),
  restricted_login_method: login('cannot keep the login: its method is not allowed here. It was removed.'),
  restricted_workspace: login('cannot keep the login: its workspace is not allowed here. It was removed.'),
  provider_error: login('cannot log in: the provider answered with an error'),
  missing_code: login('cannot log in: the provider sent no authorization code'),
  exchange_failed: login('cannot log in: the authorization code could not be exchanged for tokens'),
  device_unsupported: login('cannot log in with a device code: the provider does not offer it'),
  device_refused: login('cannot log in with a device code: the provider refused it'),
  cancelled: login('cannot log in: the attempt was cancelled'),
  login_timeout: login('cannot log in: the time for this attempt is over'),
  callback_unavailable: login('cannot log in with a browser: no callback port is free'),
  network: refreshTransient('cannot reach the authorization server'),
  timeout: refreshTransient('cannot finish the request to the authorization server: it took too long'),
  server: refreshTransient('cannot refresh the login now: the authorization server failed'),
  rate_limited: refreshTransient('cannot refresh the login now: the authorization server asks to wait'),
  redirect: refreshTransient('cannot refresh the login: the authorization server redirected the request'),
  bad_response: refreshTransient('cannot refresh the login: the authorization server sent no usable tokens'),
  response_too_large: refreshTransient('cannot refresh the login: the answer is too large'),
  store_read: ['transient', 'ERR_AUTH_STORAGE', 'cannot read the stored credentials'],
  store_write: ['transient', 'ERR_AUTH_STORAGE', 'cannot write the credentials to their store'],
  lock_timeout: refreshTransient('cannot refresh the login now: another process holds the lock'),
  conflict: refreshTransient('cannot use the new tokens: the login changed while they were on their way'),
  external: refreshTransient('cannot get tokens from the host'),
  external_not_configured: refreshTransient('cannot get tokens from the host: it supplies none'),
  external_invalid_token: refreshTransient('cannot use the tokens of the host: they cannot be read'),
  external_workspace: refreshTransient('cannot use the tokens of the host: their workspace is not allowed here'),
  unusable_token: config('cannot use the token: it holds characters that a header may not carry'),
  issuer_mismatch: config('cannot use the login with this server: its id_token names another issuer'),
  home_missing: config('cannot use the home directory for credentials: it does not exist'),
  home_not_a_directory: config('cannot use the home directory for credentials: it is not a directory'),
  keyring_missing: config('cannot use the keyring: the package @napi-rs/keyring is not installed'),
  aborted: ['aborted', 'ERR_AUTH_REFRESH_TRANSIENT', 'the caller gave up waiting'],
}

export interface AuthErrorDetails {
  /** Only errors of the operating system or of a caller's signal; never one that may quote a response or a file. */
  readonly cause?: unknown
  /** How long to wait before asking again, in milliseconds. */
  readonly retryAfterMs?: number
  /** The HTTP status of the answer, when there was one. */
  readonly status?: number
  /** What was done to the store: `read`, `reserve`, `write`, `delete`, `lock`. */
  readonly operation?: string
  /** Where the store is, for instance a path; never a content. */
  readonly location?: string
  /** Addresses, without user and query: who issued the login, and who is configured. */
  readonly issuers?: { readonly login: string; readonly configured: string }
}

/** A failure of the keys. `code` groups it, `kind` says whether it can pass, `reason` says what happened. */
export class AuthError extends LibraryError {
  readonly kind: FailureKind
  readonly reason: Reason
  readonly retryAfterMs: number | undefined
  readonly status: number | undefined
  readonly operation: string | undefined
  readonly location: string | undefined
  readonly issuers: AuthErrorDetails['issuers'] | undefined

  constructor(reason: Reason, details: AuthErrorDetails = {}) {
    const [kind, code, message] = texts[reason]
    super(code, withIssuers(message, details), details.cause === undefined ? {} : { cause: details.cause })
    this.kind = kind
    this.reason = reason
    this.retryAfterMs = details.retryAfterMs
    this.status = details.status
    this.operation = details.operation
    this.location = details.location
    this.issuers = details.issuers
  }

  toJSON(): Record<string, unknown> {
    const { name, code, kind, reason, message, retryAfterMs, status, operation, location, issuers } = this
    return { name, code, kind, reason, message, retryAfterMs, status, operation, location, issuers }
  }
}

function withIssuers(message: string, { issuers }: AuthErrorDetails): string {
  return issuers === undefined ? message : `${message}, ${issuers.login} instead of ${issuers.configured}`
}

/** What `refreshFailure()` and events tell: the typed reason without a stack. */
export interface RefreshFailure {
  readonly kind: FailureKind
  readonly reason: Reason
  readonly retryAfterMs?: number
}

export function failureOf(error: AuthError): RefreshFailure {
  const base = { kind: error.kind, reason: error.reason }
  return Object.freeze(error.retryAfterMs === undefined ? base : { ...base, retryAfterMs: error.retryAfterMs })
}

/**
 * The deepest error of the operating system below `error`, or nothing. HTTP clients wrap `ECONNREFUSED` in errors whose
 * other members are not ours to vouch for, so only this one is kept as a `cause`.
 */
export function systemCause(error: unknown): Error | undefined {
  let current = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    const { errno, code, syscall } = current as NodeJS.ErrnoException
    if (typeof errno === 'number' && typeof syscall === 'string' && typeof code === 'string') return current
    current = current.cause
  }
  return undefined
}
