/**
 * The same profile through the system's own program, where the helper is missing. Profile and paths then show in the list of
 * processes and share the space of the arguments with the command's own.
 */
import { LaunchError } from '../errors.ts'
import type { SeatbeltProfile } from '../native/seatbelt-frame.ts'

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

/**
 * Why sandbox-exec did not start the command, or null when the exit is the command's own. It exits with numbers of
 * sysexits(3) that a command may use as well, so what it prints has to agree.
 */
export function sandboxExecFailure(exitCode: number | null, standardError: string): LaunchError | null {
  const said = /^sandbox-exec: (.*)/m.exec(standardError)?.[1]
  if (said === undefined) return null
  if (exitCode === 65) return new LaunchError(`cannot compile the Seatbelt profile: ${said}`, { stage: 'compile' })
  if (exitCode === 71) return new LaunchError(`cannot apply the Seatbelt profile: ${said}`, { stage: 'apply' })
  return null
}
