/**
 * From the words of a call to a checked command, with what the sandbox gives where the call says nothing.
 */
import { isatty } from 'node:tty'

import { type AbsolutePath, resolvePath } from '../policy/path.ts'
import { type Command, type CommandOptions, checkWords } from '../process/command.ts'
import type { Environment } from '../process/environment.ts'
import { nativeStdio } from '../process/stdio.ts'

export class Commands {
  readonly #cwd: AbsolutePath
  readonly #env: Environment | undefined

  /** `env`: what commands get whose call names none; without it, the host's environment at that time. */
  constructor(cwd: AbsolutePath, env: Environment | undefined) {
    this.#cwd = cwd
    this.#env = env
  }

  environment(given: Environment | undefined): Environment {
    return given ?? this.#env ?? process.env
  }

  /** `input`: what descriptor 0 is when the call says nothing about stdio. Throws OptionError naming the argument. */
  command(file: string, args: readonly string[], options: CommandOptions, input: 'ignore' | 'pipe'): Command {
    checkWords(file, args)
    const stdio = nativeStdio(options.stdio ?? [input, 'pipe', 'pipe'])
    const terminal = stdio[0] !== undefined && stdio[0] >= 0 && isatty(stdio[0])
    return {
      file,
      args,
      argv0: options.argv0 ?? file,
      cwd: options.cwd === undefined ? this.#cwd : resolvePath(options.cwd, this.#cwd),
      env: this.environment(options.env),
      stdio,
      session: options.session ?? (terminal ? 'inherit' : 'new'),
    }
  }
}
