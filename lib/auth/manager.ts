/**
 * The keys of one home directory.
 *
 * Invariants
 *   1. One snapshot is cached per manager. It is immutable; it is replaced, never changed.
 *   2. A refresh token is sent at most once per record: all callers of all managers of this process share one flight
 *      (`RefreshCoordinator`), all processes share one lock (`fly`).
 *   3. A permanent refusal poisons exactly the record that was tried. While any manager caches an equal record, a refresh
 *      of it fails locally with the recorded error. A login, a logout or a reload of another record lifts it; equal content
 *      does not. The poison never reaches a disk.
 *   4. New tokens are never lost: they are in the store, or in memory and on their way there, or somebody logged out.
 *   5. A record of another account is never overwritten, and a deleted one never brought back, by a refresh.
 *   6. A caller's `AbortSignal` ends the caller's wait and nothing else.
 *   7. Nothing that leaves this class shows a token, except the three ways to ask for one: `accessToken`, a snapshot's
 *      `token()`, and `getAuthStatus` with `includeToken`.
 *
 * States of the cached login
 *
 *            login*, reload                refresh: `fly` answers
 *   (none) ────────────────▶ fresh ─────────────────────────────────────▶ fresh'   refreshed, or reloaded from the store
 *      ▲                       │ ▲  ╲ refresh: transient error            fresh     unchanged; a pause may begin (`pauseAfter`)
 *      │ logout                │ │   ╲ refresh: permanent error
 *      └───────────────────────┘ │    ▼
 *      ▲                         │  poisoned ── refresh ─▶ poisoned          same error, no request
 *      │ logout                  └──── login*, reload, refresh finds another record in the store
 *      └───────────────────────────── poisoned
 *
 * Rules: auth.md of the specification; what differs from Codex is listed in docs/auth.md.
 */
