/**
 * Starts a command under a Seatbelt profile: a plain child process runs the helper program (`native/macos/helper.cc`), which
 * confines itself and becomes the command. The child's pid, signals, exit, streams and IPC are therefore the command's own.
 * The profile and the command's environment go through a descriptor; nothing of them shows in the arguments, and nothing of the
 * environment acts on the helper.
 *
 * No command has run under a profile of ours yet: this was exercised on Linux, where the helper confines nothing.
 */
import { type ChildProcess, type IOType, spawn } from 'node:child_process'
import type { Readable, Stream, Writable } from 'node:stream'

import { encodeSeatbeltFrame, type SeatbeltProfile, type SeatbeltRequest } from '../native/seatbelt-frame.ts'
import { judgeStatus } from './seatbelt-status.ts'

export type SeatbeltStdio = IOType | 'ipc' | Stream | number | null | undefined

export interface SeatbeltCommand extends SeatbeltRequest {
  /** As the caller named it, for errors. */
  readonly file: string
  readonly args: readonly string[]
  /** What the command sees as its own name. */
  readonly argv0: string
  readonly cwd: string
  /** As for `child_process.spawn`; at least three entries. */
  readonly stdio: readonly SeatbeltStdio[]
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
  const frame = encodeSeatbeltFrame(profile, command)
  const { stdio } = command
  const [profileFd, statusFd] = [stdio.length, stdio.length + 1]
  const child = spawn(helper, helperArguments({ profile: profileFd, status: statusFd }, command), {
    cwd: command.cwd,
    env: {},
    stdio: [...stdio, 'pipe', 'pipe'],
    detached: command.newSession,
  })
  const confined = statusOf(child, statusFd).then(status => judgeStatus(status, command))
  // Whoever only watches the child must not be ended by a rejection that nobody awaits.
  confined.catch(() => {})
  const input = child.stdio[profileFd] as Writable | null | undefined
  // A helper that dies before it has read everything says so by its status.
  input?.on('error', () => {})
  input?.end(frame)
  return { child, confined }
}

/** The helper's descriptors, see `native/macos/helper.cc`. */
export interface HelperDescriptors {
  readonly profile: number
  readonly status: number
  readonly input?: number
}

export function helperArguments(
  { profile, status, input }: HelperDescriptors,
  { argv0, args }: Pick<SeatbeltCommand, 'argv0' | 'args'>,
): string[] {
  const own = ['--profile', String(profile), '--status', String(status)]
  return [...own, ...(input === undefined ? [] : ['--input', String(input)]), '--', argv0, ...args]
}

/** Everything that the helper says; an error when it could not be started. */
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
