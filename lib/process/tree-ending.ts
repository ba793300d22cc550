/**
 * When and how the tree of one command is ended: by a time limit, a limit of its output, an AbortSignal, a call, or because
 * the command itself has ended. For backends whose commands are plain child processes.
 */
import type { LimitName, LimitPlan } from '../plan/linux/process-limits.ts'
import { guardGroup } from './group-guard.ts'
import { defaultForceKillAfterDelay, type SpawnOptions } from './options.ts'
import { ProcessTree } from './process-tree.ts'
import { signalNumber } from './signals.ts'

export interface EndingQuestion {
  /** Undefined where nothing was started. */
  readonly pid: number | undefined
  readonly ownSession: boolean
  readonly limits: LimitPlan
  readonly options: Pick<SpawnOptions, 'timeout' | 'killSignal' | 'forceKillAfterDelay' | 'lifetime'>
}

export class TreeEnding {
  readonly #tree: ProcessTree | null
  readonly #signal: number
  readonly #grace: number
  readonly #lifetime: SpawnOptions['lifetime']
  readonly #unguard: () => void
  #timers: NodeJS.Timeout[] = []
  #exited = false
  #told = false
  #limit: LimitName | null = null

  constructor({ pid, ownSession, limits, options }: EndingQuestion) {
    this.#tree = pid === undefined ? null : new ProcessTree(pid, ownSession)
    this.#signal = signalNumber(options.killSignal)
    this.#grace = options.forceKillAfterDelay ?? defaultForceKillAfterDelay
    this.#lifetime = options.lifetime
    const guarded = pid !== undefined && ownSession && options.lifetime !== 'session'
    this.#unguard = guarded ? guardGroup(pid) : () => {}
    const time = timeLimit(limits, options.timeout)
    if (time !== null && pid !== undefined) this.#later(() => this.exceeded('wallClock'), time)
  }

  /** The limit that ended the command. */
  get limit(): LimitName | null {
    return this.#limit
  }

  exceeded(limit: LimitName): void {
    if (this.#limit !== null || this.#exited) return
    this.#limit = limit
    this.terminate()
  }

  /** `signal` to every process of the tree now, SIGKILL after `delay` ms. */
  terminate(signal: number = this.#signal, delay: number = this.#grace): void {
    // Nothing is left of what was ended with the command.
    if (this.#tree === null || (this.#exited && this.#lifetime !== 'session')) return
    this.#told = true
    this.#tree.signal(delay === 0 ? 9 : signal)
    if (delay > 0 && signal !== 9) this.#later(() => this.#tree?.signal(9), delay)
  }

  /** To be called when the command has ended. */
  exited(): void {
    if (this.#exited) return
    this.#exited = true
    for (const timer of this.#timers) clearTimeout(timer)
    if (this.#lifetime !== 'session' || this.#told) this.#tree?.endRest()
    else this.#tree?.leaveRest()
    this.#unguard()
  }

  #later(act: () => void, milliseconds: number): void {
    // The child keeps the event loop alive as long as there is something to end. Timers of Node are of 31 bits.
    this.#timers.push(setTimeout(act, Math.min(milliseconds, 2 ** 31 - 1)).unref())
  }
}

/** The smaller of `timeout` and `limits.wallClock`, in milliseconds; null: none. */
export function timeLimit({ wallClock }: LimitPlan, timeout: number | undefined): number | null {
  const times = [timeout, wallClock].filter(time => time !== undefined && time > 0) as number[]
  return times.length === 0 ? null : Math.min(...times)
}
