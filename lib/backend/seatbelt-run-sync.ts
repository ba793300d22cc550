/**
 * `runSync` on macOS. The profile goes through a file that has no name by the time the helper reads it, since nothing can be
 * written to a pipe while this thread waits. Node sends one signal only at the time limit, so it is SIGKILL.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { LimitError } from '../errors.ts'
import { encodeSeatbeltFrame } from '../native/seatbelt-frame.ts'
import type { MacosPlan } from '../plan/plan.ts'
import type { Command } from '../process/command.ts'
import { defaultMaxBuffer, type RunOptions } from '../process/options.ts'
import { ProcessTree } from '../process/process-tree.ts'
import { makeResult, type RunResult } from '../process/result.ts'
import { AbortError, type PlanFacts } from '../process/run.ts'
import { timeLimit } from '../process/tree-ending.ts'
import { helperArguments } from './seatbelt.ts'
import { nativeResult, Output } from './seatbelt-run.ts'
import { failureAtExit, plainCommand, plainFailure, seatbeltCommand } from './seatbelt-start.ts'
import { judgeStatus } from './seatbelt-status.ts'

type Ended = SpawnSyncReturns<Buffer> & { readonly error?: NodeJS.ErrnoException }

/** Throws what `run` rejects with, and LimitError for `outputBytes`. */
export function runSeatbeltSync(
  plan: MacosPlan,
  command: Command,
  options: RunOptions,
  facts: PlanFacts,
): RunResult<string | Buffer> {
  const startedAt = performance.now()
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
  const output = new Output({ each: options.maxBuffer ?? defaultMaxBuffer, together: undefined }, () => {})
  output.add(0, ended.stdout ?? Buffer.alloc(0))
  output.add(1, ended.stderr ?? Buffer.alloc(0))
  const failure = timedOut ? null : failureAtExit(plan, ended.status, output.bytes(1))
  if (failure !== null) throw failure
  const native = nativeResult(ended.pid, { code: ended.status, signal: ended.signal }, timedOut, output)
  const result = makeResult(native, {
    startedAt,
    isCanceled: false,
    encoding: options.encoding ?? 'utf8',
    limits: command.limits,
    ...facts,
  })
  return timedOut ? Object.freeze({ ...result, limit: 'wallClock' as const }) : result
}

/** `status`: what the helper said; null where there is none. */
function startAndWait(
  plan: MacosPlan,
  command: Command,
  options: RunOptions,
): { readonly ended: Ended; readonly status: string | Error | null } {
  const prepared = seatbeltCommand(plan, command)
  const time = timeLimit(command.limits, options.timeout)
  const common = {
    cwd: command.cwd,
    detached: prepared.newSession,
    killSignal: 'SIGKILL' as const,
    maxBuffer: Number.POSITIVE_INFINITY,
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(time === null ? {} : { timeout: time }),
  }
  if (plan.profile === null || plan.starter?.kind !== 'helper') {
    const { file, args, env } = plainCommand(plan, command, prepared)
    const argv0 = plan.profile === null ? { argv0: command.argv0 } : {}
    return { ended: spawnSync(file, args, { ...common, ...argv0, env, stdio: [...prepared.stdio] }), status: null }
  }
  const profileFd = fileWithoutName(encodeSeatbeltFrame(plan.profile, prepared))
  try {
    const own = prepared.stdio.length
    const args = helperArguments(own, own + 1, prepared)
    const stdio = [...prepared.stdio, profileFd, 'pipe' as const]
    const ended: Ended = spawnSync(plan.starter.path, args, { ...common, env: {}, stdio })
    const said = ended.output?.[own + 1] as Buffer | null | undefined
    return { ended, status: ended.pid > 0 ? (said ?? Buffer.alloc(0)).toString('utf8') : (ended.error ?? '') }
  } finally {
    closeSync(profileFd)
  }
}

/** A descriptor at the beginning of a file with these bytes, which nobody else can open any more. */
function fileWithoutName(bytes: Buffer): number {
  const place = path.join(tmpdir(), `castellan-${randomBytes(12).toString('hex')}`)
  const fd = openSync(place, 'wx+', 0o600)
  try {
    unlinkSync(place)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
