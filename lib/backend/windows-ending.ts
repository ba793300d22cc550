/**
 * When the tree of one command is ended on Windows. There is one way: the helper ends, and the job that it alone holds ends every
 * process in it at once. A signal's number only says how the end is told.
 */
import type { ChildProcess } from 'node:child_process'

import type { LimitName, LimitPlan } from '../plan/linux/process-limits.ts'
import { defaultForceKillAfterDelay, type SpawnOptions } from '../process/options.ts'
import { signalNumber } from '../process/signals.ts'
import { timeLimit } from '../process/tree-ending.ts'
import type { Ending } from './supervised-child.ts'

export class WindowsEnding implements Ending {
  readonly #child: ChildProcess
  readonly #kill: ChildProcess['kill']
  readonly #signal: number
  readonly #grace: number
  #timers: NodeJS.Timeout[] = []
  #exited = false
  #told = false
  #limit: LimitName | null = null

  constructor(child: ChildProcess, limits: LimitPlan, options: SpawnOptions) {
    this.#child = child
    // The child's own is replaced by one that speaks for the command.
    this.#kill = child.kill
    this.#signal = signalNumber(options.killSignal)
    this.#grace = options.forceKillAfterDelay ?? defaultForceKillAfterDelay
    const time = timeLimit(limits, options.timeout)
    if (time !== null && child.pid !== undefined) this.#later(() => this.exceeded('wallClock'), time)
  }

  get limit(): LimitName | null {
    return this.#limit
  }

  /** Whether the command was ended on purpose. */
  get told(): boolean {
    return this.#told
  }

  exceeded(limit: LimitName): void {
    if (this.#limit !== null || this.#exited) return
    this.#limit = limit
    this.terminate()
  }

  terminate(signal: number = this.#signal, delay: number = this.#grace): void {
    if (this.#exited) return
    this.#told = true
    this.#kill.call(this.#child, delay === 0 ? 9 : signal)
    if (delay > 0 && signal !== 9) this.#later(() => this.#kill.call(this.#child, 9), delay)
  }

  exited(): void {
    this.#exited = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #later(act: () => void, milliseconds: number): void {
    this.#timers.push(setTimeout(act, Math.min(milliseconds, 2 ** 31 - 1)).unref())
  }
}
