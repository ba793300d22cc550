/**
 * Puts refreshed tokens where they belong: compare, then swap (departures D4 and D16).
 *
 * While the request was on its way another program may have refreshed, logged in to another account or logged out. Then
 * the store is left alone, and what becomes of our tokens is the answer of this file.
 */
import { formatAuthFile, parseAuthFile } from '../auth-file.ts'
import { parseIdToken } from '../claims.ts'
import type { AuthError } from '../errors.ts'
import { instantFromMilliseconds } from '../instant.ts'
import { type AuthRecord, fingerprint, sameAccount, type TokenData } from '../record.ts'
import type { AuthStorage, Reservation } from '../storage/storage.ts'
import type { RefreshedTokens } from './classify.ts'

export type CommitOutcome =
  | { readonly kind: 'written'; readonly record: AuthRecord }
  /** The same account has other tokens now: they win. */
  | { readonly kind: 'overtaken'; readonly record: AuthRecord }
  /** The store holds another account: our tokens serve this process only. */
  | { readonly kind: 'detached'; readonly record: AuthRecord }
  /** Logged out meanwhile: nothing is brought back. */
  | { readonly kind: 'deleted' }
  /** The store could not be read or written: the tokens wait in memory. */
  | { readonly kind: 'unsaved'; readonly record: AuthRecord; readonly error: AuthError | undefined }

/** `base` with the tokens of the answer; an id_token that cannot be read is dropped and the old one kept (D26). */
export function withTokens(base: AuthRecord, tokens: RefreshedTokens, now: number): AuthRecord {
  const old = base.tokens!
  const claims = tokens.idToken === undefined ? undefined : parseIdToken(tokens.idToken)
  return Object.freeze({
    ...base,
    tokens: Object.freeze({
      ...old,
      ...(claims !== undefined && { idToken: tokens.idToken!, claims }),
      accessToken: tokens.accessToken,
      refreshToken: tokens.refreshToken ?? old.refreshToken,
    }),
    lastRefresh: instantFromMilliseconds(now),
  })
}

/** `base` with a new refresh token and nothing else: the server rotated it and sent no access token (D24). */
export function withRefreshToken(base: AuthRecord, refreshToken: string): AuthRecord {
  const tokens: TokenData = Object.freeze({ ...base.tokens!, refreshToken })
  return Object.freeze({ ...base, tokens })
}

/** Writes `next` if the store still holds one of the records that `expectedKeys` stand for. */
export async function commit(
  storage: AuthStorage,
  next: AuthRecord,
  expectedKeys: readonly string[],
  reservation: Reservation | undefined,
): Promise<CommitOutcome> {
  const found: { outcome: CommitOutcome } = { outcome: { kind: 'unsaved', record: next, error: undefined } }
  try {
    await storage.update(current => {
      found.outcome = compare(current, next, expectedKeys)
      return found.outcome.kind === 'written' ? formatAuthFile(found.outcome.record) : undefined
    }, reservation)
    return found.outcome
  } catch (error) {
    return { kind: 'unsaved', record: next, error: error as AuthError }
  }
}

function compare(current: string | undefined, next: AuthRecord, expectedKeys: readonly string[]): CommitOutcome {
  if (current === undefined) return { kind: 'deleted' }
  const stored = parseAuthFile(current)
  if (stored === undefined) return { kind: 'unsaved', record: next, error: undefined }
  if (expectedKeys.includes(fingerprint(stored))) return { kind: 'written', record: withUnknownMembersOf(next, stored) }
  return sameAccount(stored, next) ? { kind: 'overtaken', record: stored } : { kind: 'detached', record: next }
}

/** Members that we do not know are not part of the comparison, so they are taken from what is stored now. */
function withUnknownMembersOf(next: AuthRecord, stored: AuthRecord): AuthRecord {
  const tokens = next.tokens && Object.freeze({ ...next.tokens, unknown: stored.tokens?.unknown ?? [] })
  return Object.freeze({ ...next, tokens, unknown: stored.unknown })
}
