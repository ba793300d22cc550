/**
 * The keys of one home directory: the public face. What happens behind it is in `session.ts` and `refresh/`.
 *
 * Invariants
 *   1. One snapshot is cached per manager. It is immutable; it is replaced, never changed.
 *   2. At most one refresh of a record is under way: all callers of all managers of this process share one flight
 *      (`RefreshCoordinator.refresh`), all processes share one lock (`fly`). A token that the server took is not sent again.
 *   3. A permanent refusal poisons exactly the record that was tried. While any manager caches an equal record, a refresh
 *      of it fails locally with the recorded error. A login, a logout or a reload of another record lifts it; equal content
 *      does not. The poison never reaches a disk.
 *   4. New tokens are never lost: they are in the store, or in memory and on their way there, or somebody logged out.
 *   5. A record of another account is never overwritten, and a deleted one never brought back, by a refresh.
 *   6. A caller's `AbortSignal` ends the caller's wait and nothing else.
 *   7. Nothing that leaves this class shows a token, except the three ways to ask for one: `accessToken`, a snapshot's
 *      `token()`, and `getAuthStatus` with `includeToken`.
 *
 * States of the cached login; "login" is any of the login functions, or `reload` and `fly` finding one in the store
 *
 *             login                   fly: tokens
 *   (none) ──────────▶ fresh ─────────────────────────▶ fresh     the new tokens, stored or waiting in memory
 *     ▲                 │ │ ╲─── fly: may pass ───────▶ fresh     the same; `pauseAfter` may open a pause
 *     │    logout       │ │
 *     ├─────────────────┘ └───── fly: refused for good ─▶ poisoned ──── refresh ──▶ poisoned   same error, no request
 *     │    logout                                           │   │
 *     └─────────────────────────────────────────────────────┘   └───── login ─────▶ fresh     of another record
 *
 * Rules: auth.md of the specification; what differs from Codex is listed in docs/auth.md.
 */
