/**
 * One refresh, from looking at the store to the new tokens lying in it.
 *
 * The order is what keeps a login alive:
 *   1. look at the store: newer tokens there end the flight without a request;
 *   2. poisoned, or in a pause: fail locally;
 *   3. lock over all processes, look again: the one who waited adopts what the other stored;
 *   4. take the room for the write, so that a full or read-only disk is met before the token is spent;
 *   5. the request: from here on nothing may end the flight, because the old token may be gone;
 *   6. compare and swap; what cannot be written waits in memory, and the lock is kept until it is.
 * Never throws anything but `AuthError`. Spec: auth.md §9 to §16, departures D1 to D10 and D16 to D26.
 */
import { unreachable } from '../../errors.ts'
import { parseIdToken } from '../claims.ts'
import { AuthError } from '../errors.ts'
import type { ManagerEvent } from '../events.ts'
import { mayBeIssuedBy, refuseOtherIssuer } from '../issuer.ts'
import type { HeldLock } from '../lock/file-lock.ts'
import type { Endpoints } from '../provider.ts'
import { type AuthRecord, sameAccount } from '../record.ts'
import { AuthSnapshot } from '../snapshot.ts'
import type { AuthStorage, Reservation } from '../storage/storage.ts'
import { classify, type RefreshedTokens, type RefreshOutcome } from './classify.ts'
import { commit, withRefreshToken, withTokens } from './commit.ts'
import { pauseAfter, pauseLeft } from './pause.ts'
import { type RefreshReason, requestRefresh, requestRevocation, type Transport } from './request.ts'
import type { FlightResult, StoreCell } from './store-cell.ts'
import type { StoreReader, StoreState } from './store-reader.ts'

export interface FlightContext {
  readonly storage: AuthStorage
  readonly reader: StoreReader
  readonly cell: StoreCell
  readonly transport: Transport
  readonly revocationTimeoutMs: number
  readonly lockTimeoutMs: number
  readonly onUnwritableStore: 'fail' | 'memory'
  endpoints(): Endpoints
  now(): number
  report(event: ManagerEvent): void
  /** Asks for a later attempt to write tokens that wait in memory. */
  saveLater(): void
}

export async function fly(context: FlightContext, base: AuthSnapshot, reason: RefreshReason): Promise<FlightResult> {
  const { cell, reader } = context
  const generation = cell.generation
  const newer = newerThan(base, await reader.peek())
  if (newer !== undefined) return reloaded(newer)
  failLocally(context, base)
  refuseOtherIssuer(context.transport.provider, AuthSnapshot.recordOf(base).tokens)

  const lock = cell.takeLock() ?? (await lockRefresh(context))
  try {
    const stored = newerThan(base, await reader.read())
    if (stored !== undefined) return reloaded(stored)
    if (cell.generation !== generation) throw new AuthError('conflict')
    failLocally(context, base)
    const reservation = await reserve(context, base)
    try {
      const outcome = await ask(context, base, reason)
      return await settle(context, base, outcome, generation, reservation)
    } finally {
      await reservation?.release()
    }
  } finally {
    await cell.keepLock(lock)
  }
}

const reloaded = (snapshot: AuthSnapshot): FlightResult => ({ outcome: 'reloaded', snapshot, persisted: true })

/**
 * What the store holds if it differs from `base`; nothing when it is the same.
 *
 * @throws AuthError `account_mismatch`, which never poisons: the tokens may be good, they are only no longer the stored ones.
 */
export function newerThan(base: AuthSnapshot, state: StoreState): AuthSnapshot | undefined {
  if (state.kind !== 'record' || !sameAccount(state.record, AuthSnapshot.recordOf(base))) {
    throw new AuthError('account_mismatch')
  }
  return state.key === AuthSnapshot.keyOf(base) ? undefined : new AuthSnapshot(state.record, 'store')
}

function failLocally({ cell, now }: FlightContext, base: AuthSnapshot): void {
  const poisoned = cell.poison.failureOf(AuthSnapshot.keyOf(base))
  if (poisoned !== undefined) throw poisoned
  const remaining = cell.pause === undefined ? 0 : pauseLeft(cell.pause, now())
  if (cell.pause === undefined || remaining === 0) return
  const { reason, status } = cell.pause.error
  throw new AuthError(reason, { retryAfterMs: remaining, ...(status !== undefined && { status }) })
}

async function lockRefresh(context: FlightContext): Promise<HeldLock | undefined> {
  try {
    return await context.storage.lockRefresh?.({ timeoutMs: context.lockTimeoutMs })
  } catch (error) {
    return toleratedWriteError(context, error)
  }
}

async function reserve(context: FlightContext, base: AuthSnapshot): Promise<Reservation | undefined> {
  const { tokens } = AuthSnapshot.recordOf(base)
  const size = (tokens?.idToken.length ?? 0) + (tokens?.accessToken.length ?? 0) + (tokens?.refreshToken.length ?? 0)
  try {
    return await context.storage.reserve?.(size + 4096)
  } catch (error) {
    return toleratedWriteError(context, error)
  }
}

/** With `onUnwritableStore: 'memory'` the host knows that its store is read-only and wants tokens all the same. */
function toleratedWriteError({ onUnwritableStore }: FlightContext, error: unknown): undefined {
  if (onUnwritableStore === 'memory' && error instanceof AuthError && error.reason === 'store_write') return undefined
  throw error
}

