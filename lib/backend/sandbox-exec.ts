/**
 * The same profile through the system's own program, where the helper is missing. Profile and paths then show in the list of
 * processes and share the space of the arguments with the command's own.
 */
import { LaunchError } from '../errors.ts'
import type { SeatbeltProfile } from '../native/seatbelt-frame.ts'
import { SpawnError } from '../process/spawn-error.ts'
import type { NamedCommand } from './seatbelt-status.ts'

export interface SandboxExecCommand {
  readonly file: string
  readonly args: readonly string[]
}

/** `program`: the system's, by its absolute path; never looked for on PATH. */
export function sandboxExecCommand(
  program: string,
  { text, parameters }: SeatbeltProfile,
  file: string,
  args: readonly string[],
): SandboxExecCommand {
  const defined = Object.entries(parameters).map(([key, value]) => `-D${key}=${value}`)
  return { file: program, args: ['-p', text, ...defined, '--', file, ...args] }
}

/** What execvp(3) says in words, where the number is the same on every system. */
const executionErrors: Readonly<Record<string, number>> = {
  'Operation not permitted': 1,
  'No such file or directory': 2,
  'Exec format error': 8,
  'Permission denied': 13,
  'Not a directory': 20,
}

/**
 * Why sandbox-exec did not start the command, or null when the exit is the command's own. It exits with numbers of
 * sysexits(3) that a command may use as well, so what it prints has to agree: 65 where the profile does not compile, 71 where it
 * cannot be applied, and 71 with other words where the command cannot be executed, which is the command's own fault.
 */
export function sandboxExecFailure(
  exitCode: number | null,
  standardError: string,
  { file, args }: Pick<NamedCommand, 'file' | 'args'>,
): LaunchError | SpawnError | null {
  const said = /^sandbox-exec: (.*)/m.exec(standardError)?.[1]
  if (said === undefined) return null
  if (exitCode === 65) return new LaunchError(`cannot compile the Seatbelt profile: ${said}`, { stage: 'compile' })
  if (exitCode !== 71) return null
  const why = /^execvp\(\) of .* failed: (.*)$/.exec(said)?.[1]
  if (why === undefined) return new LaunchError(`cannot apply the Seatbelt profile: ${said}`, { stage: 'apply' })
  const cause = new LaunchError(`cannot execute ${file}: ${why}`, { stage: 'exec' })
  const errno = Object.hasOwn(executionErrors, why) ? executionErrors[why] : undefined
  return errno === undefined ? cause : new SpawnError(file, args, errno, cause)
}
