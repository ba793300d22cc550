/**
 * One command as the caller gave it, validated. Native code is only ever given what passed here.
 */
import { OptionError } from '../errors.ts'
import type { NativeExpectations } from '../native/binding.ts'
import type { LimitPlan, Limits } from '../plan/linux/process-limits.ts'
import type { Environment } from './environment.ts'
import type { InheritEnv } from './inherited-environment.ts'
import type { StdioOption } from './stdio.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly argv0: string
  /** Absolute. */
  readonly cwd: string
  readonly env: Environment
  readonly stdio: readonly number[]
  /**
   * `new`: a session of its own, without a controlling terminal. `inherit`: stays in the caller's session and process
   * group, so that job control and Ctrl-C work as for any program of the terminal.
   */
  readonly session: 'new' | 'inherit'
  readonly limits: LimitPlan
  /** umask(2); undefined: the host's. */
  readonly umask: number | undefined
  readonly oomScoreAdjust: number
  /** What `run` puts on the disk itself, and looks at itself. undefined: everything is there, and was looked at. */
  readonly expected?: NativeExpectations | undefined
}

/** The command with what the sandbox holds it to. Member by member: a copy by spread costs as much as half a launch. */
export function heldCommand(command: Command, limits: LimitPlan, expected: Command['expected']): Command {
  const { file, args, argv0, cwd, env, stdio, session, umask, oomScoreAdjust } = command
  return { file, args, argv0, cwd, env, stdio, session, limits, umask, oomScoreAdjust, expected }
}

export interface CommandOptions {
  /** Working directory. Default: the sandbox's. */
  readonly cwd?: string | undefined
  /** The whole environment of the command, but for what `inheritEnv` adds below it. Default: the sandbox's. */
  readonly env?: Environment | undefined
  /** Which variables of the host the command gets, below `env`. Default: the sandbox's. */
  readonly inheritEnv?: InheritEnv | undefined
  /** Default: 'pipe'. */
  readonly stdio?: StdioOption | undefined
  /** What the command sees as its own name. Default: the file. */
  readonly argv0?: string | undefined
  readonly session?: 'new' | 'inherit' | undefined
  /** Further limits; the sandbox's hold as well. */
  readonly limits?: Limits | undefined
  /** Mode bits that new files do not get, for instance 0o077. Default: the sandbox's. */
  readonly umask?: number | undefined
}

/** Throws OptionError (`ERR_INVALID_OPTION`) naming the argument. */
export function checkWords(file: unknown, args: unknown): asserts args is readonly string[] {
  if (typeof file !== 'string' || file === '') {
    throw new OptionError('file', 'the command must be a non-empty string')
  }
  if (file.includes('\0')) throw new OptionError('file', 'the command holds a NUL character')
  if (!Array.isArray(args)) throw new OptionError('args', 'the arguments must be an array of strings')
  // Not forEach, which passes over the holes of a sparse array.
  for (const [index, argument] of args.entries()) {
    if (typeof argument !== 'string') throw new OptionError(`args[${index}]`, `args[${index}] is not a string`)
    if (argument.includes('\0')) throw new OptionError(`args[${index}]`, `args[${index}] holds a NUL character`)
  }
}
