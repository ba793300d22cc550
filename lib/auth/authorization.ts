/**
 * Puts the bearer into requests made with undici, and recovers once when the server refuses it (departure D23).
 *
 * Only requests to the configured origins get credentials; every other one passes untouched. A refused request is repeated
 * at most once, with another token, and only when its body can be sent again. A login that is beyond recovery answers with
 * its error instead of the 401. undici itself is not loaded by this file: an interceptor is a plain function.
 */
import type { Dispatcher } from 'undici'
import { AuthError } from './errors.ts'
import { HeldResponse } from './held-response.ts'
import type { AuthSnapshot } from './snapshot.ts'

export interface Authorization {
  readonly token: string
  readonly accountId: string | undefined
  readonly fedramp: boolean
}

/** What an interceptor needs from its manager. */
export interface Authorizer {
  readonly origins: ReadonlySet<string>
  /** @throws AuthError when there is no login that may be used. */
  authorize(): Promise<Authorization>
  /** Another authorization after this one was refused; nothing when there is none. @throws AuthError when it is permanent. */
  recover(refused: Authorization): Promise<Authorization | undefined>
}

type Dispatch = Dispatcher['dispatch']
type Options = Dispatcher.DispatchOptions
type Handler = Dispatcher.DispatchHandler

export function authorizingInterceptor(authorizer: Authorizer): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch: Dispatch) => (options: Options, handler: Handler) => {
    if (!isConfigured(options.origin, authorizer.origins)) return dispatch(options, handler)
    authorizer.authorize().then(
      authorization => sendAuthorized(dispatch, options, handler, authorizer, authorization),
      (error: unknown) => fail(handler, error),
    )
    return true
  }
}

export function isConfigured(origin: string | URL | undefined, origins: ReadonlySet<string>): boolean {
  const text = String(origin ?? '')
  return URL.canParse(text) && origins.has(new URL(text).origin)
}

function sendAuthorized(
  dispatch: Dispatch,
  options: Options,
  handler: Handler,
  authorizer: Authorizer,
  authorization: Authorization,
): void {
  const first = new HeldResponse(handler, async response => {
    if (!isReplayable(options.body)) {
      response.passOn()
      // The caller may try again with a new body; then there should be a token that is not refused.
      await authorizer.recover(authorization).catch(() => undefined)
      return
    }
    const other = await authorizer.recover(authorization)
    if (other === undefined) return response.passOn()
    dispatch(withAuthorization(options, other), handler)
  })
  try {
    dispatch(withAuthorization(options, authorization), first)
  } catch (error) {
    fail(handler, error)
  }
}

function isReplayable(body: Options['body']): boolean {
  return body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array
}

const names = ['authorization', 'chatgpt-account-id', 'x-openai-fedramp'] as const

/**
 * What a snapshot allows a request to carry.
 *
 * @throws AuthError `unusable_token` for what no header may carry: HTTP clients quote such a value in their own errors.
 */
export function authorizationOf(snapshot: AuthSnapshot): Authorization | undefined {
  const token = snapshot.token()
  if (token === undefined) return undefined
  const { accountId, fedramp } = snapshot
  if (!isHeaderText(token) || (accountId !== undefined && !isHeaderText(accountId)))
    throw new AuthError('unusable_token')
  return { token, accountId, fedramp }
}

const isHeaderText = (text: string) => /^[\x21-\x7e]+$/.test(text)

/** The headers of an authorized request; what the caller wrote under these names is replaced, or dropped. */
export function authorizationHeaders(authorization: Authorization): ReadonlyMap<string, string | undefined> {
  const { token, accountId, fedramp } = authorization
  const values = [`Bearer ${token}`, accountId, fedramp ? 'true' : undefined]
  return new Map(names.map((name, index) => [name, values[index]]))
}

function withAuthorization(options: Options, authorization: Authorization): Options {
  const ours = authorizationHeaders(authorization)
  const theirs = flatHeaders(options.headers).filter(([name]) => !ours.has(name.toLowerCase()))
  const added = [...ours].filter((header): header is [string, string] => header[1] !== undefined)
  return { ...options, headers: [...theirs, ...added].flat() }
}

/** undici takes a flat list, pairs, an iterable or an object; all become pairs. */
function flatHeaders(headers: Options['headers']): [string, string][] {
  if (headers === undefined || headers === null) return []
  if (Array.isArray(headers) && typeof headers[0] === 'string') {
    const flat = headers as readonly string[]
    return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []) as [string, string][])
  }
  const isIterable = typeof headers === 'object' && Symbol.iterator in headers
  const pairs = (isIterable ? [...(headers as Iterable<[string, unknown]>)] : Object.entries(headers)) as [
    string,
    unknown,
  ][]
  return pairs.flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map(one => [name, String(one)]),
  ) as [string, string][]
}

/** Tells a handler of either of undici's two interfaces that its request will not be made. */
export function fail(handler: Handler, error: unknown): void {
  const reported = error instanceof Error ? error : new AuthError('external')
  if (handler.onResponseError) handler.onResponseError(neverStarted, reported)
  else handler.onError?.(reported)
}

const neverStarted: Dispatcher.DispatchController = {
  aborted: true,
  paused: false,
  reason: null,
  rawHeaders: null,
  rawTrailers: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
}
