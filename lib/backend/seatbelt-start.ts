/**
 * A command of a macOS plan as what `child_process` takes: through the helper, through sandbox-exec, or unconfined where the
 * policy closes nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process'

import { BackendError, InternalError, LaunchError, OptionError } from '../errors.ts'
import { NativeStdio } from '../native/binding.ts'
import type { MacosPlan, SeatbeltStarter } from '../plan/plan.ts'
import type { Command } from '../process/command.ts'
import { environmentLines } from '../process/environment.ts'
import { programCandidates } from '../process/program.ts'
import { SpawnError } from '../process/spawn-error.ts'
import { sandboxExecCommand } from './sandbox-exec.ts'
import { type SeatbeltCommand, type SeatbeltStdio, spawnSeatbelt } from './seatbelt.ts'
import { throwMissingDirectory } from './seatbelt-status.ts'

export interface StartedCommand {
  readonly child: ChildProcess
  /** See `SeatbeltChild.confined`. Through sandbox-exec it says that this program runs, no more. */
  readonly confined: Promise<void>
}

/** Throws OptionError for what cannot be had without the helper, and what `spawnSeatbelt` throws. */
export function startCommand(plan: MacosPlan, command: Command): StartedCommand {
  const prepared = seatbeltCommand(plan, command)
  if (plan.profile !== null && plan.starter?.kind === 'helper') {
    return spawnSeatbelt(plan.starter.path, plan.profile, prepared)
  }
  const plain = plainCommand(plan, command, prepared)
  const child = spawn(plain.file, plain.args, {
    cwd: command.cwd,
    env: plain.env,
    stdio: [...prepared.stdio],
    detached: prepared.newSession,
    ...(plan.profile === null ? { argv0: command.argv0 } : {}),
  })
  return { child, confined: startOf(child, command, plan.starter) }
}

export function seatbeltCommand(plan: MacosPlan, command: Command): SeatbeltCommand {
  return {
    file: command.file,
    args: command.args,
    argv0: command.argv0,
    cwd: command.cwd,
    environment: environmentLines(command.env, plan.environment),
    programs: programCandidates(command.file, command.env['PATH']),
    fileModeMask: command.umask,
    stdio: command.stdio.map(nodeStdio),
    newSession: command.session === 'new',
  }
}

export interface PlainCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export function plainCommand(plan: MacosPlan, command: Command, { environment }: SeatbeltCommand): PlainCommand {
  const { file, args, umask, argv0 } = command
  if (umask !== undefined) throw needsHelper('umask')
  const env = Object.fromEntries(environment.map(line => splitLine(Buffer.from(line as string).toString('utf8'))))
  if (plan.profile === null) return { file, args, env }
  if (argv0 !== file) throw needsHelper('argv0')
  if (plan.starter?.kind !== 'sandbox-exec') throw new InternalError('a plan of macOS without what starts a command')
  return { ...sandboxExecCommand(plan.starter.path, plan.profile, file, args), env }
}

function needsHelper(option: string): OptionError {
  return new OptionError(option, `${option} needs the helper program, which this plan does not use`)
}

function splitLine(line: string): readonly [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** From the numbers that native code takes back to the words of `child_process`. */
function nodeStdio(entry: number): SeatbeltStdio {
  if (entry >= 0) return entry
  return entry === NativeStdio.ignore ? 'ignore' : 'pipe'
}

function startOf(child: ChildProcess, command: Command, starter: SeatbeltStarter | null): Promise<void> {
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', error => {
      try {
        throw plainFailure(error, command, starter)
      } catch (told) {
        reject(told)
      }
    })
  })
  started.catch(() => {})
  return started
}

/** Why a program could not be started, in the words of whoever is to blame. */
export function plainFailure(error: NodeJS.ErrnoException, command: Command, starter: SeatbeltStarter | null): Error {
  throwMissingDirectory(command, error)
  if (starter !== null) {
    return new BackendError(`cannot start ${starter.path}: ${error.message}`, { capability: 'seatbelt', cause: error })
  }
  const { file, args } = command
  const errno = Math.abs(error.errno ?? 2)
  return new SpawnError(file, args, errno, new LaunchError(`cannot execute ${file}`, { stage: 'exec', errno }))
}
