/**
 * Starts a command under a Seatbelt profile: a plain child process runs the helper program (`native/macos/helper.cc`), which
 * confines itself and becomes the command. The child's pid, signals, exit, streams and IPC are therefore the command's own.
 * The profile goes through a descriptor; nothing of it shows in the arguments.
 *
 * No command has run under a profile of ours yet: this was exercised on Linux, where the helper confines nothing.
 */
import { type ChildProcess, type IOType, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Readable, Stream, Writable } from 'node:stream'

import { BackendError, InternalError, LaunchError } from '../errors.ts'
import { errnoName } from '../native/errno.ts'
import { encodeSeatbeltFrame, type SeatbeltProfile } from '../native/seatbelt-frame.ts'
import { SpawnError } from '../process/spawn-error.ts'

export interface SeatbeltCommand {
  /** Absolute: inside the sandbox, looking for a program may need more than the policy gives. */
  readonly file: string
  readonly args: readonly string[]
  /** What the command sees as its own name. Default: the file. */
  readonly argv0?: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** As for `child_process.spawn`; at least three entries. */
  readonly stdio: readonly (IOType | 'ipc' | Stream | number | null | undefined)[]
  /** A session of its own, which is also what a signal to the whole tree goes to. */
  readonly newSession: boolean
}

export interface SeatbeltChild {
  readonly child: ChildProcess
  /**
   * Resolves when the command runs under the profile. Rejects, and nothing was executed, with SpawnError for the command's own
   * fault, BackendError (`ERR_BACKEND_UNAVAILABLE`) where Seatbelt cannot be used, LaunchError for anything else.
   */
  readonly confined: Promise<void>
}

/** Throws OptionError for a profile that cannot be handed over, and what `child_process.spawn` throws for misused options. */
export function spawnSeatbelt(helper: string, profile: SeatbeltProfile, command: SeatbeltCommand): SeatbeltChild {
  const frame = encodeSeatbeltFrame(profile)
  const { stdio } = command
  const [profileFd, statusFd] = [stdio.length, stdio.length + 1]
  const own = ['--profile', String(profileFd), '--status', String(statusFd)]
  const named = command.argv0 === undefined ? [] : ['--argv0', command.argv0]
  const child = spawn(helper, [...own, ...named, '--', command.file, ...command.args], {
    cwd: command.cwd,
    env: command.env,
    stdio: [...stdio, 'pipe', 'pipe'],
    detached: command.newSession,
  })
  const confined = statusOf(child, statusFd).then(status => judge(status, command))
  // Whoever only watches the child must not be ended by a rejection that nobody awaits.
  confined.catch(() => {})
  const input = child.stdio[profileFd] as Writable | null | undefined
  // A helper that dies before it has read everything says so by its status.
  input?.on('error', () => {})
  input?.end(frame)
  return { child, confined }
}

/** Everything that the helper says; null when it could not be started. */
function statusOf(child: ChildProcess, fd: number): Promise<string | Error> {
  return new Promise(resolve => {
    child.once('error', resolve)
    const stream = child.stdio[fd] as Readable | null | undefined
    if (stream === null || stream === undefined) return
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (part: string) => {
      text += part
    })
    stream.once('error', resolve)
    stream.once('end', () => resolve(text))
  })
}

interface HelperFailure {
  readonly stage: string
  readonly errno: number
  readonly message: string
}

function judge(status: string | Error, command: SeatbeltCommand): void {
  if (typeof status !== 'string') {
    // Node tells a missing directory as it tells a missing program.
    if (!existsSync(command.cwd))
      throw new SpawnError(command.file, command.args, 2, status, ` (working directory ${command.cwd})`)
    throw new BackendError(`cannot start the Seatbelt helper: ${status.message}`, {
      capability: 'seatbelt-helper',
      cause: status,
    })
  }
  if (status === 'A') return
  // After the profile is in force only the execution can fail.
  const failure = readFailure(status.startsWith('A') ? status.slice(1) : status)
  if (failure === null) {
    throw new LaunchError('cannot confine the command: the Seatbelt helper ended before it was confined', {
      stage: 'helper',
    })
  }
  throw errorOf(failure, command)
}

function readFailure(line: string): HelperFailure | null {
  try {
    const found = JSON.parse(line) as Partial<HelperFailure> | null
    const { stage, errno, message } = found ?? {}
    return typeof stage === 'string' && typeof errno === 'number' && typeof message === 'string'
      ? { stage, errno, message }
      : null
  } catch {
    return null
  }
}

function errorOf({ stage, errno, message }: HelperFailure, { file, args }: SeatbeltCommand): Error {
  const name = errnoName(errno)
  const details = { stage, errno, errnoName: name }
  switch (stage) {
    case 'exec':
      return new SpawnError(file, args, errno, new LaunchError(`cannot execute ${file}: ${name}`, details))
    case 'apply':
      return name === 'ENOSYS'
        ? new BackendError(`cannot use Seatbelt: ${message}`, { capability: 'seatbelt' })
        : new LaunchError(`cannot apply the Seatbelt profile: ${name} (${message.trim()})${nestingHint(name)}`, details)
    case 'protocol':
      return new LaunchError(`cannot hand over the Seatbelt profile: ${name} (${message})`, details)
    default:
      return new InternalError(`the Seatbelt helper failed at ${stage}`)
  }
}

function nestingHint(name: string): string {
  return name === 'EPERM' ? '. Hint: a process that is in a sandbox already cannot make another one' : ''
}

/** `signal` to every process of a command that was started in a session of its own; false when there is none any more. */
export function signalSession({ pid }: ChildProcess, signal: NodeJS.Signals | number): boolean {
  // Never 0 or 1: they would be the caller's own group, or everybody.
  if (pid === undefined || pid < 2) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
