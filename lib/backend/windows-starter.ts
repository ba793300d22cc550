/** The commands of a Windows plan: `run`, `runSync` and `spawn`, all through the helper. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'

import { LaunchError, LimitError } from '../errors.ts'
import type { SidOfRole } from '../plan/windows/acl-operations.ts'
import type { WindowsPlan } from '../plan/windows/plan.ts'
import { AbortError } from '../process/abort-error.ts'
import type { Command } from '../process/command.ts'
import type { RunOptions } from '../process/options.ts'
import type { RunResult } from '../process/result.ts'
import type { ActiveRuns } from '../process/run.ts'
import type { Starter } from '../process/starter.ts'
import { timeLimit } from '../process/tree-ending.ts'
import { superviseChild } from './supervised-child.ts'
import { WindowsEnding } from './windows-ending.ts'
import { CollectedOutput, type ResultFacts } from './windows-output.ts'
import {
  type AccessInForce,
  helperRequest,
  helperWords,
  prepareCommand,
  requestFrames,
  type StartedWindowsChild,
  startWindowsCommand,
  type WindowsLaunchHost,
} from './windows-start.ts'
import { HelperTalk, helperMissing } from './windows-status.ts'

export interface WindowsLaunch extends WindowsLaunchHost {
  readonly access: AccessInForce
  /** The same without waiting; null while the lists are not in force. */
  readonly accessNow: () => SidOfRole | null
  /** Whether the helper is the file that was found when this process began to use it. */
  readonly unchanged: (helper: string) => boolean
  /** A descriptor at the beginning of a file with these bytes, where no command can change it, and what closes it. */
  readonly heldBytes: (bytes: Uint8Array) => { readonly fd: number; close(): void }
}

export function windowsStarter(plan: WindowsPlan, launch: WindowsLaunch): Starter {
  const check = () => {
    const { helper } = launch
    if (launch.unchanged(helper)) return
    throw new LaunchError(`cannot launch: ${helper} is not what it was`, { stage: 'helper', path: helper })
  }
  return {
    async run(command, options, facts, active) {
      check()
      const run = { command, options, facts, startedAt: performance.now() }
      return await runThroughHelper(plan, launch, run, active)
    },
    runSync(command, options, facts) {
      check()
      return runSyncThroughHelper(plan, launch, { command, options, facts, startedAt: performance.now() })
    },
    spawn(command, options, ended) {
      check()
      const started = startWindowsCommand(launch, plan, command, options, launch.access)
      const ending = new WindowsEnding(started.child, command.limits, options)
      // What is ended on purpose before the helper has told anything is an end, and no failed start.
      const confined = started.confined.catch((error: unknown) => {
        if (!ending.told) throw error
      })
      return superviseChild({ child: started.child, confined }, ending, command, options, ended)
    },
  }
}

