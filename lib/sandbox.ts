/**
 * A sandbox: one policy in one place, with commands to run under it. This file puts the layers together; every decision
 * stands in `policy/` and `plan/`.
 *
 *   createSandbox ─ resolve ─▶ choose ─▶ Held { resolved, plan, launcher, state }      sandbox/holding.ts
 *   run, spawn …  ─ state unchanged? ─▶ launch
 *                └─ changed ─▶ resolve again, choose again ─▶ launch, or refuse
 */
import type { Socket } from 'node:net'

import type { WrappedCommand } from './backend/wrap.ts'
import { DisposedError, LimitError, OptionError } from './errors.ts'
import type { Notice } from './notices.ts'
import { type Explanation, explainPath } from './plan/explain.ts'
import type { LimitPlan, Limits } from './plan/linux/process-limits.ts'
import type { Plan } from './plan/plan.ts'
import { canonicalPaths } from './policy/canonical.ts'
import { type AbsolutePath, resolvePath } from './policy/path.ts'
import type { Policy } from './policy/policy.ts'
import { parseSandboxPolicy } from './policy/sandbox-policy.ts'
import type { ResolvedPolicy, Surroundings } from './policy/types.ts'
import { type Command, type CommandOptions, checkWords, heldCommand } from './process/command.ts'
import { withChannel } from './process/environment.ts'
import { checkInheritEnv } from './process/inherited-environment.ts'
import { combineLimits } from './process/limit-options.ts'
import { attachChannel } from './process/node-channel.ts'
import { checkNames } from './process/option-names.ts'
import { checkRunOptions, checkSpawnOptions, type RunOptions, type SpawnOptions } from './process/options.ts'
import type { RunResult } from './process/result.ts'
import { type ActiveRuns, StaleError } from './process/run.ts'
import type { SandboxedProcess } from './process/sandboxed-process.ts'
import type { Starter } from './process/starter.ts'
import { forkStreams } from './process/stdio.ts'
import { Commands } from './sandbox/commands.ts'
import { type Held, Holding, type Ready } from './sandbox/holding.ts'
import { hostSystem } from './sandbox/host-system.ts'
import {
  checkSandboxOptions,
  type LinuxOptions,
  type MacosOptions,
  type SandboxOptions,
  type WindowsOptions,
} from './sandbox/options.ts'
import type { HostSystem, PathWords, SandboxSystem } from './sandbox/system.ts'
import { WrapTargets } from './sandbox/wrap-targets.ts'

export interface ForkOptions extends SpawnOptions {
  /** The Node.js to run. Default: this one. */
  readonly execPath?: string
  /** Its own options, before the module. Default: none. */
  readonly execArgv?: readonly string[]
  /** Pipes instead of this process's streams. Default: false. */
  readonly silent?: boolean
}

export type WrapOptions = Pick<CommandOptions, 'env' | 'inheritEnv'>

type Buffered<Options> = Options extends { encoding: 'buffer' } ? Buffer : string

/**
 * Makes a sandbox. Throws PolicyError (`ERR_POLICY_INVALID`, or `ERR_POLICY_NOT_ENFORCEABLE` naming entry and mechanism),
 * BackendError (`ERR_BACKEND_UNAVAILABLE`) when nothing on this machine can hold the policy, OptionError for a misused option.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  return await makeSandbox(options, hostSystem)
}

/** @internal The same on an operating system that is given, for tests of one on another. */
export async function makeSandbox(options: SandboxOptions, systemOf: () => HostSystem): Promise<Sandbox> {
  checkSandboxOptions(options)
  const host = systemOf()
  const here = host.surroundings(options.cwd)
  const surroundings = options.git === undefined ? here : { ...here, git: options.git }
  // Without a base: a relative path in a policy would mean another place in another host (WIRE-5).
  const policy =
    host.parse?.(options.policy, surroundings) ?? parseSandboxPolicy(options.policy, { unknownMembers: 'refuse' })
  const system = await host.open(policy, surroundings, options)
  const sandbox = new Sandbox(policy, surroundings, system, options, host.paths)
  await system.prepare?.(sandbox.plan)
  return sandbox
}

