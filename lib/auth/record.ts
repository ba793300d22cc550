/**
 * One stored login as data: what `auth.json` holds, whichever store it lies in.
 *
 * Frozen. Members that this version does not know travel along as text, so that an older library does not strip what a
 * newer program stored (departure D14). A record never leaves `lib/auth`: what a host sees is an `AuthSnapshot`.
 */
import { createHash } from 'node:crypto'
import { unreachable } from '../errors.ts'
import type { IdTokenClaims } from './claims.ts'
import type { Instant } from './instant.ts'

export const authModes = ['apikey', 'chatgpt', 'chatgptAuthTokens', 'agentIdentity', 'personalAccessToken'] as const

export type AuthMode = (typeof authModes)[number]

/** A member we do not know, kept as it was written. */
export interface UnknownMember {
  readonly key: string
  readonly text: string
}

export interface TokenData {
  readonly idToken: string
  readonly claims: IdTokenClaims
  readonly accessToken: string
  readonly refreshToken: string
  readonly accountId: string | undefined
  readonly unknown: readonly UnknownMember[]
}

export interface AuthRecord {
  /** As stored; `resolvedMode` answers what it means when it is absent. */
  readonly authMode: AuthMode | undefined
  readonly apiKey: string | undefined
  readonly tokens: TokenData | undefined
  readonly lastRefresh: Instant | undefined
  readonly agentIdentity: string | undefined
  readonly personalAccessToken: string | undefined
  readonly unknown: readonly UnknownMember[]
}

export const emptyRecord: AuthRecord = Object.freeze({
  authMode: undefined,
  apiKey: undefined,
  tokens: undefined,
  lastRefresh: undefined,
  agentIdentity: undefined,
  personalAccessToken: undefined,
  unknown: Object.freeze([]),
})

/** The mode a record stands for. A legacy file with both a key and tokens is an API-key login (auth.md §1). */
export function resolvedMode(record: AuthRecord): AuthMode {
  if (record.authMode !== undefined) return record.authMode
  if (record.personalAccessToken !== undefined) return 'personalAccessToken'
  return record.apiKey === undefined ? 'chatgpt' : 'apikey'
}

/** Whom the tokens belong to: the stored id, else the claim of the id_token (departure D20). */
export function accountIdOf(record: AuthRecord): string | undefined {
  return record.tokens?.accountId ?? record.tokens?.claims.accountId
}

/**
 * True when both records are managed logins of one account. Records that name no account are told apart by the subjects of
 * their id_tokens, where both have one: at other servers than Codex's that is all there is.
 */
export function sameAccount(left: AuthRecord, right: AuthRecord): boolean {
  if (resolvedMode(left) !== resolvedMode(right) || accountIdOf(left) !== accountIdOf(right)) return false
  const [one, other] = [left.tokens?.claims.subject, right.tokens?.claims.subject]
  return accountIdOf(left) !== undefined || one === undefined || other === undefined || one === other
}

/**
 * Tells records apart the way the reference does before it refreshes: every known member counts, an instant by its value
 * and not its spelling, unknown members and formatting do not (auth.md §7). A digest, so that comparing is cheap and the
 * poison holds no token.
 */
export function fingerprint(record: AuthRecord): string {
  return createHash('sha256')
    .update(JSON.stringify(identityOf(record)))
    .digest('base64')
}

function identityOf(record: AuthRecord): readonly unknown[] {
  const mode = resolvedMode(record)
  switch (mode) {
    case 'apikey':
      return [mode, record.apiKey]
    case 'personalAccessToken':
      return [mode, record.personalAccessToken]
    case 'agentIdentity':
      return [mode, record.agentIdentity]
    case 'chatgpt':
    case 'chatgptAuthTokens':
      return [
        mode,
        record.authMode,
        record.apiKey,
        record.agentIdentity,
        record.personalAccessToken,
        record.lastRefresh?.nanoseconds.toString(),
        record.tokens && [
          record.tokens.idToken,
          record.tokens.accessToken,
          record.tokens.refreshToken,
          record.tokens.accountId,
        ],
      ]
    default:
      return unreachable(mode)
  }
}
