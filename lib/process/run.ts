/**
 * `run` and `runSync`: a command's collected output, without stream objects. The output is read in the addon.
 */
import { LaunchError } from '../errors.ts'
import type { NativeResult, NativeRunOptions } from '../native/binding.ts'
import { stageOf } from '../native/stages.ts'
import { AbortError } from './abort-error.ts'
import type { Command } from './command.ts'
import { readHelperRecords } from './helper-records.ts'
import { type Launch, type Launcher, launchFailure } from './launch.ts'
import { defaultForceKillAfterDelay, defaultMaxBuffer, type RunOptions, type TerminationOptions } from './options.ts'
import { makeResult, type ResultContext, type RunResult } from './result.ts'
import type { Runs } from './runs.ts'
import { signalNumber } from './signals.ts'

/** What ends each run that is under way; the argument is why, for the error that its caller gets. */
export type ActiveRuns = Set<(reason: unknown) => void>

export type PlanFacts = Pick<ResultContext, 'engine' | 'planDigest' | 'policyDigest' | 'globs'>

/** The launcher could not put a command's `places` as they are; nothing was started, and nothing of them stands. */
export class MisplacedError extends Error {}

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
    ...facts,
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
    native = runs.binding.runSync(launch.plan, launch.request, launch.stdio, nativeOptions(launch, command, options))
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
    ...facts,
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
      id = runs.binding.run(launch.plan, launch.request, launch.stdio, nativeOptions(launch, command, options))
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

function nativeOptions(launch: Launch, command: Command, options: RunOptions): NativeRunOptions {
  const input = typeof options.input === 'string' ? Buffer.from(options.input, 'utf8') : options.input
  return {
    collect: true,
    ...(input === undefined ? {} : { input }),
    outputLimit: options.maxBuffer ?? defaultMaxBuffer,
    ...limitOptions(command, options),
    endTreeOnExit: options.lifetime !== 'session',
    endTreeFirst: launch.endTreeFirst,
    reportDescriptor: launch.reportDescriptor,
    ...(command.places === undefined ? {} : { places: command.places.placed, needless: command.places.needless }),
  }
}

/** The smaller of `timeout` and `limits.wallClock`, and what the launcher holds the tree to. */
export function limitOptions({ limits }: Command, options: TerminationOptions): NativeRunOptions {
  const { tree, wallClock, outputBytes } = limits
  const times = [options.timeout, wallClock].filter(time => time !== undefined && time > 0) as number[]
  return {
    timeout: times.length === 0 ? 0 : Math.min(...times),
    grace: options.forceKillAfterDelay ?? defaultForceKillAfterDelay,
    timeoutSignal: signalNumber(options.killSignal),
    ...(tree.memory === undefined ? {} : { memoryLimit: tree.memory }),
    ...(tree.cpuTime === undefined ? {} : { cpuLimit: tree.cpuTime }),
    ...(tree.tasks === undefined ? {} : { taskLimit: tree.tasks }),
    ...(outputBytes === undefined ? {} : { outputBytes }),
  }
}

/** Native code canceled a run before it was started (ECANCELED). */
const canceled = 125

/** Throws when the command did not run. */
export function assertStarted(native: NativeResult, launch: Launch, command: Command, launcher: Launcher): void {
  if (native.failure !== undefined) {
    if (native.failure.errno === canceled) throw new AbortError(undefined)
    if (stageOf(native.failure.stage) === 'placeholder') throw new MisplacedError()
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
