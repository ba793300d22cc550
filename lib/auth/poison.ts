/**
 * Logins that the server refused for good.
 *
 * Keyed to the unchanged record: every snapshot of equal content is poisoned, in every manager of this process on the same
 * store, and nothing else is. In memory only; holds digests and errors, never a token (auth.md §13, departure D27).
 */
import type { AuthError } from './errors.ts'

/** More dead logins than one process ever meets; only a leak would. */
const mostEntries = 64

export class PoisonLedger {
  readonly #entries = new Map<string, AuthError>()

  poison(key: string, error: AuthError): void {
    this.#entries.set(key, error)
    const oldest = this.#entries.keys().next()
    if (this.#entries.size > mostEntries && !oldest.done) this.#entries.delete(oldest.value)
  }

  /** The recorded error, so that a doomed refresh can fail without a request. */
  failureOf(key: string): AuthError | undefined {
    return this.#entries.get(key)
  }

  lift(key: string): void {
    this.#entries.delete(key)
  }
}
