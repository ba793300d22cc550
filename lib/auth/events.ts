/**
 * What a manager tells while it works: to its listeners, and on `diagnostics_channel` as `castellan:auth:<event>`.
 *
 * Events carry modes, reasons and times, never a token. A listener that throws must not hurt a refresh: it is reported as
 * an uncaught error of its own, after the manager has finished its step.
 */
import { channel } from 'node:diagnostics_channel'
import type { RefreshFailure } from './errors.ts'
import type { AuthMode } from './record.ts'

export type WarningCode =
  | 'unreadable-id-token'
  | 'keyring-fallback'
  | 'bearer-command-failed'
  | 'revocation-failed'
  /** The file of the login was written, and others than its owner may be able to read it. */
  | 'file-not-private'

export type ManagerEvent =
  /** Another login is cached now, or none (`mode: null`). */
  | { readonly type: 'change'; readonly mode: AuthMode | null }
  /** New tokens came from the server; `persisted` is false while they live in memory only. */
  | { readonly type: 'refreshed'; readonly persisted: boolean }
  /** The cached login cannot be refreshed any more. */
  | { readonly type: 'poisoned'; readonly failure: RefreshFailure }
  /** New tokens could not be written and wait in memory. */
  | { readonly type: 'persistFailed' }
  /** Tokens that waited in memory reached the store. */
  | { readonly type: 'persisted' }
  /** The store holds another account now; the tokens of this one serve this process only. */
  | { readonly type: 'detached' }
  | { readonly type: 'warning'; readonly code: WarningCode }

export type EventName = ManagerEvent['type']
export type EventOf<Name extends EventName> = Extract<ManagerEvent, { type: Name }>
export type Listener<Name extends EventName> = (event: EventOf<Name>) => void

type AnyListener = (event: ManagerEvent) => void

export class EventHub {
  readonly #listeners = new Map<EventName, Set<AnyListener>>()

  on<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    const listeners = this.#listeners.get(name) ?? new Set()
    listeners.add(listener as AnyListener)
    this.#listeners.set(name, listeners)
  }

  off<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    this.#listeners.get(name)?.delete(listener as AnyListener)
  }

  emit(event: ManagerEvent): void {
    const frozen = Object.freeze(event)
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) {
      try {
        listener(frozen)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
    const diagnostics = channel(`castellan:auth:${event.type}`)
    if (diagnostics.hasSubscribers) diagnostics.publish(frozen)
  }
}
