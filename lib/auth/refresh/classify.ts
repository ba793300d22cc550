/**
 * What an answer of the token endpoint means (auth.md §11 and §12, RFC 6749 §5).
 *
 * Pure. A permanent outcome ends a login, so only what is known to be final is permanent: everything else may pass.
 */
import { lazily, z } from '../../schema.ts'
import type { PoisonReason, TransientReason } from '../errors.ts'
import type { HttpAnswer } from './http.ts'

export interface RefreshedTokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
}

export type RefreshOutcome =
  | { readonly kind: 'success'; readonly tokens: RefreshedTokens }
  /** The server rotated the refresh token and gave nothing to use: the new one must be kept, the call still fails. */
  | { readonly kind: 'rotated-only'; readonly refreshToken: string; readonly status: number }
  | { readonly kind: 'permanent'; readonly reason: PoisonReason; readonly status: number }
  | {
      readonly kind: 'transient'
      readonly reason: TransientReason
      readonly status: number
      readonly retryAfterMs?: number
    }

const successSchema = lazily(() =>
  z.object({
    access_token: z.string().nullish(),
    refresh_token: z.string().nullish(),
    id_token: z.string().nullish(),
  }),
)

const knownCodes: ReadonlyMap<string, PoisonReason> = new Map<string, PoisonReason>([
  ['refresh_token_expired', 'expired'],
  ['refresh_token_reused', 'exhausted'],
  ['refresh_token_invalidated', 'revoked'],
])

const longestRetryAfterMs = 300_000

export interface ClassifyOptions {
  readonly permanentCodes: readonly string[]
  /** The clock, in milliseconds, for a `Retry-After` that is a date. */
  readonly now: number
}

export function classify(answer: HttpAnswer, options: ClassifyOptions): RefreshOutcome {
  return answer.status >= 200 && answer.status < 300 ? classifySuccess(answer) : classifyFailure(answer, options)
}

function classifySuccess({ status, body }: HttpAnswer): RefreshOutcome {
  if (body === undefined) return { kind: 'transient', reason: 'response_too_large', status }
  const parsed = successSchema().safeParse(parseJson(body))
  if (!parsed.success) return { kind: 'transient', reason: 'bad_response', status }
  const { access_token, refresh_token, id_token } = parsed.data
  if (!access_token) {
    if (refresh_token) return { kind: 'rotated-only', refreshToken: refresh_token, status }
    return { kind: 'transient', reason: 'bad_response', status }
  }
  if (refresh_token === '') return { kind: 'transient', reason: 'bad_response', status }
  const tokens = { accessToken: access_token, refreshToken: refresh_token ?? undefined, idToken: id_token ?? undefined }
  return { kind: 'success', tokens }
}

function classifyFailure(answer: HttpAnswer, { permanentCodes, now }: ClassifyOptions): RefreshOutcome {
  const { status, body, headers } = answer
  const code = body === undefined ? undefined : errorCode(body)
  const known = code === undefined ? undefined : knownCodes.get(code)
  if (known !== undefined) return { kind: 'permanent', reason: known, status }
  const final = status === 401 || (status === 400 && code === 'invalid_grant')
  if (final || (code !== undefined && permanentCodes.includes(code))) {
    return { kind: 'permanent', reason: 'other', status }
  }
  const reason = status === 429 ? 'rate_limited' : 'server'
  const retryAfterMs = status === 429 || status === 503 ? retryAfter(headers.get('retry-after'), now) : undefined
  return retryAfterMs === undefined
    ? { kind: 'transient', reason, status }
    : { kind: 'transient', reason, status, retryAfterMs }
}

/** The error code of a body, in lower case (ASCII only); nothing when it has none. */
export function errorCode(body: string): string | undefined {
  const document = parseJson(body)
  if (!isObject(document)) return undefined
  const { error, code } = document
  const found = isObject(error) && typeof error['code'] === 'string' ? error['code'] : error
  const text = typeof found === 'string' ? found : code
  return typeof text === 'string' ? text.replace(/[A-Z]/g, letter => letter.toLowerCase()) : undefined
}

/** RFC 9110 §10.2.3: seconds, or a date. At most five minutes: a server's mistake must not lock a user out. */
function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const text = header.trim()
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(milliseconds) ? undefined : Math.min(Math.max(milliseconds, 0), longestRetryAfterMs)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
