/**
 * From the words of a call to a checked command, with what the sandbox gives where the call says nothing.
 */
import { isatty } from 'node:tty'

import { noLimits } from '../plan/linux/process-limits.ts'
import { type AbsolutePath, resolvePath } from '../policy/path.ts'
import { type Command, type CommandOptions, checkWords } from '../process/command.ts'
import { channelVariables, type Environment } from '../process/environment.ts'
import { inheritedEnvironment } from '../process/inherited-environment.ts'
import { nativeStdio } from '../process/stdio.ts'
import type { SandboxOptions } from './options.ts'
import type { PathWords } from './system.ts'

type CommandDefaults = Pick<SandboxOptions, 'env' | 'inheritEnv' | 'umask' | 'linux'>
type EnvironmentChoice = Pick<CommandOptions, 'env' | 'inheritEnv'>

export class Commands {
  readonly #cwd: AbsolutePath
  readonly #options: CommandDefaults
  readonly #paths: PathWords | undefined

  constructor(cwd: AbsolutePath, defaults: CommandDefaults, paths?: PathWords) {
    this.#paths = paths
    this.#cwd = cwd
    this.#options = defaults
  }

  /**
   * `env` is the whole environment, unless `inheritEnv` says what of the host's lies below it. Without both it is all of the
   * host's, as it is at this time.
   */
  environment({ env = this.#options.env, inheritEnv = this.#options.inheritEnv }: EnvironmentChoice): Environment {
    const rule = inheritEnv ?? (env === undefined ? 'all' : 'none')
    if (rule === 'none') return env ?? {}
    const inherited = inheritedEnvironment(rule, hostEnvironment())
    return env === undefined ? inherited : { ...inherited, ...env }
  }

  #directory(given: string | undefined): string {
    const paths = this.#paths
    if (paths === undefined) return given === undefined ? this.#cwd : resolvePath(given, this.#cwd)
    return paths.spell(given === undefined ? this.#cwd : paths.read(given, this.#cwd))
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
      cwd: this.#directory(options.cwd),
      env: this.environment(options),
      stdio,
      session: options.session ?? (terminal ? 'inherit' : 'new'),
      limits: noLimits,
      umask: options.umask ?? this.#options.umask,
      oomScoreAdjust: this.#options.linux?.oomScoreAdjust ?? 0,
    }
  }
}

/** A host that was forked by Node may have a channel of its own, which no command gets. */
function hostEnvironment(): Environment {
  const { NODE_CHANNEL_FD, NODE_CHANNEL_SERIALIZATION_MODE } = process.env
  if (NODE_CHANNEL_FD === undefined && NODE_CHANNEL_SERIALIZATION_MODE === undefined) return process.env
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !channelVariables.includes(name)))
}
