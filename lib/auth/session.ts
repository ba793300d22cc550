/**
 * What one manager holds, and every act that changes it: loading, replacing, refreshing, storing, removing, revoking.
 *
 * The invariants and states stand at the top of `manager.ts`; this file is where they are kept. Nothing here waits for a
 * caller's signal, and nothing here decides what a caller may see.
 */
import { unreachable } from '../errors.ts'
import { formatAuthFile, parseAuthFile } from './auth-file.ts'
import { BearerSource } from './bearer-command.ts'
import { defaultFetch } from './default-fetch.ts'
import { AuthError, failureOf } from './errors.ts'
import { EventHub } from './events.ts'
import { askHost, externalLogins, snapshotOfExternalTokens } from './external.ts'
import { mayBeIssuedBy } from './issuer.ts'
import { type LoadContext, loadLogin } from './load.ts'
import { defaultLock } from './lock/default-lock.ts'
import { kernelLock } from './lock/kernel-lock.ts'
import type { ResolvedOptions } from './options.ts'
import { endpointsOf } from './provider.ts'
import { type AuthRecord, sameAccount } from './record.ts'
import { RefreshCoordinator, type RefreshResult } from './refresh/coordinator.ts'
import { type RefreshReason, type RevocableToken, requestRevocation, type Transport } from './refresh/request.ts'
import { cellOf, type Holder, type StoreCell } from './refresh/store-cell.ts'
import { StoreReader } from './refresh/store-reader.ts'
import { AuthSnapshot } from './snapshot.ts'
import { canonical, resolveHome } from './storage/home.ts'
import { selectStorage } from './storage/select.ts'
import type { AuthStorage } from './storage/storage.ts'

export class LoginSession {
  readonly events = new EventHub()
  readonly storage: AuthStorage
  readonly cell: StoreCell
  readonly transport: Transport
  readonly coordinator: RefreshCoordinator
  /** The command whose output is the bearer; it takes the place of any stored login. */
  readonly bearer: BearerSource | undefined
  readonly ready: Promise<void>
  readonly #options: ResolvedOptions
  readonly #reader: StoreReader
  readonly #holder: Holder
  readonly #loading: LoadContext
  readonly #externalKey: string
  #externalRefresh: Promise<void> | undefined

