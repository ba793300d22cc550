/** What is kept of a command's output, and the result that is made of it. */
import type { Readable } from 'node:stream'

import type { LimitName } from '../plan/linux/process-limits.ts'
import type { Command } from '../process/command.ts'
import { defaultMaxBuffer, type RunOptions } from '../process/options.ts'
import type { PlanFacts } from '../process/result.ts'
import { makeResult, type RunResult } from '../process/result.ts'
import { signalNumber } from '../process/signals.ts'

export interface WindowsEnd {
  readonly pid: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly limit: LimitName | null
}

export interface ResultFacts {
  readonly command: Command
  readonly options: RunOptions
  readonly facts: PlanFacts
  readonly startedAt: number
}

export class CollectedOutput {
  readonly #each: number
  readonly #together: number
  readonly #exceeded: () => void
  readonly #chunks: [Buffer[], Buffer[]] = [[], []]
  readonly #kept: [number, number] = [0, 0]
  #heard = 0
  #isCut = false

  /** `exceeded`: more came than `outputBytes`. */
  constructor({ command, options }: ResultFacts, exceeded: () => void) {
    this.#each = options.maxBuffer ?? defaultMaxBuffer
    this.#together = command.limits.outputBytes ?? Number.POSITIVE_INFINITY
    this.#exceeded = exceeded
  }

  collect(stream: Readable | null, index: 0 | 1): void {
    stream?.on('data', (chunk: Buffer) => this.add(index, chunk))
    stream?.on('error', () => {})
  }

  add(index: 0 | 1, chunk: Buffer): void {
    const allowed = chunk.subarray(0, Math.max(0, this.#together - this.#heard))
    this.#heard += chunk.length
    const kept = allowed.subarray(0, Math.max(0, this.#each - this.#kept[index]))
    if (kept.length < allowed.length) this.#isCut = true
    this.#kept[index] += kept.length
    this.#chunks[index].push(kept)
    if (this.#heard > this.#together) this.#exceeded()
  }

  result(end: WindowsEnd, { command, options, facts, startedAt }: ResultFacts): RunResult<string | Buffer> {
    const { pid, code, signal, limit } = end
    const native = {
      id: 0,
      pid,
      exitCode: code ?? -1,
      signal: signal === null ? 0 : signalNumber(signal),
      timedOut: limit === 'wallClock',
      limit: 0,
      exitUnknown: code === null && signal === null,
      stdoutTruncated: this.#isCut,
      stderrTruncated: false,
      stdout: Buffer.concat(this.#chunks[0]),
      stderr: Buffer.concat(this.#chunks[1]),
    }
    const encoding = options.encoding ?? 'utf8'
    const result = makeResult(native, { startedAt, isCanceled: false, encoding, limits: command.limits, facts })
    return limit === null ? result : Object.freeze({ ...result, limit })
  }
}
