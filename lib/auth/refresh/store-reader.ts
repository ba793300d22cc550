/**
 * Reads the stored login, and reads it only when it may have changed.
 *
 * A poisoned manager that is polled a thousand times asks the file for its stamp a thousand times and reads it once. What
 * could not be written yet is laid over what the store holds, so that every manager of the process sees the newest tokens.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAuthFile } from '../auth-file.ts'
import { type AuthRecord, fingerprint } from '../record.ts'
import type { AuthStorage } from '../storage/storage.ts'
import type { StoreCell } from './store-cell.ts'

export type StoreState =
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'record'; readonly record: AuthRecord; readonly key: string }

/** Older programs cut the file and write it again; for this long a text that cannot be read may be half of one. */
const tornReadMs = 100
const tornReadStepMs = 20

export class StoreReader {
  readonly #storage: AuthStorage
  readonly #cell: StoreCell
  #seen: { readonly version: string; readonly state: StoreState } | undefined

  constructor(storage: AuthStorage, cell: StoreCell) {
    this.#storage = storage
    this.#cell = cell
  }

  /** The state of the store, from memory when its version proves that nothing changed. */
  async peek(): Promise<StoreState> {
    const seen = this.#seen
    if (seen !== undefined && (await this.#storage.version?.()) === seen.version) return this.#overlay(seen.state)
    return this.read()
  }

  /** The state of the store, read now. */
  async read(): Promise<StoreState> {
    const version = await this.#storage.version?.()
    const state = await this.#readSettled()
    this.#seen = version === undefined ? undefined : { version, state }
    return this.#overlay(state)
  }

  async #readSettled(): Promise<StoreState> {
    for (let waited = 0; ; waited += tornReadStepMs) {
      const text = await this.#storage.read()
      if (text === undefined) return { kind: 'none' }
      const record = parseAuthFile(text)
      if (record !== undefined) return { kind: 'record', record, key: fingerprint(record) }
      if (waited >= tornReadMs) return { kind: 'unreadable' }
      await sleep(tornReadStepMs)
    }
  }

  #overlay(state: StoreState): StoreState {
    const unsaved = this.#cell.unsaved
    if (unsaved === undefined || state.kind === 'unreadable') return state
    if (state.kind === 'record' && unsaved.expectedKeys.includes(state.key)) {
      return { kind: 'record', record: unsaved.record, key: fingerprint(unsaved.record) }
    }
    // Somebody else decided what the store holds; our unsaved tokens are history.
    this.#cell.unsaved = undefined
    return state
  }
}