  constructor(options: ResolvedOptions) {
    const { env, provider, timeoutMs, fetch = defaultFetch(env), now } = options
    this.#options = options
    const { storage, externalKey } = this.#selectStorage()
    this.storage = storage
    this.#externalKey = externalKey
    this.cell = cellOf(storage.identity)
    this.#reader = new StoreReader(storage, this.cell)
    this.transport = { fetch, provider, timeoutMs }
    const onPoisoned = (error: AuthError) => this.events.emit({ type: 'poisoned', failure: failureOf(error) })
    this.#holder = { snapshot: undefined, onPoisoned }
    this.cell.join(this.#holder)
    const { cell, transport } = this
    const shared = { reader: this.#reader, transport, endpoints: () => endpointsOf(provider, env) }
    this.#loading = { ...shared, environment: env, externalKey }
    this.coordinator = new RefreshCoordinator(
      {
        ...shared,
        storage,
        cell,
        revocationTimeoutMs: options.revokeTimeoutMs,
        lockTimeoutMs: options.lockTimeoutMs,
        onUnwritableStore: options.onUnwritableStore,
        now,
        report: event => this.events.emit(event),
      },
      this.#holder,
    )
    this.bearer = options.bearerCommand && new BearerSource(options.bearerCommand, now)
    this.ready = this.load().then(snapshot => void cell.replace(this.#holder, snapshot))
  }

  get snapshot(): AuthSnapshot | undefined {
    return this.#holder.snapshot
  }

  /** Whether the tokens in use are the host's. */
  get hostSupplies(): boolean {
    return externalLogins.get(this.#externalKey) !== undefined
  }

  poisonOf(snapshot: AuthSnapshot | undefined): AuthError | undefined {
    return snapshot && this.cell.poison.failureOf(AuthSnapshot.keyOf(snapshot))
  }

  /** The login that counts now, freshly loaded; the cached one stays. */
  load(apiKeyFromEnvironment = this.#options.enableCodexApiKeyEnv): Promise<AuthSnapshot | undefined> {
    return loadLogin(this.#loading, apiKeyFromEnvironment)
  }

  async reload(): Promise<boolean> {
    return this.replace(await this.load())
  }

  replace(snapshot: AuthSnapshot | undefined): boolean {
    const changed = this.cell.replace(this.#holder, snapshot)
    if (changed) this.events.emit({ type: 'change', mode: snapshot?.mode ?? null })
    return changed
  }

  /** Rejects, and never throws: each async function on the way of a poll of a refused login would cost it as much again. */
  refresh(reason: RefreshReason): Promise<RefreshResult> {
    if (this.bearer !== undefined) return this.#refreshBearer(this.bearer)
    const snapshot = this.#holder.snapshot
    if (snapshot === undefined) return Promise.reject(new AuthError('not_logged_in'))
    switch (snapshot.mode) {
      case 'apikey':
      case 'personalAccessToken':
      case 'agentIdentity':
        return Promise.resolve({ outcome: 'noop' })
      case 'chatgptAuthTokens':
        return this.#refreshSupplied(snapshot)
      case 'chatgpt':
        return this.#refreshManaged(snapshot, reason)
      default:
        return unreachable(snapshot.mode)
    }
  }

  async #refreshManaged(snapshot: AuthSnapshot, reason: RefreshReason): Promise<RefreshResult> {
    try {
      return await this.coordinator.refresh(snapshot, reason)
    } catch (error) {
      const mismatch = error instanceof AuthError && error.reason === 'account_mismatch'
      if (!mismatch || !this.#options.followExternalLogout) throw error
      if ((await this.#reader.peek()).kind !== 'none') throw error
      this.replace(undefined)
      throw new AuthError('not_logged_in')
    }
  }

  /** All callers share one question to the host. */
  async #refreshSupplied(snapshot: AuthSnapshot): Promise<RefreshResult> {
    this.#externalRefresh ??= this.#refreshFromHost(snapshot).finally(() => {
      this.#externalRefresh = undefined
    })
    await this.#externalRefresh
    return { outcome: 'refreshed', persisted: false }
  }

  async #refreshFromHost(snapshot: AuthSnapshot): Promise<void> {
    const { externalAuth, forcedWorkspaceIds, now } = this.#options
    if (externalAuth === undefined) throw new AuthError('external_not_configured')
    const generation = this.cell.generation
    const tokens = await askHost(externalAuth, snapshot.accountId)
    const next = snapshotOfExternalTokens(tokens, now(), forcedWorkspaceIds)
    if (this.cell.generation !== generation) throw new AuthError('conflict')
    externalLogins.set(this.#externalKey, next)
    this.replace(next)
    this.events.emit({ type: 'refreshed', persisted: false })
  }

  async resolveBearer(source: BearerSource): Promise<void> {
    try {
      this.replace(await source.resolve())
    } catch {
      this.events.emit({ type: 'warning', code: 'bearer-command-failed' })
      this.replace(undefined)
    }
  }

  async #refreshBearer(source: BearerSource): Promise<RefreshResult> {
    this.replace(await source.refresh())
    return { outcome: 'refreshed', persisted: false }
  }

  /** Uses the host's tokens from now on. */
  async storeExternal(snapshot: AuthSnapshot): Promise<void> {
    externalLogins.set(this.#externalKey, snapshot)
    this.cell.generation++
    await this.reload()
  }

  /** Stores and caches a login; every refresh that is under way is about the past then. Answers what it replaced. */
  async storeLogin(record: AuthRecord): Promise<AuthRecord | undefined> {
    let superseded: AuthRecord | undefined
    await this.storage.update(current => {
      superseded = this.cell.unsaved?.record ?? (current === undefined ? undefined : parseAuthFile(current))
      return formatAuthFile(record)
    })
    this.#afterLoginOrLogout()
    await this.reload()
    return superseded
  }

  #afterLoginOrLogout(): void {
    this.cell.generation++
    this.cell.unsaved = undefined
    this.cell.pause = undefined
  }

  /** Removes the host's tokens and the stored login. True when there was one. */
  async remove(): Promise<boolean> {
    const external = externalLogins.delete(this.#externalKey)
    try {
      const stored = await this.storage.delete()
      this.#afterLoginOrLogout()
      return external || stored
    } finally {
      // Also when the store could not be cleared: what is cached must be what is still there.
      await this.reload()
    }
  }

  /** The stored token when it belongs to the cached account, else the cached one (departure D17); none of another server. */
  async revocableToken(): Promise<RevocableToken | undefined> {
    const cached = this.#holder.snapshot
    if (cached?.mode !== 'chatgpt') return undefined
    const record = AuthSnapshot.recordOf(cached)
    const state = await this.#reader.read().catch(() => undefined)
    const stored = state?.kind === 'record' && sameAccount(state.record, record) ? state.record : record
    const tokens = stored.tokens ?? record.tokens
    if (!mayBeIssuedBy(this.transport.provider, tokens?.claims.issuer)) return undefined
    if (tokens?.refreshToken) return { token: tokens.refreshToken, hint: 'refresh_token' }
    return tokens?.accessToken ? { token: tokens.accessToken, hint: 'access_token' } : undefined
  }

  /** Asks the server to forget a token. */
  async revoke(token: RevocableToken): Promise<boolean> {
    const transport = { ...this.transport, timeoutMs: this.#options.revokeTimeoutMs }
    const revoked = await requestRevocation(transport, this.#loading.endpoints().revocation, token)
    if (!revoked) this.events.emit({ type: 'warning', code: 'revocation-failed' })
    return revoked
  }

  #selectStorage(): { storage: AuthStorage; externalKey: string } {
    const { storage, home, env, lock, flock, keyring } = this.#options
    if (typeof storage === 'object') return { storage, externalKey: storage.identity }
    const directory = home ?? resolveHome(env)
    const selected = selectStorage(storage, {
      home: directory,
      lock: lock ?? (flock ? kernelLock(flock) : defaultLock()),
      keyring,
      onFallback: () => this.events.emit({ type: 'warning', code: 'keyring-fallback' }),
      onNotPrivate: () => this.events.emit({ type: 'warning', code: 'file-not-private' }),
    })
    return { storage: selected, externalKey: `home:${canonical(directory)}` }
  }
}
