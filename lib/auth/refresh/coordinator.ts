/**
 * Brings one manager and the refreshes of its store together.
 *
 * Callers of every manager that hold the same login share one flight; a caller that holds another one waits for its end and
 * looks at the store itself. Sequential calls are not merged (departure D1). Tokens that could not be written are tried
 * again before each refresh and by a timer that does not keep the process alive.
 */
import { AuthError } from '../errors.ts'
import { AuthSnapshot } from '../snapshot.ts'
import { commit } from './commit.ts'
import { type FlightContext, fly, newerThan } from './flight.ts'
import type { RefreshReason } from './request.ts'
import type { Flight, Holder } from './store-cell.ts'

export interface RefreshResult {
  /** `noop`: nothing to refresh. `reloaded`: the store had newer tokens. `refreshed`: the server gave new ones. */
  readonly outcome: 'noop' | 'reloaded' | 'refreshed'
  /** False when the new tokens live in memory only; they are written as soon as the store allows. */
  readonly persisted?: boolean
}

const firstRetryMs = 1_000
const longestRetryMs = 60_000

export class RefreshCoordinator {
  readonly #context: FlightContext
  readonly #holder: Holder
  #retry: NodeJS.Timeout | undefined
  #retryMs = firstRetryMs

  constructor(context: Omit<FlightContext, 'saveLater'>, holder: Holder) {
    this.#context = { ...context, saveLater: () => this.#saveLater() }
    this.#holder = holder
  }

  /** Refreshes the managed login that the holder caches now. */
  async refresh(base: AuthSnapshot, reason: RefreshReason): Promise<RefreshResult> {
    const { cell } = this.#context
    if (AuthSnapshot.recordOf(base).tokens === undefined) throw new AuthError('not_logged_in')
    if (cell.unsaved !== undefined && cell.flight === undefined) await this.flush()
    const key = AuthSnapshot.keyOf(base)
    const poisoned = cell.poison.failureOf(key)
    if (poisoned !== undefined && cell.flight === undefined) {
      // What polling clients do most: one look at the store's version, and the recorded error.
      const newer = newerThan(base, await this.#context.reader.peek())
      if (newer === undefined) throw poisoned
      this.#replace(newer)
      return { outcome: 'reloaded', persisted: true }
    }
    while (cell.flight !== undefined && cell.flight.key !== key) await cell.flight.promise.catch(() => undefined)
    return this.#adopt(cell.flight ?? this.#start(base, key, reason))
  }

  /** Looks at the store and takes what is there if it belongs to the same account (auth.md §8). */
  async guardedReload(base: AuthSnapshot): Promise<boolean> {
    const newer = newerThan(base, await this.#context.reader.read())
    return newer !== undefined && this.#replace(newer)
  }

  /** Writes tokens that wait in memory. True when none wait any more. */
  async flush(): Promise<boolean> {
    const { cell, storage, report } = this.#context
    const unsaved = cell.unsaved
    if (unsaved === undefined) return true
    const outcome = await commit(storage, unsaved.record, unsaved.expectedKeys, undefined)
    if (outcome.kind === 'unsaved') return false
    if (cell.unsaved === unsaved) cell.unsaved = undefined
    if (outcome.kind === 'written') report({ type: 'persisted' })
    return true
  }

  /** Ends the attempts to write what waits, and lets other processes go on. */
  async stop(): Promise<void> {
    clearTimeout(this.#retry)
    this.#retry = undefined
    await this.#context.cell.takeLock()?.release()
  }

  #start(base: AuthSnapshot, key: string, reason: RefreshReason): Flight {
    const { cell } = this.#context
    const run = async () => {
      try {
        return await fly(this.#context, base, reason)
      } finally {
        // Before the callers hear of the end, so that their next call starts a new one.
        if (cell.flight === flight) cell.flight = undefined
      }
    }
    const flight: Flight = { key, generation: cell.generation, promise: run() }
    // Every caller may have given up waiting.
    flight.promise.catch(() => undefined)
    cell.flight = flight
    return flight
  }

  async #adopt(flight: Flight): Promise<RefreshResult> {
    const { cell, report } = this.#context
    const { outcome, persisted, snapshot } = await flight.promise
    // A login or logout since then has put something newer into the holder.
    const current = cell.generation === flight.generation
    if (current && this.#replace(snapshot) && outcome === 'refreshed') report({ type: 'refreshed', persisted })
    return { outcome, persisted }
  }

  #replace(snapshot: AuthSnapshot): boolean {
    const changed = this.#context.cell.replace(this.#holder, snapshot)
    if (changed) this.#context.report({ type: 'change', mode: snapshot.mode })
    return changed
  }

  #saveLater(): void {
    if (this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.flush().then(
        done => {
          this.#retryMs = done ? firstRetryMs : Math.min(this.#retryMs * 2, longestRetryMs)
          if (!done) this.#saveLater()
        },
        () => this.#saveLater(),
      )
    }, this.#retryMs)
    this.#retry.unref()
  }
}
