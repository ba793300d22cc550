/**
 * Logging in with a browser: authorization code with PKCE over a loopback redirect (RFC 8252, auth.md §21).
 *
 * The state is checked before anything else: a request that does not know it changes nothing, and the wait goes on. The
 * attempt ends when the login is stored, not when the browser has shown the last page. No token is ever part of an address,
 * and the code leaves the address bar: whoever came with one is redirected to the page of how it ended.
 */
import { AuthError } from '../errors.ts'
import type { OAuthProvider } from '../provider.ts'
import type { AuthRecord } from '../record.ts'
import { LoginAttempt, type LoginResult } from './attempt.ts'
import { type Reply, startCallbackServer } from './callback-server.ts'
import type { AuthorizationCode } from './exchange.ts'
import { type Page, pages } from './pages.ts'
import { createPkce, createState, sameState } from './pkce.ts'

export interface BrowserLoginOptions {
  /** Ports for the redirect, in order; 0 takes any free one. Default 1455, 1457: those that Codex's server knows. */
  readonly ports?: readonly number[]
  /** The longest wait for the user, in milliseconds. Default ten minutes. */
  readonly timeoutMs?: number
  /** Cancels the login. */
  readonly signal?: AbortSignal
}

/** A login that waits for its browser. */
export interface BrowserLogin {
  /** What the user must open. */
  readonly authUrl: string
  readonly port: number
  /** How it ended. Never rejects. */
  readonly result: Promise<LoginResult>
  /** `notFound` when it had ended before. */
  cancel(): 'canceled' | 'notFound'
}

/** What a login needs from its manager. */
export interface LoginActions {
  readonly provider: OAuthProvider
  readonly allowedWorkspaces: readonly string[] | undefined
  /** Gets the tokens for a code. @throws AuthError */
  exchange(code: AuthorizationCode, withApiKey: boolean): Promise<AuthRecord>
  /** Stores them. @throws AuthError */
  store(record: AuthRecord): Promise<void>
  /** Lets the server forget tokens that came too late. */
  discard(record: AuthRecord): void
}

const defaultTimeoutMs = 10 * 60_000
/** How long the last page can be fetched after the end, and how long the port is kept once it was. */
const lingerMs = 10_000
const shownMs = 250

export async function startBrowserLogin(
  actions: LoginActions,
  options: BrowserLoginOptions = {},
): Promise<BrowserLogin> {
  const attempt = new LoginAttempt(options.timeoutMs ?? defaultTimeoutMs)
  let release = () => {}
  const callback = new BrowserCallback(actions, attempt, () => release())
  const server = await startCallbackServer(options.ports ?? [1455, 1457], url => callback.respond(url), options.signal)
  release = () => setImmediate(() => server.close())
  // The last page is fetched after the end; a cancelled login has none.
  void attempt.result.then(result => {
    if (!result.success && result.reason === 'cancelled') release()
    else setTimeout(release, lingerMs).unref()
  })
  const cancel = () => attempt.cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  if (options.signal?.aborted) cancel()
  void attempt.result.then(() => options.signal?.removeEventListener('abort', cancel))
  return { authUrl: callback.authUrl(server.port), port: server.port, result: attempt.result, cancel }
}

class BrowserCallback {
  readonly #actions: LoginActions
  readonly #attempt: LoginAttempt
  readonly #pkce = createPkce()
  readonly #state = createState()
  readonly #release: () => void
  #redirectUri = ''
  #used = false
  #failure: Page = pages.exchangeFailed

  constructor(actions: LoginActions, attempt: LoginAttempt, release: () => void) {
    this.#actions = actions
    this.#attempt = attempt
    this.#release = release
  }

  authUrl(port: number): string {
    const { provider, allowedWorkspaces } = this.#actions
    this.#redirectUri = `http://127.0.0.1:${port}/auth/callback`
    const url = new URL(provider.authorizationEndpoint)
    const parameters = {
      response_type: 'code',
      client_id: provider.clientId,
      redirect_uri: this.#redirectUri,
      scope: provider.scopes.join(' '),
      code_challenge: this.#pkce.challenge,
      code_challenge_method: 'S256',
      ...provider.authorizationParameters,
      state: this.#state,
      originator: provider.originator,
      ...(allowedWorkspaces && { allowed_workspace_id: allowedWorkspaces.join(',') }),
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.href
  }

  respond(url: URL): Promise<Reply> | Reply {
    if (url.pathname === '/auth/callback') return this.#callback(url.searchParams)
    if (url.pathname === '/cancel') {
      // Also after the end: whoever asks wants the port.
      this.#attempt.cancel()
      this.#release()
      return { status: 200, page: pages.cancelled }
    }
    if (url.pathname === '/success' || url.pathname === '/failure') return this.#lastPage(url.pathname)
    return { status: 404, page: pages.notFound }
  }

  async #lastPage(path: '/success' | '/failure'): Promise<Reply> {
    const result = this.#used && this.#attempt.ended ? await this.#attempt.result : undefined
    if (result === undefined || result.success !== (path === '/success')) return { status: 404, page: pages.notFound }
    // A program that ends after its login should not wait for the port.
    setTimeout(this.#release, shownMs).unref()
    return { status: 200, page: result.success ? pages.success : this.#failure }
  }

  async #callback(parameters: URLSearchParams): Promise<Reply> {
    // Before anything else: whoever does not know the state may not even end the wait.
    if (!sameState(this.#state, parameters.get('state') ?? '') || this.#used || this.#attempt.ended) {
      return { status: 400, page: pages.wrongState }
    }
    this.#used = true
    const code = parameters.get('code')
    if (parameters.has('error')) return this.#end(new AuthError('provider_error'), code)
    if (!code) return this.#end(new AuthError('missing_code'), code)
    try {
      const { provider, exchange, store, discard } = this.#actions
      const authorizationCode = { code, verifier: this.#pkce.verifier, redirectUri: this.#redirectUri }
      const record = await exchange(authorizationCode, provider.exchangeApiKey)
      if (this.#attempt.ended) {
        discard(record)
        // Here and now: the port may be gone before a redirect could be followed. The code is spent.
        return { status: 200, page: pages.cancelled }
      }
      await store(record)
      this.#attempt.settle({ success: true })
      return { status: 302, location: '/success' }
    } catch (error) {
      return this.#end(error, code)
    }
  }

  #end(error: unknown, code: string | null): Reply {
    this.#attempt.fail(error)
    this.#failure = pageFor(error)
    if (code) return { status: 302, location: '/failure' }
    // Codex answers in place, and there is nothing to hide.
    this.#release()
    return { status: 200, page: this.#failure }
  }
}

function pageFor(error: unknown): Page {
  if (!(error instanceof AuthError)) return pages.exchangeFailed
  switch (error.reason) {
    case 'provider_error':
      return pages.providerError
    case 'missing_code':
      return pages.missingCode
    case 'workspace_not_allowed':
      return pages.workspace
    case 'store_write':
      return pages.storage
    default:
      return pages.exchangeFailed
  }
}