async function runThroughHelper(
  plan: WindowsPlan,
  launch: WindowsLaunch,
  run: ResultFacts,
  active: ActiveRuns,
): Promise<RunResult<string | Buffer>> {
  const { command, options } = run
  const { signal } = options
  if (signal?.aborted) throw new AbortError(signal.reason)
  const started = startWindowsCommand(launch, plan, command, options, launch.access)
  const { child } = started
  const ending = new WindowsEnding(child, command.limits, options)
  const output = new CollectedOutput(run, () => ending.exceeded('outputBytes'))
  output.collect(child.stdout, 0)
  output.collect(child.stderr, 1)
  // The command may end without having read it.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const aborted: unknown[] = []
  const endFor = (reason: unknown) => {
    aborted.push(reason)
    ending.terminate()
  }
  const abort = () => endFor(signal?.reason)
  active.add(endFor)
  signal?.addEventListener('abort', abort, { once: true })
  const end = await endOf(started, ending)
  active.delete(endFor)
  signal?.removeEventListener('abort', abort)
  // First: what was ended before it was confined tells of a failed start that is none.
  if (aborted.length > 0) throw new AbortError(aborted[0])
  if (ending.limit === null) {
    await started.confined
    // Somebody else may end the helper, and the command with it; then the signal tells.
    await started.finished(end.signal !== null)
  }
  return output.result({ pid: child.pid ?? 0, ...end, limit: ending.limit }, run)
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

function endOf({ child }: StartedWindowsChild, ending: WindowsEnding): Promise<End> {
  return new Promise(resolve => {
    let end: End = { code: null, signal: null }
    child.once('error', () => {
      ending.exited()
      // Nothing was started, so nothing else will be told.
      if (child.pid === undefined) resolve(end)
    })
    child.once('exit', (code, signal) => {
      end = { code, signal }
      ending.exited()
    })
    child.once('close', () => resolve(end))
  })
}

/** Throws what `run` rejects with, and LimitError for `outputBytes`. */
function runSyncThroughHelper(plan: WindowsPlan, launch: WindowsLaunch, run: ResultFacts): RunResult<string | Buffer> {
  const { command, options } = run
  if (options.signal?.aborted) throw new AbortError(options.signal.reason)
  if (command.limits.outputBytes !== undefined) {
    const message = 'cannot hold outputBytes: while this thread waits nobody counts what comes out; use run'
    throw new LimitError(message, { limit: 'outputBytes', mechanism: 'stdio' })
  }
  const prepared = prepareCommand(launch, plan, command, options)
  if (prepared.failure !== null) throw prepared.failure
  const sidOf = launch.accessNow()
  if (sidOf === null) {
    const message =
      'cannot launch: the access lists have to change first, which nobody can wait for here. Hint: use run'
    throw new LaunchError(message, { stage: 'access-lists' })
  }
  const { ended, talk } = startAndWait(launch, command, options, {
    // A file ends at once: that tells nothing of this process.
    frames: requestFrames(launch.logon(plan), helperRequest(plan, command, prepared, sidOf), false),
    stdio: prepared.stdio,
    words: own => helperWords(plan, own),
  })
  const timedOut = ended.error?.code === 'ETIMEDOUT'
  if (ended.error !== undefined && !timedOut) throw helperMissing(ended.error)
  const problem = timedOut ? null : talk.problem(command, ended.signal === null)
  if (problem !== null) throw problem
  const output = new CollectedOutput(run, () => {})
  output.add(0, ended.stdout ?? Buffer.alloc(0))
  output.add(1, ended.stderr ?? Buffer.alloc(0))
  const { pid, status: code, signal } = ended
  return output.result({ pid, code, signal, limit: timedOut ? 'wallClock' : null }, run)
}

interface SyncStart {
  readonly frames: Uint8Array
  readonly stdio: readonly (string | number)[]
  /** The helper's arguments, from the number of its first own descriptor. */
  readonly words: (own: number) => string[]
}

type Ended = SpawnSyncReturns<Buffer> & { readonly error?: NodeJS.ErrnoException }

function startAndWait(
  { helper, helperDirectory, heldBytes }: WindowsLaunch,
  command: Command,
  { timeout, input }: RunOptions,
  { frames, stdio, words }: SyncStart,
): { readonly ended: Ended; readonly talk: HelperTalk } {
  const own = stdio.length
  const time = timeLimit(command.limits, timeout)
  const request = heldBytes(frames)
  try {
    const ended: Ended = spawnSync(helper, words(own), {
      cwd: helperDirectory,
      env: {},
      killSignal: 'SIGKILL',
      maxBuffer: Number.POSITIVE_INFINITY,
      windowsHide: true,
      stdio: [...(stdio as 'pipe'[]), request.fd, 'pipe'],
      ...(input === undefined ? {} : { input }),
      ...(time === null ? {} : { timeout: time }),
    })
    const talk = new HelperTalk()
    talk.take((ended.output?.[own + 1] as Buffer | null | undefined) ?? Buffer.alloc(0))
    return { ended, talk }
  } finally {
    request.close()
  }
}
