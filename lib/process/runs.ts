/**
 * The runs in flight of this environment: who gets the result that native code tells, and whether the event loop must
 * stay alive for it.
 */
import type { LinuxBinding, NativeResult } from '../native/binding.ts'
import { nativeResult } from '../native/run-result.ts'

interface Flight {
  readonly finished: (result: NativeResult) => void
  referenced: boolean
}

export class Runs {
  readonly binding: LinuxBinding
  readonly #flights = new Map<number, Flight>()
  #held = 0
  #listening = false

  constructor(binding: LinuxBinding) {
    this.binding = binding
  }

  /** `id` was given by the binding for a run that was just started. */
  track(id: number, finished: (result: NativeResult) => void): void {
    this.#flights.set(id, { finished, referenced: true })
    this.#hold(1)
  }

  /** Whether this run keeps the event loop alive (default: yes). */
  reference(id: number, referenced: boolean): void {
    const flight = this.#flights.get(id)
    if (flight === undefined || flight.referenced === referenced) return
    flight.referenced = referenced
    this.#hold(referenced ? 1 : -1)
  }

  /** To be called before anything is started, so that no result can be missed. */
  listen(): void {
    if (this.#listening) return
    this.#listening = true
    this.binding.listen((...values) => this.#finish(nativeResult(...values)))
  }

  #finish(result: NativeResult): void {
    const flight = this.#flights.get(result.id)
    if (flight === undefined) return
    this.#flights.delete(result.id)
    if (flight.referenced) this.#hold(-1)
    flight.finished(result)
  }

  #hold(change: number): void {
    const before = this.#held > 0
    this.#held += change
    const after = this.#held > 0
    if (before !== after) this.binding.hold(after)
  }
}