export class Sandbox {
  readonly #surroundings: Surroundings
  readonly #system: SandboxSystem
  readonly #holding: Holding
  readonly #commands: Commands
  readonly #wrapped: WrapTargets
  readonly #limits: Limits | undefined
  readonly #active: ActiveRuns = new Set()
  readonly #paths: PathWords | undefined
  #disposed = false
  #closed: Promise<void> = Promise.resolve()

  /** @internal Use `createSandbox`. */
  constructor(
    policy: Policy,
    surroundings: Surroundings,
    system: SandboxSystem,
    options: SandboxOptions,
    paths?: PathWords,
  ) {
    this.#paths = paths
    this.#surroundings = surroundings
    this.#system = system
    this.#holding = new Holding(system, policy, surroundings)
    this.#commands = new Commands(surroundings.policyCwd, options, paths)
    this.#wrapped = new WrapTargets(system)
    this.#limits = options.limits
    // What no command could be held to is refused before there is one.
    this.#limitsOf({}, undefined, this.#holding.current())
  }

  /** How commands are held, as frozen data. Made again when what it rests on changes on the disk. */
  get plan(): Plan {
    return this.#holding.current().plan
  }

  /** The policy as resolved for this place. */
  get policy(): ResolvedPolicy {
    return this.#holding.current().resolved
  }

  /** What a host may want to tell its user. */
  get notices(): readonly Notice[] {
    return this.#holding.notices
  }

  /** The working directory of the policy and of commands. */
  get cwd(): AbsolutePath {
    const { policyCwd } = this.#surroundings
    // Spelled as this system's users do, and absolute all the same.
    return this.#paths === undefined ? policyCwd : (this.#paths.spell(policyCwd) as AbsolutePath)
  }