async function ask(context: FlightContext, base: AuthSnapshot, reason: RefreshReason): Promise<RefreshOutcome> {
  const { tokens } = AuthSnapshot.recordOf(base)
  try {
    const answer = await requestRefresh(context.transport, context.endpoints().token, tokens!.refreshToken, reason)
    const { permanentCodes } = context.transport.provider
    return classify(answer, { permanentCodes, now: context.now() })
  } catch (error) {
    throw noteTransient(context, error as AuthError)
  }
}

function noteTransient({ cell, now }: FlightContext, error: AuthError): AuthError {
  cell.pause = pauseAfter(cell.pause, error, now())
  return error
}

async function settle(
  context: FlightContext,
  base: AuthSnapshot,
  outcome: RefreshOutcome,
  generation: number,
  reservation: Reservation | undefined,
): Promise<FlightResult> {
  const record = AuthSnapshot.recordOf(base)
  switch (outcome.kind) {
    case 'success': {
      context.cell.pause = undefined
      const tokens = withUsableIdToken(context, outcome.tokens)
      return keep(context, base, withTokens(record, tokens, context.now()), generation, reservation)
    }
    case 'rotated-only': {
      await keep(context, base, withRefreshToken(record, outcome.refreshToken), generation, reservation)
      throw noteTransient(context, new AuthError('bad_response', { status: outcome.status }))
    }
    case 'permanent':
      return refused(context, base, new AuthError(outcome.reason, { status: outcome.status }), generation)
    case 'transient': {
      const { reason, status, retryAfterMs } = outcome
      const details = retryAfterMs === undefined ? { status } : { status, retryAfterMs }
      throw noteTransient(context, new AuthError(reason, details))
    }
    default:
      return unreachable(outcome)
  }
}

/** An id_token that cannot be read, or names another issuer than this server, is left out: the old one is kept (D26). */
function withUsableIdToken({ transport, report }: FlightContext, tokens: RefreshedTokens): RefreshedTokens {
  if (tokens.idToken === undefined) return tokens
  const claims = parseIdToken(tokens.idToken)
  if (claims !== undefined && mayBeIssuedBy(transport.provider, claims.issuer)) return tokens
  report({ type: 'warning', code: 'unreadable-id-token' })
  return { ...tokens, idToken: undefined }
}

async function keep(
  context: FlightContext,
  base: AuthSnapshot,
  next: AuthRecord,
  generation: number,
  reservation: Reservation | undefined,
): Promise<FlightResult> {
  const { cell, storage } = context
  // Tokens that waited in memory may or may not have reached the store by now; both are what this refresh grew from.
  const expectedKeys = [AuthSnapshot.keyOf(base), ...(cell.unsaved?.expectedKeys ?? [])]
  const outcome = await commit(storage, next, expectedKeys, reservation)
  // A login or logout of this process decides over what was under way, unless the store never saw it.
  if (cell.generation !== generation && outcome.kind !== 'written') return drop(context, next)
  switch (outcome.kind) {
    case 'written':
      cell.unsaved = undefined
      return { outcome: 'refreshed', snapshot: new AuthSnapshot(outcome.record, 'store'), persisted: true }
    case 'overtaken':
      cell.unsaved = undefined
      return reloaded(new AuthSnapshot(outcome.record, 'store'))
    case 'detached':
      cell.unsaved = undefined
      context.report({ type: 'detached' })
      return { outcome: 'refreshed', snapshot: new AuthSnapshot(next, 'store'), persisted: false }
    case 'deleted':
      cell.unsaved = undefined
      return drop(context, next)
    case 'unsaved':
      cell.unsaved = { record: next, expectedKeys }
      context.report({ type: 'persistFailed' })
      context.saveLater()
      return { outcome: 'refreshed', snapshot: new AuthSnapshot(next, 'store'), persisted: false }
    default:
      return unreachable(outcome)
  }
}

/** Nobody wants these tokens any more. The server is told in the background; the caller learns of the change. */
function drop(context: FlightContext, record: AuthRecord): never {
  const transport = { ...context.transport, timeoutMs: context.revocationTimeoutMs }
  const token = { token: record.tokens!.refreshToken, hint: 'refresh_token' as const }
  void requestRevocation(transport, context.endpoints().revocation, token)
  throw new AuthError('conflict')
}

/** The server refused for good. Another program may have refreshed first: then its tokens are ours too (D3). */
async function refused(
  context: FlightContext,
  base: AuthSnapshot,
  error: AuthError,
  generation: number,
): Promise<FlightResult> {
  const { cell, reader } = context
  cell.pause = undefined
  const winner = await reader
    .read()
    .then(state => otherTokens(base, state))
    .catch(() => undefined)
  if (winner !== undefined) return reloaded(winner)
  const key = AuthSnapshot.keyOf(base)
  // A login meanwhile made this answer one about the past.
  if (cell.generation !== generation && !cell.isHeld(key)) throw new AuthError('conflict')
  cell.markPoisoned(key, error)
  throw error
}

function otherTokens(base: AuthSnapshot, state: StoreState): AuthSnapshot | undefined {
  const tried = AuthSnapshot.recordOf(base)
  if (state.kind !== 'record' || !sameAccount(state.record, tried)) return undefined
  const { accessToken, refreshToken } = tried.tokens!
  const stored = state.record.tokens
  if (stored === undefined) return undefined
  if (stored.accessToken === accessToken && stored.refreshToken === refreshToken) return undefined
  return new AuthSnapshot(state.record, 'store')
}
