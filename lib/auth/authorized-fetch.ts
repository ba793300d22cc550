/**
 * `fetch` with the bearer: the same rules as the interceptor, for callers that do not use undici's dispatchers (D23).
 *
 * Here a body is still what the caller passed, so that text and bytes can be sent again; behind `fetch` they are streams.
 */
import { type Authorization, type Authorizer, authorizationHeaders, isConfigured } from './authorization.ts'
import type { Fetch } from './refresh/http.ts'

type Input = Parameters<Fetch>[0]
type Init = Parameters<Fetch>[1]

export async function authorizedFetch(
  fetch: Fetch,
  authorizer: Authorizer,
  input: Input,
  init: Init,
): Promise<Response> {
  const url = input instanceof Request ? input.url : String(input)
  if (!isConfigured(url, authorizer.origins)) return fetch(input, init)
  const authorization = await authorizer.authorize()
  const answer = await fetch(input, withAuthorization(input, init, authorization))
  if (answer.status !== 401) return answer
  if (!isReplayable(input, init)) {
    // The caller may try again with a new body; then there should be a token that is not refused.
    authorizer.recover(authorization).catch(() => undefined)
    return answer
  }
  const other = await authorizer.recover(authorization)
  if (other === undefined) return answer
  await answer.body?.cancel()
  return fetch(input, withAuthorization(input, init, other))
}

function isReplayable(input: Input, init: Init): boolean {
  const body = init?.body
  if (body === undefined || body === null) return !(input instanceof Request) || input.body === null
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    body instanceof Blob ||
    ArrayBuffer.isView(body)
  )
}

function withAuthorization(input: Input, init: Init, authorization: Authorization): RequestInit {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
  for (const [name, value] of authorizationHeaders(authorization)) {
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
  }
  return { ...init, headers }
}
