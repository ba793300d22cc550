/**
 * One request to the authorization server.
 *
 * Never follows a redirect (a 307 would carry the refresh token elsewhere), never waits longer than its limit, never reads
 * more than a megabyte, and never quotes what it read (departures D6, D7, D8).
 */
import { AuthError, systemCause } from '../errors.ts'
import { mayReceiveSecrets } from '../provider.ts'

export type Fetch = typeof globalThis.fetch

export interface HttpRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
  /** Ends the request early; only for requests that spend nothing. */
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  /** Nothing when it was larger than a megabyte. */
  readonly body: string | undefined
}

const largestBody = 1024 * 1024

/** @throws AuthError `network`, `timeout`, `redirect`, `aborted`. Every status but 3xx is an answer. */
export async function send(fetch: Fetch, request: HttpRequest): Promise<HttpAnswer> {
  if (!mayReceiveSecrets(request.url)) throw new AuthError('network')
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), request.timeoutMs)
  const giveUp = () => controller.abort()
  request.signal?.addEventListener('abort', giveUp)
  if (request.signal?.aborted) giveUp()
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      redirect: 'manual',
      signal: controller.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    })
    if (isRedirect(response)) {
      await response.body?.cancel()
      throw new AuthError('redirect', { status: response.status })
    }
    return { status: response.status, headers: response.headers, body: await readLimited(response) }
  } catch (error) {
    if (error instanceof AuthError) throw error
    if (request.signal?.aborted) throw new AuthError('aborted', { cause: request.signal.reason })
    if (controller.signal.aborted) throw new AuthError('timeout')
    throw new AuthError('network', { cause: systemCause(error) })
  } finally {
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', giveUp)
  }
}

function isRedirect(response: Response): boolean {
  const { status, type, redirected } = response
  return redirected || type === 'opaqueredirect' || (status >= 300 && status < 400 && status !== 304)
}

async function readLimited(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array
    size += bytes.length
    // Leaving the loop cancels the stream.
    if (size > largestBody) return undefined
    chunks.push(bytes)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