import { createRequire } from 'node:module'
import type { Dispatcher } from 'undici'
import { OptionError, unreachable } from '../errors.ts'
import { abortable } from './abort.ts'
import { formatAuthFile, parseAuthFile } from './auth-file.ts'
import { type Authorization, type Authorizer, authorizingInterceptor } from './authorization.ts'
import { BearerSource } from './bearer-command.ts'
import { defaultFetch } from './default-fetch.ts'
import { AuthError, failureOf, type PoisonReason, type RefreshFailure } from './errors.ts'
import { EventHub, type EventName, type Listener } from './events.ts'
import { askHost, type ExternalTokens, externalLogins, snapshotOfExternalTokens } from './external.ts'
import { type LoadContext, loadLogin } from './load.ts'
import { defaultLock } from './lock/default-lock.ts'
import { kernelLock } from './lock/kernel-lock.ts'
import { type BrowserLogin, type BrowserLoginOptions, type LoginActions, startBrowserLogin } from './login/browser.ts'
import { type DeviceLogin, type DeviceLoginOptions, startDeviceLogin } from './login/device.ts'
import { exchangeCode } from './login/exchange.ts'
import { type AuthManagerOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { endpointsOf } from './provider.ts'
import { type AuthRecord, emptyRecord, sameAccount } from './record.ts'
import { UnauthorizedRecovery } from './recovery.ts'
import { RefreshCoordinator, type RefreshResult } from './refresh/coordinator.ts'
import { proactiveReason } from './refresh/proactive.ts'
import { type RefreshReason, type RevocableToken, requestRevocation, type Transport } from './refresh/request.ts'
import { cellOf, type Holder, type StoreCell } from './refresh/store-cell.ts'
import { StoreReader } from './refresh/store-reader.ts'
import { violationOf } from './restrictions.ts'
import { AuthSnapshot } from './snapshot.ts'
import {
  accountOf,
  authNotRequired,
  authStatus,
  type GetAccountResponse,
  type GetAuthStatusRequest,
  type GetAuthStatusResponse,
} from './status.ts'
import { canonical, resolveHome } from './storage/home.ts'
import { selectStorage } from './storage/select.ts'
import type { AuthStorage } from './storage/storage.ts'

export interface WaitOptions {
  /** Ends this call's wait; a request that is under way goes on and its result is kept. */
  readonly signal?: AbortSignal
}

export interface LogoutResult {
  /** Whether there was anything to remove. */
  readonly removed: boolean
  /** Whether the server confirmed that it forgot the token; `false` when it did not answer in time or was not asked. */
  readonly revoked: boolean
}

export class AuthManager {
  readonly #options: ResolvedOptions
  readonly #storage: AuthStorage
  readonly #cell: StoreCell
  readonly #reader: StoreReader
  readonly #transport: Transport
  readonly #events = new EventHub()
  readonly #holder: Holder
  readonly #coordinator: RefreshCoordinator
  readonly #loading: LoadContext
  readonly #externalKey: string
  readonly #bearer: BearerSource | undefined
  readonly #earlierMs: number
  readonly #ready: Promise<void>
  #externalRefresh: Promise<void> | undefined
  /** The one interactive login; another one, a key, the host's tokens or a logout cancel it. */
  #interactive: { cancel(): unknown } | undefined

  /**
   * Starts to load the stored login; every call waits for that.
   *
   * @throws OptionError for an option that cannot be used, AuthError `home_missing` for a `CODEX_HOME` that is not there.
   */
  constructor(options: AuthManagerOptions = {}) {
    const resolved = resolveOptions(options)
    this.#options = resolved
    const { env, provider, timeoutMs, fetch = defaultFetch(env) } = resolved
    const { storage, externalKey } = this.#selectStorage()
    this.#storage = storage
    this.#externalKey = externalKey
    this.#cell = cellOf(storage.identity)
    this.#reader = new StoreReader(storage, this.#cell)
    this.#transport = { fetch, provider, timeoutMs }
    this.#holder = { snapshot: undefined, onPoisoned: error => this.#onPoisoned(error) }
    this.#cell.join(this.#holder)
    const endpoints = () => endpointsOf(provider, env)
    this.#coordinator = new RefreshCoordinator(
      {
        storage,
        reader: this.#reader,
        cell: this.#cell,
        transport: this.#transport,
        revocationTimeoutMs: resolved.revokeTimeoutMs,
        lockTimeoutMs: resolved.lockTimeoutMs,
        onUnwritableStore: resolved.onUnwritableStore,
        endpoints,
        now: resolved.now,
        report: event => this.#events.emit(event),
      },
      this.#holder,
    )
    this.#loading = { environment: env, externalKey, reader: this.#reader, transport: this.#transport, endpoints }
    this.#bearer = resolved.bearerCommand && new BearerSource(resolved.bearerCommand, resolved.now)
    this.#earlierMs = Math.random() * resolved.jitterMs
    this.#ready = this.#load().then(snapshot => void this.#cell.replace(this.#holder, snapshot))
  }

  /** A manager whose stored login has been loaded. */
  static async open(options: AuthManagerOptions = {}): Promise<AuthManager> {
    const manager = new AuthManager(options)
    await manager.ready()
    return manager
  }

  /** Resolves when the stored login has been loaded. Never fails: what cannot be read is no login. */
  ready(): Promise<void> {
    return this.#ready
  }

  /** The cached login, without looking anywhere; nothing when there is none or `ready` is still to come. */
  snapshot(): AuthSnapshot | null {
    return this.#holder.snapshot ?? null
  }

  /**
   * The login to use now, refreshed before it expires. When that fails the old one is answered, as Codex does; use
   * `accessToken` for a bearer that is known to be good.
   */
  async auth({ signal }: WaitOptions = {}): Promise<AuthSnapshot | null> {
    await abortable(this.#ready, signal)
    if (this.#bearer !== undefined) await abortable(this.#resolveBearer(this.#bearer), signal)
    const snapshot = this.#holder.snapshot
    const { now, proactive } = this.#options
    const reason = snapshot && proactive !== 'off' ? proactiveReason(snapshot, now(), this.#earlierMs) : undefined
    if (snapshot === undefined || reason === undefined) return snapshot ?? null
    const refreshed = this.#refresh(reason).catch(() => undefined)
    const usable = snapshot.expiresAt === undefined || snapshot.expiresAt > now()
    if (proactive === 'wait' || !usable) await abortable(refreshed, signal)
    return this.#holder.snapshot ?? null
  }

  /**
   * A bearer for a request.
   *
   * @throws AuthError `not_logged_in`, or the reason of the poison when `poisonedTokenPolicy` forbids the token.
   */
  async accessToken(options: WaitOptions = {}): Promise<string> {
    return (await this.#authorize(options)).token
  }

  /**
   * Gets new tokens now, unless the store already holds newer ones.
   *
   * @throws AuthError of kind `permanent` (log in again), `transient` (may pass) or `aborted`.
   */
  async refreshToken({ signal }: WaitOptions = {}): Promise<RefreshResult> {
    await abortable(this.#ready, signal)
    return abortable(this.#refresh('forced'), signal)
  }

  /**
   * Why the login cannot be refreshed: the poison, else the last transient failure that was not followed by a success.
   *
   * @param snapshot the login asked about. Default: the cached one.
   */
  refreshFailure(snapshot: AuthSnapshot | null = this.snapshot()): RefreshFailure | null {
    const poison = snapshot === null ? undefined : this.#cell.poison.failureOf(AuthSnapshot.keyOf(snapshot))
    const error = poison ?? (snapshot?.mode === 'chatgpt' ? this.#cell.pause?.error : undefined)
    return error === undefined ? null : failureOf(error)
  }

  /** The `getAuthStatus` call of the Codex app server, member for member. A failed refresh is not an error here. */
  async getAuthStatus(request: GetAuthStatusRequest = {}): Promise<GetAuthStatusResponse> {
    await this.#ready
    const refresh = request.refreshToken === true
    if (refresh) await this.#refreshForStatus()
    if (!this.#options.requiresOpenaiAuth) return authNotRequired
    if (!refresh) await this.auth()
    const snapshot = this.#holder.snapshot
    return authStatus(snapshot, request.includeToken === true, this.#poisonOf(snapshot) !== undefined)
  }

  /**
   * The `account/read` call of the Codex app server, and why the account cannot be refreshed.
   *
   * @throws AuthError `missing_account_details` when the login does not tell whose it is.
   */
  async readAccount(request: { readonly refreshToken?: boolean } = {}): Promise<GetAccountResponse> {
    await this.#ready
    if (request.refreshToken === true) await this.#refreshForStatus()
    const { requiresOpenaiAuth } = this.#options
    if (!requiresOpenaiAuth) return { account: null, requiresOpenaiAuth }
    const snapshot = request.refreshToken === true ? this.#holder.snapshot : ((await this.auth()) ?? undefined)
    return { ...accountOf(snapshot, this.#poisonOf(snapshot)?.reason as PoisonReason | undefined), requiresOpenaiAuth }
  }

  /** Loads the login again from where it is kept. `changed` tells whether it is another one than before. */
  async reload(): Promise<{ readonly changed: boolean }> {
    await this.#ready
    return { changed: this.#replace(await this.#load()) }
  }

  /** The steps to take for one request whose bearer was refused; see `UnauthorizedRecovery`. Call `ready` first. */
  unauthorizedRecovery(): UnauthorizedRecovery {
    return new UnauthorizedRecovery({
      current: () => this.#holder.snapshot,
      hasExternalAuth: () => this.#options.externalAuth !== undefined,
      hasBearerCommand: () => this.#bearer !== undefined,
      guardedReload: async () => {
        const snapshot = this.#holder.snapshot
        return snapshot !== undefined && this.#coordinator.guardedReload(snapshot)
      },
      refresh: async () => void (await this.#refresh('unauthorized_recovery')),
      externalRefresh: async () => void (await this.#refresh('unauthorized_recovery')),
    })
  }

  /**
   * Stores an API key in place of whatever is stored.
   *
   * @throws AuthError `empty_api_key`, `login_disabled`, `external_auth_active`, or `store_write` when it was not stored.
   */
  async loginWithApiKey(apiKey: string): Promise<void> {
    await this.#ready
    const key = apiKey.trim()
    if (key === '') throw new AuthError('empty_api_key')
    if (this.#options.forcedLoginMethod === 'chatgpt') throw new AuthError('login_disabled')
    this.#refuseWhileHostSupplies()
    this.#interactive?.cancel()
    await this.#storeLogin({ ...emptyRecord, authMode: 'apikey', apiKey: key })
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
    const login = await startDeviceLogin(this.#loginActions(), this.#transport, options)
    this.#interactive = login
    return login
  }

  /**
   * Uses tokens of the host, in memory only, until `logout`.
   *
   * @throws AuthError `external_invalid_token`, `external_workspace`, `login_disabled`.
   */
  async loginWithExternalTokens(tokens: ExternalTokens): Promise<void> {
    await this.#ready
    if (this.#options.forcedLoginMethod === 'api') throw new AuthError('login_disabled')
    const snapshot = snapshotOfExternalTokens(tokens, this.#options.now(), this.#options.forcedWorkspaceIds)
    this.#interactive?.cancel()
    externalLogins.set(this.#externalKey, snapshot)
    this.#cell.generation++
    this.#replace(await this.#load())
  }

  /**
   * Removes the login here first, then asks the server to forget its token.
   *
   * @throws AuthError `store_write` when the stored login could not be removed.
   */
  async logout(): Promise<LogoutResult> {
    await this.#ready
    this.#interactive?.cancel()
    const token = await this.#revocableToken()
    const removed = await this.#removeEverywhere()
    this.#replace(await this.#load())
    if (token === undefined) return { removed, revoked: false }
    return { removed, revoked: await this.#revoke(token) }
  }

  /**
   * Removes a login that the restrictions do not allow (with `onViolation: 'ignore'`: stops using it).
   *
   * @throws AuthError `restricted_login_method` or `restricted_workspace` when there was one.
   */
  async enforce(): Promise<void> {
    await this.#ready
    const snapshot = await loadLogin(this.#loading, true)
    const violation = snapshot && violationOf(snapshot, this.#restrictions())
    if (violation === undefined) return
    if (this.#options.onViolation === 'logout') {
      await this.#removeEverywhere()
      this.#replace(await this.#load())
    } else {
      this.#replace(undefined)
    }
    throw new AuthError(violation)
  }

  /** An interceptor for undici's `compose`: adds the bearer to requests to the configured origins, recovers once. */
  interceptor(): Dispatcher.DispatcherComposeInterceptor {
    const authorizer: Authorizer = {
      origins: new Set(this.#options.origins.map(origin => new URL(origin).origin)),
      authorize: () => this.#authorize({}),
      recover: refused => this.#recover(refused),
    }
    return authorizingInterceptor(authorizer)
  }

  /** A dispatcher that authorizes its requests. `base` defaults to undici's global one; undici is loaded only then. */
  dispatcher(base: Dispatcher = globalDispatcher()): Dispatcher {
    return base.compose(this.interceptor())
  }

  on<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#events.on(name, listener)
    return this
  }

  off<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#events.off(name, listener)
    return this
  }

  /** Writes tokens that could not be written when they came. True when none wait. Call it before the process ends. */
  async flush(): Promise<boolean> {
    return this.#coordinator.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
    this.#coordinator.stop()
  }

  toJSON(): Record<string, unknown> {
    return { storage: this.#storage.kind, login: this.#holder.snapshot ?? null, refreshFailure: this.refreshFailure() }
  }

  #selectStorage(): { storage: AuthStorage; externalKey: string } {
    const { storage, home, env, lock, flock, keyring } = this.#options
    if (typeof storage === 'object') return { storage, externalKey: storage.identity }
    const directory = home ?? resolveHome(env)
    const selected = selectStorage(storage, {
      home: directory,
      lock: lock ?? (flock ? kernelLock(flock) : defaultLock()),
      keyring,
      onFallback: () => this.#events.emit({ type: 'warning', code: 'keyring-fallback' }),
    })
    return { storage: selected, externalKey: `home:${canonical(directory)}` }
  }

  #restrictions() {
    const { forcedLoginMethod, forcedWorkspaceIds } = this.#options
    return { ...(forcedLoginMethod && { forcedLoginMethod }), ...(forcedWorkspaceIds && { forcedWorkspaceIds }) }
  }

  #load(): Promise<AuthSnapshot | undefined> {
    return loadLogin(this.#loading, this.#options.enableCodexApiKeyEnv)
  }

  #replace(snapshot: AuthSnapshot | undefined): boolean {
    const changed = this.#cell.replace(this.#holder, snapshot)
    if (changed) this.#events.emit({ type: 'change', mode: snapshot?.mode ?? null })
    return changed
  }

  #poisonOf(snapshot: AuthSnapshot | undefined): AuthError | undefined {
    return snapshot && this.#cell.poison.failureOf(AuthSnapshot.keyOf(snapshot))
  }

  #onPoisoned(error: AuthError): void {
    this.#events.emit({ type: 'poisoned', failure: failureOf(error) })
  }

  async #refreshForStatus(): Promise<void> {
    // The host decides when its own tokens are renewed; a poll must not make it (auth.md §18), nor run its command.
    if (this.#holder.snapshot?.mode === 'chatgptAuthTokens') return
    if (this.#bearer !== undefined) return this.#resolveBearer(this.#bearer)
    await this.#refresh('forced').catch(() => undefined)
  }

  async #refresh(reason: RefreshReason): Promise<RefreshResult> {
    if (this.#bearer !== undefined) return this.#refreshBearer(this.#bearer)
    const snapshot = this.#holder.snapshot
    if (snapshot === undefined) throw new AuthError('not_logged_in')
    switch (snapshot.mode) {
      case 'apikey':
      case 'personalAccessToken':
      case 'agentIdentity':
        return { outcome: 'noop' }
      case 'chatgptAuthTokens':
        this.#externalRefresh ??= this.#refreshFromHost(snapshot).finally(() => {
          this.#externalRefresh = undefined
        })
        await this.#externalRefresh
        return { outcome: 'refreshed', persisted: false }
      case 'chatgpt':
        return this.#refreshManaged(snapshot, reason)
      default:
        return unreachable(snapshot.mode)
    }
  }

  async #refreshManaged(snapshot: AuthSnapshot, reason: RefreshReason): Promise<RefreshResult> {
    try {
      return await this.#coordinator.refresh(snapshot, reason)
    } catch (error) {
      const mismatch = error instanceof AuthError && error.reason === 'account_mismatch'
      if (!mismatch || !this.#options.followExternalLogout) throw error
      if ((await this.#reader.peek()).kind !== 'none') throw error
      this.#replace(undefined)
      throw new AuthError('not_logged_in')
    }
  }

  async #refreshFromHost(snapshot: AuthSnapshot): Promise<void> {
    const { externalAuth, forcedWorkspaceIds, now } = this.#options
    if (externalAuth === undefined) throw new AuthError('external_not_configured')
    const generation = this.#cell.generation
    const tokens = await askHost(externalAuth, snapshot.accountId)
    const next = snapshotOfExternalTokens(tokens, now(), forcedWorkspaceIds)
    if (this.#cell.generation !== generation) throw new AuthError('conflict')
    externalLogins.set(this.#externalKey, next)
    this.#replace(next)
    this.#events.emit({ type: 'refreshed', persisted: false })
  }

  async #resolveBearer(source: BearerSource): Promise<void> {
    try {
      this.#replace(await source.resolve())
    } catch {
      this.#events.emit({ type: 'warning', code: 'bearer-command-failed' })
      this.#replace(undefined)
    }
  }

  async #refreshBearer(source: BearerSource): Promise<RefreshResult> {
    this.#replace(await source.refresh())
    return { outcome: 'refreshed', persisted: false }
  }

  async #authorize(options: WaitOptions): Promise<Authorization> {
    const snapshot = await this.auth(options)
    const token = snapshot?.token()
    if (snapshot === null || token === undefined)
      throw this.#poisonOf(snapshot ?? undefined) ?? new AuthError('not_logged_in')
    const poison = this.#poisonOf(snapshot)
    if (poison !== undefined && !this.#mayUsePoisoned(snapshot)) throw poison
    return { token, accountId: snapshot.accountId, fedramp: snapshot.fedramp }
  }

  #mayUsePoisoned({ expiresAt }: AuthSnapshot): boolean {
    const { poisonedTokenPolicy, now } = this.#options
    if (poisonedTokenPolicy === 'until-expiry') return expiresAt !== undefined && expiresAt > now()
    return poisonedTokenPolicy === 'allow'
  }

  /** What to do about one refused bearer, for the request layer: never the refused one again (departure D23). */
  async #recover(refused: Authorization): Promise<Authorization | undefined> {
    if (this.#holder.snapshot?.token() === refused.token) {
      const recovery = this.unauthorizedRecovery()
      while (recovery.hasNext && this.#holder.snapshot?.token() === refused.token) {
        try {
          await recovery.next()
        } catch (error) {
          // What may pass leaves the server's own answer to the caller; what is final replaces it.
          if (error instanceof AuthError && error.kind === 'permanent') throw error
          return undefined
        }
      }
    }
    const snapshot = this.#holder.snapshot
    const token = snapshot?.token()
    if (snapshot === undefined || token === undefined || token === refused.token) return undefined
    return { token, accountId: snapshot.accountId, fedramp: snapshot.fedramp }
  }

  async #beginInteractive(): Promise<void> {
    await this.#ready
    if (this.#options.forcedLoginMethod === 'api') throw new AuthError('login_disabled')
    this.#refuseWhileHostSupplies()
    this.#interactive?.cancel()
  }

  #refuseWhileHostSupplies(): void {
    if (externalLogins.get(this.#externalKey) !== undefined) throw new AuthError('external_auth_active')
  }

  #loginActions(): LoginActions {
    const { provider, forcedWorkspaceIds: allowedWorkspaces, now } = this.#options
    const transport = this.#transport
    return {
      provider,
      allowedWorkspaces,
      exchange: (code, withApiKey) => exchangeCode(code, { transport, now: now(), allowedWorkspaces, withApiKey }),
      store: record => this.#storeInteractiveLogin(record),
      discard: ({ tokens }) => void (tokens && this.#revoke({ token: tokens.refreshToken, hint: 'refresh_token' })),
    }
  }

  async #storeInteractiveLogin(record: AuthRecord): Promise<void> {
    this.#refuseWhileHostSupplies()
    const superseded = await this.#storeLogin(record)
    const old = superseded?.tokens?.refreshToken
    // In the background: the new login is stored and good, whatever becomes of the old token.
    if (old && old !== record.tokens?.refreshToken) void this.#revoke({ token: old, hint: 'refresh_token' })
  }

  /** Stores and caches a login; every refresh that is under way is about the past then. Answers what it replaced. */
  async #storeLogin(record: AuthRecord): Promise<AuthRecord | undefined> {
    let superseded: AuthRecord | undefined
    await this.#storage.update(current => {
      superseded = current === undefined ? undefined : parseAuthFile(current)
      return formatAuthFile(record)
    })
    this.#afterLoginOrLogout()
    this.#replace(await this.#load())
    return superseded
  }

  #afterLoginOrLogout(): void {
    this.#cell.generation++
    this.#cell.unsaved = undefined
    this.#cell.pause = undefined
  }

  async #removeEverywhere(): Promise<boolean> {
    const external = externalLogins.delete(this.#externalKey)
    const stored = await this.#storage.delete()
    this.#afterLoginOrLogout()
    return external || stored
  }

  /** The stored token when it belongs to the cached account, else the cached one (departure D17). */
  async #revocableToken(): Promise<RevocableToken | undefined> {
    const cached = this.#holder.snapshot
    if (cached?.mode !== 'chatgpt') return undefined
    const record = AuthSnapshot.recordOf(cached)
    const state = await this.#reader.read().catch(() => undefined)
    const stored = state?.kind === 'record' && sameAccount(state.record, record) ? state.record : record
    const tokens = stored.tokens ?? record.tokens
    if (tokens?.refreshToken) return { token: tokens.refreshToken, hint: 'refresh_token' }
    return tokens?.accessToken ? { token: tokens.accessToken, hint: 'access_token' } : undefined
  }

  async #revoke(token: RevocableToken): Promise<boolean> {
    const transport = { ...this.#transport, timeoutMs: this.#options.revokeTimeoutMs }
    const revoked = await requestRevocation(transport, this.#loading.endpoints().revocation, token)
    if (!revoked) this.#events.emit({ type: 'warning', code: 'revocation-failed' })
    return revoked
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
