/** What is known when a command of a macOS plan has ended, as the result of a run: the same for `run` and `runSync`. */
import type { Readable } from 'node:stream'

import type { NativeResult } from '../native/binding.ts'
import type { LimitName } from '../plan/linux/process-limits.ts'
import type { MacosPlan } from '../plan/plan.ts'
import type { Command } from '../process/command.ts'
import { defaultMaxBuffer, type RunOptions } from '../process/options.ts'
import type { PlanFacts } from '../process/result.ts'
import { makeResult, type RunResult } from '../process/result.ts'
import { signalNumber } from '../process/signals.ts'
import { sandboxExecFailure } from './sandbox-exec.ts'

export interface SeatbeltRun {
  readonly plan: MacosPlan
  readonly command: Command
  readonly options: RunOptions
  readonly facts: PlanFacts
  /** `performance.now()`. */
  readonly startedAt: number
}

export interface SeatbeltEnd {
  readonly pid: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What it was ended for; null when it ended by itself. */
  readonly limit: LimitName | null
  readonly output: RunOutput
}

/** Throws what sandbox-exec did not start the command for, where that program says so at its end. */
export function resultOf(
  { plan, command, options, facts, startedAt }: SeatbeltRun,
  { pid, code, signal, limit, output }: SeatbeltEnd,
): RunResult<string | Buffer> {
  // What a limit ended may have run.
  if (limit === null && plan.starter?.kind === 'sandbox-exec') {
    const failure = sandboxExecFailure(code, output.bytes(1).subarray(0, 4096).toString('utf8'), command)
    if (failure !== null) throw failure
  }
  // In the form in which native code tells the end of a run elsewhere.
  const native: NativeResult = {
    id: 0,
    pid,
    exitCode: code ?? -1,
    signal: signal === null ? 0 : signalNumber(signal),
    timedOut: limit === 'wallClock',
    limit: 0,
    exitUnknown: code === null && signal === null,
    stdoutTruncated: output.isCut(0),
    stderrTruncated: output.isCut(1),
    stdout: output.bytes(0),
    stderr: output.bytes(1),
  }
  const result = makeResult(native, {
    startedAt,
    isCanceled: false,
    encoding: options.encoding ?? 'utf8',
    limits: command.limits,
    facts,
  })
  return limit === null ? result : Object.freeze({ ...result, limit })
}

/** What is kept of both streams. */
export class RunOutput {
  readonly #each: number
  readonly #together: number
  readonly #exceeded: () => void
  readonly #chunks: [Buffer[], Buffer[]] = [[], []]
  readonly #kept = [0, 0]
  readonly #dropped = [false, false]
  #heard = 0

  /** `exceeded`: called when both streams together said more than the command's limit. */
  constructor({ command, options }: SeatbeltRun, exceeded: () => void) {
    this.#each = options.maxBuffer ?? defaultMaxBuffer
    this.#together = command.limits.outputBytes ?? Number.POSITIVE_INFINITY
    this.#exceeded = exceeded
  }

  collect(stream: Readable | null, index: 0 | 1): void {
    stream?.on('data', (chunk: Buffer) => this.add(index, chunk))
    stream?.on('error', () => {})
  }

  add(index: 0 | 1, chunk: Buffer): void {
    const room = Math.max(0, this.#together - this.#heard)
    this.#heard += chunk.length
    const wanted = chunk.subarray(0, Math.min(room, chunk.length))
    const kept = wanted.subarray(0, Math.max(0, this.#each - this.#kept[index]!))
    if (kept.length < wanted.length) this.#dropped[index] = true
    if (kept.length > 0) this.#chunks[index].push(kept)
    this.#kept[index] = this.#kept[index]! + kept.length
    if (this.#heard > this.#together) this.#exceeded()
  }

  bytes(index: 0 | 1): Buffer {
    return Buffer.concat(this.#chunks[index])
  }

  isCut(index: 0 | 1): boolean {
    return this.#dropped[index]!
  }
}
