/**
 * Logging in with a code that the user types elsewhere, for machines without a browser (auth.md §21).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { lazily, z } from '../../schema.ts'
import { AuthError } from '../errors.ts'
import { type HttpAnswer, send } from '../refresh/http.ts'
import { headersFor, type Transport } from '../refresh/request.ts'
import { LoginAttempt, type LoginResult } from './attempt.ts'
import type { LoginActions } from './browser.ts'

export interface DeviceLoginOptions {
  /** The longest wait for the user, in milliseconds. Default fifteen minutes. */
  readonly timeoutMs?: number
  /** Cancels the login. */
  readonly signal?: AbortSignal
}

/** A login that waits for its code to be typed. */
export interface DeviceLogin {
  readonly userCode: string
  /** Where the user types it. */
  readonly verificationUrl: string
  /** How it ended. Never rejects. */
  readonly result: Promise<LoginResult>
  /** `notFound` when it had ended before. */
  cancel(): 'canceled' | 'notFound'
}

const defaultTimeoutMs = 15 * 60_000
const shortestIntervalMs = 1_000
const longestIntervalMs = 60_000

const userCodeSchema = lazily(() =>
  z
    .object({
      device_auth_id: z.string().min(1),
      user_code: z.string().optional(),
      usercode: z.string().optional(),
      // The reference takes a string only; a number means the same.
      interval: z.union([z.string(), z.number()]).optional(),
    })
    .refine(({ user_code, usercode }) => Boolean(user_code ?? usercode)),
)

const approvedSchema = lazily(() =>
  z.object({ authorization_code: z.string().min(1), code_verifier: z.string().min(1) }),
)

/** @throws AuthError `device_unsupported`, `device_refused`, or why the server could not be asked. */
export async function startDeviceLogin(
  actions: LoginActions,
  transport: Transport,
  options: DeviceLoginOptions = {},
): Promise<DeviceLogin> {
  const base = actions.provider.deviceAuthorizationBase
  if (base === undefined) throw new AuthError('device_unsupported')
  const code = await requestUserCode(transport, base, options.signal)
  const attempt = new LoginAttempt(options.timeoutMs ?? defaultTimeoutMs)
  const cancel = () => attempt.cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  if (options.signal?.aborted) cancel()
  void attempt.result.then(() => options.signal?.removeEventListener('abort', cancel))
  void finish(actions, transport, base, code, attempt)
  return { userCode: code.userCode, verificationUrl: `${base}/codex/device`, result: attempt.result, cancel }
}

interface UserCode {
  readonly deviceAuthId: string
  readonly userCode: string
  readonly intervalMs: number
}

async function requestUserCode(transport: Transport, base: string, signal?: AbortSignal): Promise<UserCode> {
  const url = `${base}/api/accounts/deviceauth/usercode`
  const answer = await postJson(transport, url, { client_id: transport.provider.clientId }, signal)
  if (answer.status === 404) throw new AuthError('device_unsupported', { status: 404 })
  const parsed = userCodeSchema().safeParse(parseSuccess(answer))
  if (!parsed.success) throw new AuthError('device_refused', { status: answer.status })
  const { device_auth_id, user_code, usercode, interval } = parsed.data
  const seconds = Number(interval ?? 0)
  const intervalMs = Number.isFinite(seconds) ? seconds * 1000 : 0
  return {
    deviceAuthId: device_auth_id,
    userCode: user_code ?? usercode ?? '',
    // No interval would mean asking without pause.
    intervalMs: Math.min(Math.max(intervalMs, shortestIntervalMs), longestIntervalMs),
  }
}

async function finish(
  actions: LoginActions,
  transport: Transport,
  base: string,
  code: UserCode,
  attempt: LoginAttempt,
): Promise<void> {
  try {
    const approved = await poll(transport, base, code, attempt)
    const redirectUri = `${base}/deviceauth/callback`
    const record = await actions.exchange({ ...approved, redirectUri }, false)
    if (attempt.ended) return actions.discard(record)
    await actions.store(record)
    attempt.settle({ success: true })
  } catch (error) {
    attempt.fail(error)
  }
}

async function poll(
  transport: Transport,
  base: string,
  { deviceAuthId, userCode, intervalMs }: UserCode,
  { signal }: LoginAttempt,
): Promise<{ code: string; verifier: string }> {
  const body = { device_auth_id: deviceAuthId, user_code: userCode }
  for (;;) {
    const answer = await postJson(transport, `${base}/api/accounts/deviceauth/token`, body, signal).catch(
      // A lost answer is like none: the next one may come.
      (error: AuthError) => (error.kind === 'transient' && !signal.aborted ? undefined : Promise.reject(error)),
    )
    if (answer !== undefined && answer.status !== 403 && answer.status !== 404) {
      const approved = approvedSchema().safeParse(parseSuccess(answer))
      if (!approved.success) throw new AuthError('device_refused', { status: answer.status })
      return { code: approved.data.authorization_code, verifier: approved.data.code_verifier }
    }
    await sleep(intervalMs, undefined, { signal })
  }
}

function postJson(
  { fetch, provider, timeoutMs }: Transport,
  url: string,
  body: object,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const headers = headersFor(provider, 'application/json')
  const request = { url, method: 'POST' as const, headers, body: JSON.stringify(body), timeoutMs }
  return send(fetch, signal === undefined ? request : { ...request, signal })
}

function parseSuccess({ status, body }: HttpAnswer): unknown {
  if (status < 200 || status >= 300) return undefined
  try {
    return JSON.parse(body ?? '')
  } catch {
    return undefined
  }
}
