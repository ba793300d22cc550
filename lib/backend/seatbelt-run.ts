/** `run` on macOS: a command's collected output. */
import type { Readable, Writable } from 'node:stream'

import type { NativeResult } from '../native/binding.ts'
import type { MacosPlan } from '../plan/plan.ts'
import type { Command } from '../process/command.ts'
import { defaultMaxBuffer, type RunOptions } from '../process/options.ts'
import { makeResult, type RunResult } from '../process/result.ts'
import { AbortError, type ActiveRuns, type PlanFacts } from '../process/run.ts'
import { signalNumber } from '../process/signals.ts'
import { TreeEnding } from '../process/tree-ending.ts'
import { failureAtExit, type StartedCommand, startCommand } from './seatbelt-start.ts'

/** How long output is awaited that something outside the command's group keeps open. */
const outputPatience = 1000

export async function runSeatbelt(
  plan: MacosPlan,
  command: Command,
  options: RunOptions,
  facts: PlanFacts,
  active: ActiveRuns,
): Promise<RunResult<string | Buffer>> {
  const startedAt = performance.now()
  const { signal } = options
  if (signal?.aborted) throw new AbortError(signal.reason)
  const started = startCommand(plan, command)
  const { child } = started
  const ending = new TreeEnding({
    pid: child.pid,
    ownSession: command.session === 'new',
    limits: command.limits,
    options,
  })
  const most = { each: options.maxBuffer ?? defaultMaxBuffer, together: command.limits.outputBytes }
  const output = new Output(most, () => ending.exceeded('outputBytes'))
  output.collect(child.stdout, 0)
  output.collect(child.stderr, 1)
  feed(child.stdin, options.input)
  let aborted = false
  let reason: unknown
  const endFor = (why: unknown) => {
    if (!aborted) reason = why
    aborted = true
    ending.terminate()
  }
  const abort = () => endFor(signal?.reason)
  active.add(endFor)
  signal?.addEventListener('abort', abort, { once: true })
  const end = await endOf(started, ending, options.lifetime)
  active.delete(endFor)
  signal?.removeEventListener('abort', abort)
  // First: what was ended before it was confined tells of a failed start that is none.
  if (aborted) throw new AbortError(reason)
  // What a limit ended may have run.
  if (ending.limit === null) await started.confined
  const failure = failureAtExit(plan, end.code, output.bytes(1))
  if (failure !== null) throw failure
  const native = nativeResult(child.pid ?? 0, end, ending.limit === 'wallClock', output)
  const result = makeResult(native, {
    startedAt,
    isCanceled: false,
    encoding: options.encoding ?? 'utf8',
    limits: command.limits,
    ...facts,
  })
  return ending.limit === null ? result : Object.freeze({ ...result, limit: ending.limit })
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Resolves when the command has ended, its tree with it, and its output is read. */
function endOf({ child }: StartedCommand, ending: TreeEnding, lifetime: RunOptions['lifetime']): Promise<End> {
  return new Promise(resolve => {
    let end: End = { code: null, signal: null }
    const finished = () => resolve(end)
    child.once('error', () => {
      ending.exited()
      // Nothing was started, so nothing else will be told.
      if (child.pid === undefined) finished()
    })
    child.once('exit', (code, signal) => {
      end = { code, signal }
      ending.exited()
      if (lifetime === 'session') return
      setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream?.destroy()
      }, outputPatience).unref()
    })
    child.once('close', finished)
  })
}

/** What is kept of both streams. */
export class Output {
  readonly #most: { readonly each: number; readonly together: number | undefined }
  readonly #exceeded: () => void
  readonly #chunks: [Buffer[], Buffer[]] = [[], []]
  readonly #kept = [0, 0]
  readonly #dropped = [false, false]
  #heard = 0

  constructor(most: { readonly each: number; readonly together: number | undefined }, exceeded: () => void) {
    this.#most = most
    this.#exceeded = exceeded
  }

  collect(stream: Readable | null, index: 0 | 1): void {
    stream?.on('data', (chunk: Buffer) => this.add(index, chunk))
    stream?.on('error', () => {})
  }

  add(index: 0 | 1, chunk: Buffer): void {
    const { each, together = Number.POSITIVE_INFINITY } = this.#most
    const room = Math.max(0, together - this.#heard)
    this.#heard += chunk.length
    const wanted = chunk.subarray(0, Math.min(room, chunk.length))
    const kept = wanted.subarray(0, Math.max(0, each - this.#kept[index]!))
    if (kept.length < wanted.length) this.#dropped[index] = true
    if (kept.length > 0) this.#chunks[index].push(kept)
    this.#kept[index] = this.#kept[index]! + kept.length
    if (this.#heard > together) this.#exceeded()
  }

  bytes(index: 0 | 1): Buffer {
    return Buffer.concat(this.#chunks[index])
  }

  isCut(index: 0 | 1): boolean {
    return this.#dropped[index]!
  }
}

function feed(stdin: Writable | null, input: RunOptions['input']): void {
  // The command may end without having read it.
  stdin?.on('error', () => {})
  stdin?.end(input ?? '')
}

/** In the form in which native code tells the end of a run elsewhere. */
export function nativeResult(pid: number, end: End, timedOut: boolean, output: Output): NativeResult {
  return {
    id: 0,
    pid,
    exitCode: end.code ?? -1,
    signal: end.signal === null ? 0 : signalNumber(end.signal),
    timedOut,
    limit: 0,
    exitUnknown: end.code === null && end.signal === null,
    stdoutTruncated: output.isCut(0),
    stderrTruncated: output.isCut(1),
    stdout: output.bytes(0),
    stderr: output.bytes(1),
  }
}
