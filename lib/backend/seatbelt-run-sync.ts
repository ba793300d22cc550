/**
 * `runSync` on macOS. While this thread waits nothing can be written to a descriptor but 0, so the profile goes in front of the
 * command's input. A file in its place could be changed, until the helper has read it, by a command that may write in the
 * directory for temporary files. Node sends one signal only at the time limit, so it is SIGKILL.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

import { LimitError } from '../errors.ts'
import { encodeSeatbeltFrame, type SeatbeltProfile } from '../native/seatbelt-frame.ts'
import type { MacosPlan } from '../plan/plan.ts'
import { AbortError } from '../process/abort-error.ts'
import type { Command } from '../process/command.ts'
import type { RunOptions } from '../process/options.ts'
import { ProcessTree } from '../process/process-tree.ts'
import type { PlanFacts, RunResult } from '../process/result.ts'
import { timeLimit } from '../process/tree-ending.ts'
import { helperArguments, type SeatbeltCommand } from './seatbelt.ts'
import { RunOutput, resultOf } from './seatbelt-result.ts'
import { plainCommand, plainFailure, seatbeltCommand } from './seatbelt-start.ts'
import { judgeStatus } from './seatbelt-status.ts'

type Ended = SpawnSyncReturns<Buffer> & { readonly error?: NodeJS.ErrnoException }

/** Throws what `run` rejects with, and LimitError for `outputBytes`. */
export function runSeatbeltSync(
  plan: MacosPlan,
  command: Command,
  options: RunOptions,
  facts: PlanFacts,
): RunResult<string | Buffer> {
  const run = { plan, command, options, facts, startedAt: performance.now() }
  if (options.signal?.aborted) throw new AbortError(options.signal.reason)
  if (command.limits.outputBytes !== undefined) {
    const message = 'cannot hold outputBytes: while this thread waits nobody counts what comes out; use run'
    throw new LimitError(message, { limit: 'outputBytes', mechanism: 'stdio' })
  }
  const { ended, status } = startAndWait(plan, command, options)
  const timedOut = ended.error?.code === 'ETIMEDOUT'
  if (command.session === 'new' && options.lifetime !== 'session' && ended.pid > 0) {
    new ProcessTree(ended.pid, true).endRest()
  }
  if (!timedOut) {
    if (status !== null) judgeStatus(status, command)
    else if (ended.error !== undefined) throw plainFailure(ended.error, command, plan.starter)
  }
  const output = new RunOutput(run, () => {})
  output.add(0, ended.stdout ?? Buffer.alloc(0))
  output.add(1, ended.stderr ?? Buffer.alloc(0))
  const { pid, status: code, signal } = ended
  return resultOf(run, { pid, code, signal, limit: timedOut ? 'wallClock' : null, output })
}

interface Waited {
  readonly ended: Ended
  /** What the helper said; null where there is none. */
  readonly status: string | Error | null
}

function startAndWait(plan: MacosPlan, command: Command, options: RunOptions): Waited {
  const prepared = seatbeltCommand(plan, command)
  const time = timeLimit(command.limits, options.timeout)
  const common = {
    cwd: command.cwd,
    detached: prepared.newSession,
    killSignal: 'SIGKILL' as const,
    maxBuffer: Number.POSITIVE_INFINITY,
    ...(time === null ? {} : { timeout: time }),
  }
  const { input } = options
  if (plan.profile !== null && plan.starter?.kind === 'helper') {
    const given = input === undefined ? [] : [Buffer.from(input as string)]
    return throughHelper(plan.starter.path, plan.profile, prepared, { ...common, given })
  }
  const { file, args, env } = plainCommand(plan, command, prepared)
  const argv0 = plan.profile === null ? { argv0: command.argv0 } : {}
  const stdio = [...prepared.stdio]
  return {
    ended: spawnSync(file, args, { ...common, ...argv0, env, stdio, ...(input === undefined ? {} : { input }) }),
    status: null,
  }
}

interface HelperOptions {
  readonly cwd: string
  readonly detached: boolean
  readonly killSignal: 'SIGKILL'
  readonly maxBuffer: number
  readonly timeout?: number
  /** What the command reads, where its input is a pipe. */
  readonly given: readonly Buffer[]
}

function throughHelper(
  helper: string,
  profile: SeatbeltProfile,
  command: SeatbeltCommand,
  { given, ...options }: HelperOptions,
): Waited {
  const [first, ...others] = command.stdio
  const status = command.stdio.length
  const nothing = first === 'ignore' ? openSync('/dev/null', 'r') : null
  try {
    // Where descriptor 0 is not the pipe, the helper puts it there when it has read the profile.
    const place = nothing ?? (typeof first === 'number' ? first : null)
    const own = place === null ? { profile: 0, status } : { profile: 0, status, input: status + 1 }
    const ended: Ended = spawnSync(helper, helperArguments(own, command), {
      ...options,
      env: {},
      input: Buffer.concat([encodeSeatbeltFrame(profile, command), ...given]),
      stdio: ['pipe', ...others, 'pipe', ...(place === null ? [] : [place])],
    })
    const said = ended.output?.[status] as Buffer | null | undefined
    return { ended, status: ended.pid > 0 ? (said ?? Buffer.alloc(0)).toString('utf8') : (ended.error ?? '') }
  } finally {
    if (nothing !== null) closeSync(nothing)
  }
}
