/**
 * Tokens that the host owns and hands in (auth.md §18).
 *
 * They live in the memory of this process, one login per store, beat whatever is stored and never reach a disk. Refreshing
 * them means asking the host; whatever goes wrong there may pass, so nothing here poisons.
 */
import { lazily, z } from '../schema.ts'
import { parseIdToken } from './claims.ts'
import { AuthError } from './errors.ts'
import { instantFromMilliseconds } from './instant.ts'
import { planTypeOf, planTypeOfHost } from './plan-type.ts'
import { emptyRecord } from './record.ts'
import { AuthSnapshot } from './snapshot.ts'

export interface ExternalTokens {
  readonly accessToken: string
  readonly chatgptAccountId: string
  /** Absent: the plan that the token's claim names. */
  readonly chatgptPlanType?: string | null
}

export interface ExternalRefreshContext {
  readonly reason: 'unauthorized'
  readonly previousAccountId: string | null
  /** Fires when the manager has stopped waiting. */
  readonly signal: AbortSignal
}

/** A host that can supply new tokens when the server refuses the old ones. */
export interface ExternalAuth {
  refresh(context: ExternalRefreshContext): Promise<ExternalTokens>
  /** The longest wait for the host, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number
}

const schema = lazily(() =>
  z.object({
    accessToken: z.string(),
    chatgptAccountId: z.string(),
    chatgptPlanType: z.string().nullish(),
  }),
)

const logins = new Map<string, AuthSnapshot>()

/** The host-supplied logins of this process, by store. */
export const externalLogins = {
  get: (key: string): AuthSnapshot | undefined => logins.get(key),
  set: (key: string, snapshot: AuthSnapshot): void => void logins.set(key, snapshot),
  delete: (key: string): boolean => logins.delete(key),
}

/**
 * @throws AuthError `external_invalid_token` when the token is no readable JSON Web Token, `external_workspace` when its
 * account is not in `allowedWorkspaces` (nothing: every account is allowed).
 */
export function snapshotOfExternalTokens(
  tokens: unknown,
  now: number,
  allowedWorkspaces: readonly string[] | undefined,
): AuthSnapshot {
  const parsed = schema().safeParse(tokens)
  const claims = parsed.success ? parseIdToken(parsed.data.accessToken) : undefined
  if (!parsed.success || claims === undefined) throw new AuthError('external_invalid_token')
  const { accessToken, chatgptAccountId, chatgptPlanType } = parsed.data
  if (allowedWorkspaces !== undefined && !allowedWorkspaces.includes(chatgptAccountId)) {
    throw new AuthError('external_workspace')
  }
  const record = Object.freeze({
    ...emptyRecord,
    authMode: 'chatgptAuthTokens' as const,
    tokens: Object.freeze({
      idToken: accessToken,
      claims,
      accessToken,
      refreshToken: '',
      accountId: chatgptAccountId,
      unknown: [],
    }),
    lastRefresh: instantFromMilliseconds(now),
  })
  const planType = chatgptPlanType ? planTypeOfHost(chatgptPlanType) : planTypeOf(claims.rawPlan)
  const { email, fedramp } = claims
  return new AuthSnapshot(record, 'memory', { email, accountId: chatgptAccountId, planType, fedramp })
}

const defaultTimeoutMs = 10_000

/** Asks the host once. @throws AuthError `external` when it fails or does not answer in time. */
export async function askHost(host: ExternalAuth, previousAccountId: string | undefined): Promise<ExternalTokens> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), host.timeoutMs ?? defaultTimeoutMs)
  const late = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(new AuthError('external')))
  })
  late.catch(() => undefined)
  const context = { reason: 'unauthorized', previousAccountId: previousAccountId ?? null } as const
  try {
    return await Promise.race([host.refresh({ ...context, signal: controller.signal }), late])
  } catch {
    // What the host says may quote a token; its own logs are the place for it.
    throw new AuthError('external')
  } finally {
    clearTimeout(timer)
  }
}
