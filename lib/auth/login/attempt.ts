/**
 * One interactive login from its start to its only end.
 *
 *   waiting ──settle(result)──▶ ended          whoever comes first: the tokens, the user, the clock
 *
 * However it ends, it ends once; what comes later is ignored and what is being done for it is told through `signal`.
 */
import { AuthError, type Reason } from '../errors.ts'

export type LoginResult = { readonly success: true } | { readonly success: false; readonly reason: Reason }

export class LoginAttempt {
  readonly result: Promise<LoginResult>
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  #resolve: (result: LoginResult) => void = () => undefined
  #ended = false

  constructor(timeoutMs: number) {
    this.result = new Promise(resolve => {
      this.#resolve = resolve
    })
    this.#timer = setTimeout(() => this.settle({ success: false, reason: 'login_timeout' }), timeoutMs)
    this.#timer.unref()
  }

  /** Fires at the end, so that requests and waits for this attempt stop. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Ends the attempt. False when it had ended before. */
  settle(result: LoginResult): boolean {
    if (this.#ended) return false
    this.#ended = true
    clearTimeout(this.#timer)
    this.#resolve(Object.freeze(result))
    this.#controller.abort()
    return true
  }

  fail(error: unknown): boolean {
    return this.settle({ success: false, reason: error instanceof AuthError ? error.reason : 'exchange_failed' })
  }

  cancel(): 'canceled' | 'notFound' {
    return this.settle({ success: false, reason: 'cancelled' }) ? 'canceled' : 'notFound'
  }
}