  /**
   * Runs a command and collects its output. Resolves whatever the exit code is. Rejects with SpawnError (shaped like Node's,
   * `code: 'ENOENT'`) when the program or the working directory is not there, LaunchError (`ERR_LAUNCH`) when a confinement
   * step failed and the command did not run, AbortError when `signal` was aborted, OptionError for a misused option.
   */
  async run<const Options extends RunOptions>(
    file: string,
    args: readonly string[] = [],
    options?: Options,
  ): Promise<RunResult<Buffered<Options>>> {
    const given: RunOptions = options ?? {}
    checkRunOptions(given)
    const command = this.#command(file, args, given, given.input === undefined ? 'ignore' : 'pipe')
    try {
      return (await this.#run(command, given, this.#holding.readyToRun(given.lifetime))) as RunResult<Buffered<Options>>
    } catch (error) {
      if (!(error instanceof StaleError)) throw error
      return (await this.#run(command, given, this.#holding.ready(given.lifetime))) as RunResult<Buffered<Options>>
    }
  }

  #run(command: Command, options: RunOptions, { held, expected, release }: Ready) {
    let running: ReturnType<Starter['run']>
    try {
      const ready = heldCommand(command, this.#limitsOf(options, command.stdio, held), expected)
      running = held.starter.run(ready, options, held.facts, this.#active)
    } catch (error) {
      release()
      throw error
    }
    // What is expected of the starter leaves nothing to be released here.
    return expected === undefined ? running.finally(release) : running
  }

  /** Like `run`, but blocks the event loop until the command has ended. */
  runSync<const Options extends RunOptions>(
    file: string,
    args: readonly string[] = [],
    options?: Options,
  ): RunResult<Buffered<Options>> {
    const given: RunOptions = options ?? {}
    checkRunOptions(given)
    const command = this.#command(file, args, given, given.input === undefined ? 'ignore' : 'pipe')
    const { held, release } = this.#holding.ready(given.lifetime)
    try {
      const limited = this.#limited(command, given, held)
      return held.starter.runSync(limited, given, held.facts) as RunResult<Buffered<Options>>
    } finally {
      release()
    }
  }

  /** Starts a command with the contract of `child_process.spawn`: a ChildProcess with its streams and events. */
  spawn(file: string, args: readonly string[] = [], options: SpawnOptions = {}): SandboxedProcess {
    checkSpawnOptions(options)
    const command = this.#command(file, args, options, 'pipe')
    const { held, release } = this.#holding.ready(options.lifetime)
    let child: SandboxedProcess | undefined
    const end = () => child?.terminate('SIGKILL', 0)
    this.#active.add(end)
    const ended = () => {
      release()
      this.#active.delete(end)
    }
    try {
      child = held.starter.spawn(this.#limited(command, options, held), options, ended)
      return child
    } catch (error) {
      ended()
      throw error
    }
  }

  /**
   * Starts a Node.js module confined from its first instruction, with the contract of `child_process.fork`: `send`, 'message',
   * `disconnect`. Messages are JSON, without handles; one that is longer than 16 Mi characters closes the channel. The module and
   * Node.js itself must be readable under the policy. Throws OptionError for a misused option.
   */
  fork(modulePath: string, args: readonly string[] = [], options: ForkOptions = {}): SandboxedProcess {
    const { execPath = process.execPath, execArgv = [], silent = false, ...given } = options
    const streams = forkStreams(given.stdio, silent)
    const env = withChannel(this.#commands.environment(given), streams.length)
    const stdio = [...streams, 'pipe' as const]
    const words = [...execArgv, modulePath, ...args]
    const child = this.spawn(execPath, words, { ...given, env, inheritEnv: 'none', stdio })
    if (this.#system.nativeChannel !== true) attachChannel(child, child.stdio[streams.length as 3] as Socket)
    return child
  }

  /**
   * A confined form of a command for another spawner. Its `file` and `args` refer to this process, which must be alive when the
   * command is started; the spawner owns the command's life. What the policy keeps missing can be created from the moment
   * that the sandbox is disposed or this process ends. Throws BackendError for the engine `bwrap`.
   */
  wrap(file: string, args: readonly string[] = [], options: WrapOptions = {}): WrappedCommand {
    checkNames(options, new Set(['env', 'inheritEnv']))
    checkInheritEnv(options.inheritEnv)
    this.#refuseWrappedLimits()
    checkWords(file, args)
    const { held, release } = this.#holding.ready('command')
    const target = this.#wrapped.targetOf(held.carriedOut, release)
    const env = Object.entries({ ...this.#commands.environment(options), ...held.plan.environment })
    return target.command(
      file,
      args,
      Object.fromEntries(env.filter((pair): pair is [string, string] => pair[1] !== undefined)),
    )
  }

  /** Which access commands have to a path, and why. Relative paths are meant from the sandbox's directory. */
  explain(path: string): Explanation {
    if (typeof path !== 'string' || path === '' || path.includes('\0')) {
      throw new OptionError('path', 'the path must be a non-empty string without a NUL character')
    }
    const { resolved, plan } = this.#holding.current()
    const { policyCwd, home } = this.#surroundings
    const asked = this.#paths?.read(path, policyCwd) ?? resolvePath(path, policyCwd, home)
    const canonicalPath = canonicalPaths(this.#surroundings.files).canonical(asked)
    return explainPath({ resolved, plan, path: asked, canonicalPath })
  }

  /** Ends every running command with its tree; later calls throw DisposedError (`ERR_SANDBOX_DISPOSED`). */
  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#holding.dispose()
    const reason = new DisposedError('the sandbox was disposed while the command ran')
    for (const end of [...this.#active]) end(reason)
    this.#wrapped.close()
    this.#closed = this.#system.close?.() ?? Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]()
    const deadline = performance.now() + 5000
    while (this.#active.size > 0 && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
    await this.#closed
  }

  /** A wrapped command is not this library's to watch, and gets no option of its own. */
  #refuseWrappedLimits(): void {
    const limit = Object.entries(this.#limits ?? {}).find(([, value]) => value !== undefined)?.[0]
    if (limit === undefined) return
    const message = `cannot hold a wrapped command to ${limit}: whoever starts it has to`
    throw new LimitError(message, { limit, mechanism: 'wrap' })
  }

  #limited(command: Command, options: CommandOptions, held: Held): Command {
    return heldCommand(command, this.#limitsOf(options, command.stdio, held), undefined)
  }

  #limitsOf({ limits }: CommandOptions, stdio: readonly number[] | undefined, { plan }: Held): LimitPlan {
    return this.#system.holdLimits(combineLimits(this.#limits, limits), stdio, plan)
  }

  #command(file: string, args: readonly string[], options: CommandOptions, input: 'ignore' | 'pipe'): Command {
    // First, so that a mistake in a call leaves no trace, not even in the times of a directory.
    this.#holding.assertUsable()
    return this.#commands.command(file, args, options, input)
  }
}

export type { LinuxOptions, MacosOptions, SandboxOptions, WindowsOptions }
