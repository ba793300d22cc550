/**
 * What a host may hold of a login: one immutable picture, taken when it was loaded.
 *
 * The tokens live in a private field. Printing, serialising, cloning or throwing a snapshot shows its mode, account and
 * expiry and nothing else; `token()` is the only way to the bearer. Two snapshots are the same login when their records
 * are (`fingerprint`), however the file was formatted.
 */
import { inspect } from 'node:util'
import { instantToMilliseconds } from './instant.ts'
import { jwtExpiration } from './jwt.ts'
import { type PlanType, planTypeOf } from './plan-type.ts'
import { type AuthMode, type AuthRecord, accountIdOf, fingerprint, resolvedMode } from './record.ts'

/** What the authorization server told about a personal access token, which carries no readable claims itself. */
export interface AccountDetails {
  readonly email: string | undefined
  readonly accountId: string | undefined
  readonly planType: PlanType
  readonly fedramp: boolean
}

/** Where a snapshot was loaded from; only what came from the configured store is refreshed and written back. */
export type SnapshotOrigin = 'store' | 'memory' | 'environment' | 'command'

export class AuthSnapshot {
  readonly mode: AuthMode
  readonly origin: SnapshotOrigin
  readonly accountId: string | undefined
  readonly email: string | undefined
  readonly planType: PlanType
  readonly fedramp: boolean
  /** When the bearer expires, in milliseconds; nothing when the token does not tell. */
  readonly expiresAt: number | undefined
  /** When the tokens were last obtained from the server, in milliseconds. */
  readonly lastRefreshAt: number | undefined
  readonly #record: AuthRecord
  readonly #fingerprint: string

  constructor(record: AuthRecord, origin: SnapshotOrigin, details?: AccountDetails) {
    this.mode = resolvedMode(record)
    // A legacy file may hold tokens beside a key; they say nothing about the key.
    const tokens = this.mode === 'chatgpt' || this.mode === 'chatgptAuthTokens' ? record.tokens : undefined
    const claims = tokens?.claims
    this.origin = origin
    this.accountId = details?.accountId ?? (tokens && accountIdOf(record))
    this.email = details?.email ?? claims?.email
    this.planType = details?.planType ?? planTypeOf(claims?.rawPlan)
    this.fedramp = details?.fedramp ?? claims?.fedramp ?? false
    this.expiresAt = tokens && jwtExpiration(tokens.accessToken)
    this.lastRefreshAt = record.lastRefresh && instantToMilliseconds(record.lastRefresh)
    this.#record = record
    this.#fingerprint = fingerprint(record)
    Object.freeze(this)
  }

  /**
   * The bearer of this login, or nothing when it has none: an empty or missing token, tokens that never said when they
   * were obtained (auth.md §3), or a mode that signs requests instead. A secret: hand it to a request, print it nowhere.
   */
  token(): string | undefined {
    const record = this.#record
    switch (this.mode) {
      case 'apikey':
        return record.apiKey || undefined
      case 'personalAccessToken':
        return record.personalAccessToken || undefined
      case 'agentIdentity':
        return undefined
      case 'chatgpt':
      case 'chatgptAuthTokens':
        return record.lastRefresh === undefined ? undefined : record.tokens?.accessToken || undefined
    }
  }

  /** True when both stand for the same stored login, unknown members and formatting aside. */
  equals(other: AuthSnapshot | undefined): boolean {
    return other !== undefined && this.#fingerprint === other.#fingerprint
  }

  toJSON(): Record<string, unknown> {
    const { mode, origin, accountId, planType, expiresAt } = this
    return { mode, origin, accountId, planType, expiresAt }
  }

  toString(): string {
    return `AuthSnapshot(${this.mode})`
  }

  [inspect.custom](): string {
    const expiry = this.expiresAt === undefined ? 'unknown' : new Date(this.expiresAt).toISOString()
    return `AuthSnapshot { mode: '${this.mode}', origin: '${this.origin}', expires: ${expiry} }`
  }

  /** @internal The record itself, for the parts of `lib/auth` that store or refresh it. */
  static recordOf(snapshot: AuthSnapshot): AuthRecord {
    return snapshot.#record
  }

  /** @internal The key under which this login is poisoned or refreshed. */
  static keyOf(snapshot: AuthSnapshot): string {
    return snapshot.#fingerprint
  }
}
