/**
 * What the Seatbelt helper says of itself (`native/macos/helper.cc`), as errors: nothing of it is guessed from exit codes.
 */
import { existsSync } from 'node:fs'

import { BackendError, InternalError, LaunchError } from '../errors.ts'
import type { SeatbeltFailure } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { SpawnError } from '../process/spawn-error.ts'

/** The command, as far as errors name it. */
export interface NamedCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
}

/**
 * Returns when the profile is in force and the command was executed. Throws, and nothing was executed: SpawnError for the
 * command's own fault, BackendError (`ERR_BACKEND_UNAVAILABLE`) where Seatbelt cannot be used, LaunchError for anything else.
 */
export function judgeStatus(status: string | Error, command: NamedCommand): void {
  if (typeof status !== 'string') {
    throwMissingDirectory(command, status)
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

/** Node tells a missing directory as it tells a missing program. */
export function throwMissingDirectory({ file, args, cwd }: NamedCommand, cause: Error): void {
  if (!existsSync(cwd)) throw new SpawnError(file, args, 2, cause, ` (working directory ${cwd})`)
}

interface HelperFailure {
  readonly stage: string
  readonly errno: number
  readonly message: string
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

function errorOf({ stage, errno, message }: HelperFailure, { file, args }: NamedCommand): Error {
  const name = errnoName(errno)
  const details = { stage, errno, errnoName: name }
  switch (stage) {
    case 'exec':
      return new SpawnError(file, args, errno, new LaunchError(`cannot execute ${file}: ${name}`, details))
    case 'apply':
      return applyFailure({ errno, message })
    case 'protocol':
      return new LaunchError(`cannot hand over the Seatbelt profile: ${name} (${message})`, details)
    default:
      return new InternalError(`the Seatbelt helper failed at ${stage}`)
  }
}

/** Why the system did not take a profile. BackendError where it has no Seatbelt, LaunchError (stage `apply`) otherwise. */
export function applyFailure({ errno, message }: SeatbeltFailure): BackendError | LaunchError {
  const name = errnoName(errno)
  if (name === 'ENOSYS') return new BackendError(`cannot use Seatbelt: ${message}`, { capability: 'seatbelt' })
  const why = `cannot apply the Seatbelt profile: ${name} (${message.trim()})${nestingHint(name)}`
  return new LaunchError(why, { stage: 'apply', errno, errnoName: name })
}

function nestingHint(name: string): string {
  return name === 'EPERM' ? '. Hint: a process that is in a sandbox already cannot make another one' : ''
}
