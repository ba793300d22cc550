/** The parameters of a profile: every path that comes from the user or from the machine. Never parsed by Seatbelt. */
import type { Sbpl } from './sbpl.ts'
import { param } from './sbpl.ts'

export class ProfileParameters {
  readonly #values = new Map<string, string>()

  /** The expression that reads `value`; `key` must be new. */
  add(key: string, value: string): Sbpl {
    this.#values.set(key, value)
    return param(key)
  }

  get size(): number {
    return this.#values.size
  }

  /** In the order in which they were added. */
  toRecord(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#values)
  }
}
