/**
 * What all managers of this process share about one store.
 *
 * The poison, the one refresh that may be under way, the pause after failures, tokens that could not be written yet, and a
 * counter that tells a refresh that somebody logged in or out meanwhile. Each manager keeps its own snapshot; it is a
 * `Holder` here, so that the poison stays as long as anyone still holds what is poisoned.
 */
import type { AuthError } from '../errors.ts'
import type { HeldLock } from '../lock/file-lock.ts'
import { PoisonLedger } from '../poison.ts'
import type { AuthRecord } from '../record.ts'
import { AuthSnapshot } from '../snapshot.ts'
import type { Pause } from './pause.ts'

/** One manager's cached login. */
export interface Holder {
  snapshot: AuthSnapshot | undefined
  onPoisoned(error: AuthError): void
}

/** Tokens that the server gave and the store could not take (departure D4). */
export interface Unsaved {
  readonly record: AuthRecord
  /** What the store may hold meanwhile: the records they grew from. Anything else there ends them. */
  readonly expectedKeys: readonly string[]
}

export interface FlightResult {
  readonly outcome: 'reloaded' | 'refreshed'
  readonly snapshot: AuthSnapshot
  /** False when the new tokens live in memory only. */
  readonly persisted: boolean
}

export interface Flight {
  readonly key: string
  readonly generation: number
  readonly promise: Promise<FlightResult>
}

export class StoreCell {
  readonly poison = new PoisonLedger()
  flight: Flight | undefined
  pause: Pause | undefined
  /** Grows with each login and logout of this process. */
  generation = 0
  readonly #holders = new Set<WeakRef<Holder>>()
  #unsaved: Unsaved | undefined
  #lock: HeldLock | undefined

  get unsaved(): Unsaved | undefined {
    return this.#unsaved
  }

  set unsaved(unsaved: Unsaved | undefined) {
    this.#unsaved = unsaved
    if (unsaved === undefined) void this.takeLock()?.release()
  }

  /**
   * Keeps the lock over all processes for as long as the newest tokens are in this memory only: another process would find
   * the old refresh token in the store and spend it a second time.
   */
  async keepLock(lock: HeldLock | undefined): Promise<void> {
    if (this.#unsaved === undefined) await lock?.release()
    else this.#lock = lock
  }

  /** The lock that was kept; whoever takes it gives it back. */
  takeLock(): HeldLock | undefined {
    const lock = this.#lock
    this.#lock = undefined
    return lock
  }

  join(holder: Holder): void {
    this.#holders.add(new WeakRef(holder))
  }

  /** Puts another login into a holder. The poison of the one it held goes with its last holder. */
  replace(holder: Holder, snapshot: AuthSnapshot | undefined): boolean {
    const previous = holder.snapshot
    if (previous === undefined ? snapshot === undefined : previous.equals(snapshot)) {
      // Equal content keeps its poison; the newer picture may know other unknown members.
      holder.snapshot = snapshot
      return false
    }
    holder.snapshot = snapshot
    if (previous !== undefined && !this.isHeld(AuthSnapshot.keyOf(previous))) {
      this.poison.lift(AuthSnapshot.keyOf(previous))
    }
    return true
  }

  isHeld(key: string): boolean {
    return this.#living().some(({ snapshot }) => snapshot !== undefined && AuthSnapshot.keyOf(snapshot) === key)
  }

  markPoisoned(key: string, error: AuthError): void {
    this.poison.poison(key, error)
    for (const holder of this.#living()) {
      if (holder.snapshot !== undefined && AuthSnapshot.keyOf(holder.snapshot) === key) holder.onPoisoned(error)
    }
  }

  #living(): readonly Holder[] {
    const living: Holder[] = []
    for (const reference of this.#holders) {
      const holder = reference.deref()
      if (holder === undefined) this.#holders.delete(reference)
      else living.push(holder)
    }
    return living
  }
}

const cells = new Map<string, StoreCell>()

/** The cell of a store, one per identity and process. */
export function cellOf(identity: string): StoreCell {
  const existing = cells.get(identity)
  if (existing !== undefined) return existing
  const created = new StoreCell()
  cells.set(identity, created)
  return created
}
