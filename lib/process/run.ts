/**
 * `run` and `runSync`: a command's collected output, without stream objects. The output is read in the addon.
 */
import { LaunchError } from '../errors.ts'
import type { NativeResult, NativeRunOptions } from '../native/binding.ts'
import { runNumbers } from '../native/run-numbers.ts'
import { nativeResult } from '../native/run-result.ts'
import { stageOf } from '../native/stages.ts'
import { AbortError } from './abort-error.ts'
import type { Command } from './command.ts'
import { readHelperRecords } from './helper-records.ts'
import { type Launch, type Launcher, launchFailure } from './launch.ts'
import { defaultForceKillAfterDelay, defaultMaxBuffer, type RunOptions, type TerminationOptions } from './options.ts'
import { makeResult, type PlanFacts, type RunResult } from './result.ts'
import type { Runs } from './runs.ts'
import { signalNumber } from './signals.ts'

/** What ends each run that is under way; the argument is why, for the error that its caller gets. */
export type ActiveRuns = Set<(reason: unknown) => void>

/** The disk is not what `command.expected` says; nothing was started, and nothing that was put for it stands. */
export class StaleError extends Error {}

/**
 * Resolves when the command and its output have ended, whatever its exit code. Rejects with SpawnError when the program
 * cannot be started, LaunchError when a confinement step failed (the command did not run), AbortError when `signal` was
 * aborted; then the whole tree has been told to end.
 */
export async function run(
  runs: Runs,
  launcher: Launcher,
  command: Command,
  options: RunOptions,
  facts: PlanFacts,
  active: ActiveRuns = new Set(),
): Promise<RunResult<string | Buffer>> {
  const startedAt = performance.now()
  const { signal } = options
  if (signal?.aborted) throw new AbortError(signal.reason)
  const launch = launcher.prepare(command)
  const outcome = await waitForRun(runs, launch, command, options, active)
  // First: what was ended before it started tells of a failed start that is none.
  if (outcome.aborted) throw new AbortError(outcome.reason)
  assertStarted(outcome.native, launch, command, launcher)
  return makeResult(outcome.native, {
    startedAt,
    isCanceled: false,
    launcher,
    encoding: options.encoding ?? 'utf8',
    limits: command.limits,
    facts,
  })
}

/** Blocks the event loop until the command has ended. Throws what `run` rejects with. */
export function runSync(
  runs: Runs,
  launcher: Launcher,
  command: Command,
  options: RunOptions,
  facts: PlanFacts,
): RunResult<string | Buffer> {
  const startedAt = performance.now()
  if (options.signal?.aborted) throw new AbortError(options.signal.reason)
  const launch = launcher.prepare(command)
  let native: NativeResult
  try {
    const numbers = runNumbers(launch.stdio, nativeOptions(launch, command, options, outputLimit(options)))
    native = nativeResult(...runs.binding.runSync(launch.plan, launch.request, numbers, inputBytes(options)))
  } finally {
    launch.release()
  }
  assertStarted(native, launch, command, launcher)
  return makeResult(native, {
    startedAt,
    isCanceled: false,
    launcher,
    encoding: options.encoding ?? 'utf8',
    limits: command.limits,
    facts,
  })
}

interface Outcome {
  readonly native: NativeResult
  readonly aborted: boolean
  readonly reason: unknown
}

function waitForRun(
  runs: Runs,
  launch: Launch,
  command: Command,
  options: RunOptions,
  active: ActiveRuns,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let aborted = false
    let reason: unknown
    let id: number
    const { signal } = options
    const grace = options.forceKillAfterDelay ?? defaultForceKillAfterDelay
    const end = (why: unknown) => {
      if (!aborted) reason = why
      aborted = true
      runs.binding.terminate(id, signalNumber(options.killSignal), grace)
    }
    const abort = () => end(signal?.reason)
    try {
      const { placed, needless, stamps } = command.expected ?? {}
      const numbers = runNumbers(launch.stdio, nativeOptions(launch, command, options, outputLimit(options)))
      id = runs.binding.run(launch.plan, launch.request, numbers, inputBytes(options), placed, needless, stamps)
    } catch (error) {
      reject(error as Error)
      return
    } finally {
      // The addon has copies by now; what this environment opened must not outlive it.
      launch.release()
    }
    runs.track(id, native => {
      active.delete(end)
      signal?.removeEventListener('abort', abort)
      resolve({ native, aborted, reason })
    })
    active.add(end)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** `outputLimit`: undefined where the caller gets the streams. */
export function nativeOptions(
  launch: Launch,
  { limits }: Command,
  options: TerminationOptions & Pick<RunOptions, 'lifetime'>,
  outputLimit: number | undefined,
): NativeRunOptions {
  return {
    collect: outputLimit !== undefined,
    outputLimit,
    timeout: timeLimit(options.timeout, limits.wallClock),
    grace: options.forceKillAfterDelay ?? defaultForceKillAfterDelay,
    timeoutSignal: signalNumber(options.killSignal),
    memoryLimit: limits.tree.memory,
    cpuLimit: limits.tree.cpuTime,
    taskLimit: limits.tree.tasks,
    outputBytes: limits.outputBytes,
    endTreeOnExit: options.lifetime !== 'session',
    endTreeFirst: launch.endTreeFirst,
    reportDescriptor: launch.reportDescriptor,
  }
}

/** The smaller one; 0 and undefined: no limit. */
function timeLimit(one = 0, other = 0): number {
  return one > 0 && other > 0 ? Math.min(one, other) : Math.max(one, other)
}

function outputLimit({ maxBuffer }: RunOptions): number {
  return maxBuffer ?? defaultMaxBuffer
}

function inputBytes({ input }: RunOptions): Uint8Array | undefined {
  return typeof input === 'string' ? Buffer.from(input, 'utf8') : input
}

/** Native code canceled a run before it was started (ECANCELED). */
const canceled = 125

/** Throws when the command did not run. */
export function assertStarted(native: NativeResult, launch: Launch, command: Command, launcher: Launcher): void {
  if (native.failure !== undefined) {
    if (native.failure.errno === canceled) throw new AbortError(undefined)
    const stage = stageOf(native.failure.stage)
    if (stage === 'placeholder' || stage === 'changed') throw new StaleError()
    throw launchFailure(native.failure, command, launcher)
  }
  if (launch.reportDescriptor < 0) return
  const report = readHelperRecords(native.reported)
  if (report.failure !== undefined) throw launchFailure(report.failure, command, launcher)
  // What a limit ended may have run: the helper is ended with the command, maybe before it could say so.
  if (!report.started && native.limit === 0) throw setupFailed(native)
}

/** The first process ended before the helper could say anything: what bubblewrap printed is then the only explanation. */
function setupFailed(native: NativeResult): LaunchError {
  const said = native.stderr.toString('utf8').trim().split('\n').pop()?.slice(0, 300) ?? ''
  if (said === '' && native.signal > 0) {
    const message = 'cannot set up the sandbox: a signal ended its first process before it started the command'
    return new LaunchError(message, { stage: 'init' })
  }
  return new LaunchError(`cannot set up the sandbox: ${said === '' ? 'bubblewrap gave no reason' : said}`, {
    stage: 'bubblewrap',
  })
}