import { createRequire } from 'node:module'
import type { Dispatcher } from 'undici'
import { OptionError } from '../errors.ts'
import { abortable } from './abort.ts'
import { type Authorization, type Authorizer, authorizationOf, authorizingInterceptor } from './authorization.ts'
import { authorizedFetch } from './authorized-fetch.ts'
import { AuthError, failureOf, type PoisonReason, type RefreshFailure } from './errors.ts'
import type { EventName, Listener } from './events.ts'
import { type ExternalTokens, snapshotOfExternalTokens } from './external.ts'
import { mayBeIssuedBy } from './issuer.ts'
import { type BrowserLogin, type BrowserLoginOptions, type LoginActions, startBrowserLogin } from './login/browser.ts'
import { type DeviceLogin, type DeviceLoginOptions, startDeviceLogin } from './login/device.ts'
import { exchangeCode } from './login/exchange.ts'
import { type AuthManagerOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { type AuthRecord, emptyRecord } from './record.ts'
import { UnauthorizedRecovery } from './recovery.ts'
import type { RefreshResult } from './refresh/coordinator.ts'
import type { Fetch } from './refresh/http.ts'
import { proactiveReason } from './refresh/proactive.ts'
import type { RefreshReason } from './refresh/request.ts'
import { violationOf } from './restrictions.ts'
import { LoginSession } from './session.ts'
import type { AuthSnapshot } from './snapshot.ts'
import {
  accountOf,
  authNotRequired,
  authStatus,
  type GetAccountResponse,
  type GetAuthStatusRequest,
  type GetAuthStatusResponse,
} from './status.ts'

export interface WaitOptions {
  /** Ends this call's wait; a request that is under way goes on and its result is kept. */
  readonly signal?: AbortSignal
}

export interface RefreshOptions extends WaitOptions {
  /** What the provider is told, where it wants to know (`sendRefreshReason`). Default `forced`. */
  readonly reason?: RefreshReason
}

export interface LogoutResult {
  /** Whether there was anything to remove. */
  readonly removed: boolean
  /** Whether the server confirmed that it forgot the token; `false` when it did not answer in time or was not asked. */
  readonly revoked: boolean
}

export class AuthManager {
  readonly #options: ResolvedOptions
  readonly #session: LoginSession
  readonly #earlierMs: number
  /** The one interactive login; another one, a key, the host's tokens or a logout cancel it. */
  #interactive: { cancel(): unknown } | undefined

  /**
   * Starts to load the stored login; every call waits for that.
   *
   * @throws OptionError for an option that cannot be used, AuthError `home_missing` for a `CODEX_HOME` that is not there.
   */
  constructor(options: AuthManagerOptions = {}) {
    this.#options = resolveOptions(options)
    this.#session = new LoginSession(this.#options)
    this.#earlierMs = Math.random() * this.#options.jitterMs
  }

  /** A manager whose stored login has been loaded. */
  static async open(options: AuthManagerOptions = {}): Promise<AuthManager> {
    const manager = new AuthManager(options)
    await manager.ready()
    return manager
  }

  /** Resolves when the stored login has been loaded. Never fails: what cannot be read is no login. */
  ready(): Promise<void> {
    return this.#session.ready
  }

  /** The cached login, without looking anywhere; nothing when there is none or `ready` is still to come. */
  snapshot(): AuthSnapshot | null {
    return this.#session.snapshot ?? null
  }

  /**
   * The login to use now, refreshed before it expires. When that fails the old one is answered, as Codex does; use
   * `accessToken` for a bearer that is known to be good.
   */
  async auth({ signal }: WaitOptions = {}): Promise<AuthSnapshot | null> {
    await abortable(this.#session.ready, signal)
    if (this.#session.bearer !== undefined) await abortable(this.#session.resolveBearer(this.#session.bearer), signal)
    const snapshot = this.#session.snapshot
    const { now, proactive } = this.#options
    const reason = snapshot && proactive !== 'off' ? proactiveReason(snapshot, now(), this.#earlierMs) : undefined
    if (snapshot === undefined || reason === undefined) return snapshot ?? null
    const refreshed = this.#session.refresh(reason).catch(() => undefined)
    const usable = snapshot.expiresAt === undefined || snapshot.expiresAt > now()
    if (proactive === 'wait' || !usable) await abortable(refreshed, signal)
    return this.#session.snapshot ?? null
  }

  /**
   * A bearer for a request.
   *
   * @throws AuthError `not_logged_in`, `unusable_token` for one that no header may carry, or the reason of the poison when
   * `poisonedTokenPolicy` forbids the token.
   */
  async accessToken(options: WaitOptions = {}): Promise<string> {
    return (await this.#authorize(options)).token
  }

  /**
   * Gets new tokens now, unless the store already holds newer ones.
   *
   * @throws AuthError of kind `permanent` (log in again), `transient` (may pass) or `aborted`; `issuer_mismatch` when the
   * login came from another server than the configured one, which is then not asked.
   */
  async refreshToken({ reason = 'forced', signal }: RefreshOptions = {}): Promise<RefreshResult> {
    await abortable(this.#session.ready, signal)
    return await abortable(this.#session.refresh(reason), signal)
  }

  /**
   * Why the login cannot be refreshed: the poison, else the last transient failure that was not followed by a success.
   *
   * @param snapshot the login asked about. Default: the cached one.
   */
  refreshFailure(snapshot: AuthSnapshot | null = this.snapshot()): RefreshFailure | null {
    const poison = this.#session.poisonOf(snapshot ?? undefined)
    const error = poison ?? (snapshot?.mode === 'chatgpt' ? this.#session.cell.pause?.error : undefined)
    return error === undefined ? null : failureOf(error)
  }

  /** The `getAuthStatus` call of the Codex app server, member for member. A failed refresh is not an error here. */
  async getAuthStatus(request: GetAuthStatusRequest = {}): Promise<GetAuthStatusResponse> {
    await this.#session.ready
    const refresh = request.refreshToken === true
    if (refresh) await this.#refreshForStatus()
    if (!this.#options.requiresOpenaiAuth) return authNotRequired
    if (!refresh) await this.auth()
    const snapshot = this.#session.snapshot
    return authStatus(snapshot, request.includeToken === true, this.#session.poisonOf(snapshot) !== undefined)
  }

  /**
   * The `account/read` call of the Codex app server, and why the account cannot be refreshed.
   *
   * @throws AuthError `missing_account_details` when the login does not tell whose it is.
   */
  async readAccount(request: { readonly refreshToken?: boolean } = {}): Promise<GetAccountResponse> {
    await this.#session.ready
    if (request.refreshToken === true) await this.#refreshForStatus()
    const { requiresOpenaiAuth } = this.#options
    if (!requiresOpenaiAuth) return { account: null, requiresOpenaiAuth }
    const snapshot = request.refreshToken === true ? this.#session.snapshot : ((await this.auth()) ?? undefined)
    return {
      ...accountOf(snapshot, this.#session.poisonOf(snapshot)?.reason as PoisonReason | undefined),
      requiresOpenaiAuth,
    }
  }

  /** Loads the login again from where it is kept. `changed` tells whether it is another one than before. */
  async reload(): Promise<{ readonly changed: boolean }> {
    await this.#session.ready
    return { changed: await this.#session.reload() }
  }

  /** The steps to take for one request whose bearer was refused; see `UnauthorizedRecovery`. Call `ready` first. */
  unauthorizedRecovery(): UnauthorizedRecovery {
    return new UnauthorizedRecovery({
      current: () => this.#session.snapshot,
      hasExternalAuth: () => this.#options.externalAuth !== undefined,
      hasBearerCommand: () => this.#session.bearer !== undefined,
      guardedReload: async () => {
        const snapshot = this.#session.snapshot
        return snapshot !== undefined && this.#session.coordinator.guardedReload(snapshot)
      },
      refresh: async () => void (await this.#session.refresh('unauthorized_recovery')),
      externalRefresh: async () => void (await this.#session.refresh('unauthorized_recovery')),
    })
  }

  /**
   * Stores an API key in place of whatever is stored.
   *
   * @throws AuthError `empty_api_key`, `login_disabled`, `external_auth_active`, or `store_write` when it was not stored.
   */
  async loginWithApiKey(apiKey: string): Promise<void> {
    await this.#session.ready
    const key = apiKey.trim()
    if (key === '') throw new AuthError('empty_api_key')
    if (this.#options.forcedLoginMethod === 'chatgpt') throw new AuthError('login_disabled')
    this.#refuseWhileHostSupplies()
    this.#interactive?.cancel()
    await this.#session.storeLogin({ ...emptyRecord, authMode: 'apikey', apiKey: key })
  }

  /**
   * Starts a login with a browser: open `authUrl` for the user and await `result`. A login that was under way is cancelled;
   * the stored one stays until the new one is stored.
   *
   * @throws AuthError `login_disabled`, `external_auth_active`, `callback_unavailable`.
   */
  async startBrowserLogin(options: BrowserLoginOptions = {}): Promise<BrowserLogin> {
    await this.#beginInteractive()
    const login = await startBrowserLogin(this.#loginActions(), options)
    this.#interactive = login
    return login
  }

  /**
   * Starts a login with a code that the user types on another device: show `userCode` and `verificationUrl`, await `result`.
   *
   * @throws AuthError `login_disabled`, `external_auth_active`, `device_unsupported`, `device_refused`, or why the server
   * could not be asked.
   */
  async startDeviceLogin(options: DeviceLoginOptions = {}): Promise<DeviceLogin> {
    await this.#beginInteractive()
    const login = await startDeviceLogin(this.#loginActions(), this.#session.transport, options)
    this.#interactive = login
    return login
  }

  /**
   * Uses tokens of the host, in memory only, until `logout`.
   *
   * @throws AuthError `external_invalid_token`, `external_workspace`, `login_disabled`.
   */
  async loginWithExternalTokens(tokens: ExternalTokens): Promise<void> {
    await this.#session.ready
    if (this.#options.forcedLoginMethod === 'api') throw new AuthError('login_disabled')
    const snapshot = snapshotOfExternalTokens(tokens, this.#options.now(), this.#options.forcedWorkspaceIds)
    this.#interactive?.cancel()
    await this.#session.storeExternal(snapshot)
  }

  /**
   * Removes the login here first, then asks the server to forget its token.
   *
   * @throws AuthError `store_write` when the stored login could not be removed.
   */
  async logout(): Promise<LogoutResult> {
    await this.#session.ready
    this.#interactive?.cancel()
    const token = await this.#session.revocableToken()
    const removed = await this.#session.remove()
    if (token === undefined) return { removed, revoked: false }
    return { removed, revoked: await this.#session.revoke(token) }
  }

  /**
   * Removes a login that the restrictions do not allow (with `onViolation: 'ignore'`: stops using it).
   *
   * @throws AuthError `restricted_login_method` or `restricted_workspace` when there was one.
   */
  async enforce(): Promise<void> {
    await this.#session.ready
    const snapshot = await this.#session.load(true)
    const violation = snapshot && violationOf(snapshot, this.#restrictions())
    if (violation === undefined) return
    if (this.#options.onViolation === 'logout') await this.#session.remove()
    else this.#session.replace(undefined)
    throw new AuthError(violation)
  }

  /**
   * `fetch` that adds the bearer to requests to the configured origins and repeats a refused one once, with new tokens, if
   * its body can be sent again (text, bytes, form fields; not a stream).
   *
   * @throws AuthError when nobody is logged in, or the login is beyond recovery; else as `fetch` does.
   */
  readonly fetch: Fetch = (input, init) =>
    authorizedFetch(this.#session.transport.fetch, this.#authorizer(), input, init)

  /** An interceptor for undici's `compose`: adds the bearer to requests to the configured origins, recovers once. */
  interceptor(): Dispatcher.DispatcherComposeInterceptor {
    return authorizingInterceptor(this.#authorizer())
  }

  /** A dispatcher that authorizes its requests. `base` defaults to undici's global one; undici is loaded only then. */
  dispatcher(base: Dispatcher = globalDispatcher()): Dispatcher {
    return base.compose(this.interceptor())
  }

  on<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#session.events.on(name, listener)
    return this
  }

  off<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#session.events.off(name, listener)
    return this
  }

  /** Writes tokens that could not be written when they came. True when none wait. Call it before the process ends. */
  async flush(): Promise<boolean> {
    return this.#session.coordinator.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
    await this.#session.coordinator.stop()
  }

  toJSON(): Record<string, unknown> {
    return {
      storage: this.#session.storage.kind,
      login: this.#session.snapshot ?? null,
      refreshFailure: this.refreshFailure(),
    }
  }

  #authorizer(): Authorizer {
    const { origins, provider } = this.#options
    return {
      origins: new Set((origins ?? provider.origins).map(origin => new URL(origin).origin)),
      authorize: () => this.#authorize({}),
      recover: refused => this.#recover(refused),
    }
  }

  #restrictions() {
    const { forcedLoginMethod, forcedWorkspaceIds } = this.#options
    return { ...(forcedLoginMethod && { forcedLoginMethod }), ...(forcedWorkspaceIds && { forcedWorkspaceIds }) }
  }

  async #refreshForStatus(): Promise<void> {
    // The host decides when its own tokens are renewed; a poll must not make it (auth.md §18), nor run its command.
    if (this.#session.snapshot?.mode === 'chatgptAuthTokens') return
    if (this.#session.bearer !== undefined) return this.#session.resolveBearer(this.#session.bearer)
    await this.#session.refresh('forced').catch(() => undefined)
  }

  async #authorize(options: WaitOptions): Promise<Authorization> {
    const snapshot = await this.auth(options)
    const poison = this.#session.poisonOf(snapshot ?? undefined)
    if (snapshot !== null && poison !== undefined && !this.#mayUsePoisoned(snapshot)) throw poison
    const authorization = snapshot === null ? undefined : authorizationOf(snapshot)
    if (authorization === undefined) throw poison ?? new AuthError('not_logged_in')
    return authorization
  }

  #mayUsePoisoned({ expiresAt }: AuthSnapshot): boolean {
    const { poisonedTokenPolicy, now } = this.#options
    if (poisonedTokenPolicy === 'until-expiry') return expiresAt !== undefined && expiresAt > now()
    return poisonedTokenPolicy === 'allow'
  }

  /** What to do about one refused bearer, for the request layer: never the refused one again (departure D23). */
  async #recover(refused: Authorization): Promise<Authorization | undefined> {
    if (this.#session.snapshot?.token() === refused.token) {
      const recovery = this.unauthorizedRecovery()
      while (recovery.hasNext && this.#session.snapshot?.token() === refused.token) {
        try {
          await recovery.next()
        } catch (error) {
          // What may pass leaves the server's own answer to the caller; what is final replaces it.
          if (error instanceof AuthError && ['permanent', 'config'].includes(error.kind)) throw error
          return undefined
        }
      }
    }
    const next = this.#session.snapshot && authorizationOf(this.#session.snapshot)
    return next?.token === refused.token ? undefined : next
  }

  async #beginInteractive(): Promise<void> {
    await this.#session.ready
    if (this.#options.forcedLoginMethod === 'api') throw new AuthError('login_disabled')
    this.#refuseWhileHostSupplies()
    this.#interactive?.cancel()
  }

  #refuseWhileHostSupplies(): void {
    if (this.#session.hostSupplies) throw new AuthError('external_auth_active')
  }

  #loginActions(): LoginActions {
    const { provider, forcedWorkspaceIds: allowedWorkspaces, now } = this.#options
    const transport = this.#session.transport
    return {
      provider,
      allowedWorkspaces,
      exchange: (code, withApiKey) => exchangeCode(code, { transport, now: now(), allowedWorkspaces, withApiKey }),
      store: record => this.#storeInteractiveLogin(record),
      discard: ({ tokens }) =>
        void (tokens && this.#session.revoke({ token: tokens.refreshToken, hint: 'refresh_token' })),
    }
  }

  async #storeInteractiveLogin(record: AuthRecord): Promise<void> {
    this.#refuseWhileHostSupplies()
    const superseded = await this.#session.storeLogin(record)
    if (!mayBeIssuedBy(this.#options.provider, superseded?.tokens?.claims.issuer)) return
    const old = superseded?.tokens?.refreshToken
    // In the background: the new login is stored and good, whatever becomes of the old token.
    if (old && old !== record.tokens?.refreshToken) void this.#session.revoke({ token: old, hint: 'refresh_token' })
  }
}

function globalDispatcher(): Dispatcher {
  try {
    const undici = createRequire(import.meta.url)('undici') as typeof import('undici')
    return undici.getGlobalDispatcher()
  } catch (error) {
    throw new OptionError('base', 'cannot make a dispatcher: undici is not installed', { cause: error })
  }
}
