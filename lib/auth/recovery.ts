/**
 * What to do after the server refused a bearer with 401: one object per request, one step per 401 (auth.md §17).
 *
 *   managed:   reload ──next()──▶ refresh_token ──next() succeeds──▶ done
 *                 └── another account, or nothing stored ──▶ done
 *   external:  external_refresh ──next() succeeds──▶ done
 *
 * A step that fails stays: a transient failure may be tried again, and a poisoned login answers locally.
 */
import { AuthError } from './errors.ts'
import type { AuthSnapshot } from './snapshot.ts'

export type RecoveryStep = 'reload' | 'refresh_token' | 'external_refresh' | 'done'
export type RecoveryAvailability =
  | 'ready'
  | 'not_refreshable_auth'
  | 'not_chatgpt_auth'
  | 'no_external_auth'
  | 'recovery_exhausted'

/** What a recovery needs from its manager. */
export interface RecoveryActions {
  current(): AuthSnapshot | undefined
  hasExternalAuth(): boolean
  hasBearerCommand(): boolean
  guardedReload(): Promise<boolean>
  refresh(): Promise<void>
  externalRefresh(): Promise<void>
}

export interface RecoveryResult {
  readonly step: RecoveryStep
  readonly authStateChanged: boolean
}

export class UnauthorizedRecovery {
  readonly mode: 'managed' | 'external'
  readonly #actions: RecoveryActions
  #step: RecoveryStep

  constructor(actions: RecoveryActions) {
    this.#actions = actions
    const external = actions.hasBearerCommand() || actions.current()?.mode === 'chatgptAuthTokens'
    this.mode = external ? 'external' : 'managed'
    this.#step = external ? 'external_refresh' : 'reload'
  }

  /** The step that `next` would take. */
  get step(): RecoveryStep {
    return this.#step
  }

  get hasNext(): boolean {
    return this.unavailableReason === 'ready'
  }

  get unavailableReason(): RecoveryAvailability {
    const exhausted = this.#step === 'done'
    if (this.#actions.hasBearerCommand()) return exhausted ? 'recovery_exhausted' : 'ready'
    const mode = this.#actions.current()?.mode
    if (mode === 'personalAccessToken') return 'not_refreshable_auth'
    if (mode !== 'chatgpt' && mode !== 'chatgptAuthTokens') return 'not_chatgpt_auth'
    if (this.mode === 'external' && !this.#actions.hasExternalAuth()) return 'no_external_auth'
    return exhausted ? 'recovery_exhausted' : 'ready'
  }

  /** @throws AuthError `recovery_exhausted` past the last step, else whatever the step failed with. */
  async next(): Promise<RecoveryResult> {
    if (!this.hasNext) throw new AuthError('recovery_exhausted')
    const step = this.#step
    if (step === 'reload') return { step, authStateChanged: await this.#reload() }
    await (step === 'refresh_token' ? this.#actions.refresh() : this.#actions.externalRefresh())
    this.#step = 'done'
    return { step, authStateChanged: true }
  }

  async #reload(): Promise<boolean> {
    try {
      const changed = await this.#actions.guardedReload()
      this.#step = 'refresh_token'
      return changed
    } catch (error) {
      if (error instanceof AuthError && error.reason === 'account_mismatch') this.#step = 'done'
      throw error
    }
  }
}
