/**
 * A sandbox: one policy in one place, with commands to run under it. This file puts the layers together; every decision
 * stands in `policy/` and `plan/`.
 *
 *   createSandbox ─ resolve ─▶ choose ─▶ Held { resolved, plan, launcher, state }
 *   run, spawn …  ─ state unchanged? ─▶ launch
 *                └─ changed ─▶ resolve again, choose again ─▶ launch, or refuse
 */
import { isatty } from 'node:tty'

import { launcherFor } from './backend/launcher.ts'
import { missingPlaces, withoutPlaces } from './backend/missing-places.ts'
import { type WrappedCommand, WrapTarget } from './backend/wrap.ts'
import { BackendError, DisposedError, LaunchError, OptionError, PolicyError } from './errors.ts'
import { findBubblewrap, unsoughtBubblewrap } from './host/bubblewrap.ts'
import type { BubblewrapCapability, HostCapabilities } from './host/capabilities.ts'
import { fileSystemView } from './host/file-system-view.ts'
import { type PathState, watchFiles } from './host/path-state.ts'
import { Placeholders } from './host/placeholder.ts'
import { probeCapabilities } from './host/probe.ts'
import { currentSurroundings } from './host/surroundings.ts'
import type { Notice } from './notices.ts'
import { type BubblewrapUse, choosePlan } from './plan/choose.ts'
import { type Explanation, explainPath } from './plan/explain.ts'
import type { ProcessView } from './plan/linux/namespaces.ts'
import type { LinuxEngine, Plan, Refusal } from './plan/plan.ts'
import { canonicalPaths } from './policy/canonical.ts'
import { refuseMovedRoots } from './policy/moved-roots.ts'
import { type AbsolutePath, joinPath, resolvePath } from './policy/path.ts'
import type { Policy } from './policy/policy.ts'
import { resolvePolicy } from './policy/resolve.ts'
import { parseSandboxPolicy } from './policy/sandbox-policy.ts'
import type { ResolvedPolicy, Surroundings } from './policy/types.ts'
import { type Command, type CommandOptions, checkWords } from './process/command.ts'
import type { Environment } from './process/environment.ts'
import { environmentRuns } from './process/environment-runs.ts'
import type { Launcher } from './process/launch.ts'
import { checkNames } from './process/option-names.ts'
import { checkRunOptions, checkSpawnOptions, type RunOptions, type SpawnOptions } from './process/options.ts'
import type { RunResult } from './process/result.ts'
import { AbortError, run, runSync } from './process/run.ts'
import type { Runs } from './process/runs.ts'
import { SandboxedProcess } from './process/sandboxed-process.ts'
import { nativeStdio } from './process/stdio.ts'

export interface LinuxOptions {
  /** The engines that may hold the file system, in order of preference. Default: namespace, bwrap, landlock. */
  readonly engines?: readonly LinuxEngine[] | undefined
  /**
   * Whether commands see the host's processes in /proc. 'isolated' (default) hides them in a PID namespace; 'shared' does
   * not, and `plan.limits` then says what it does not hold.
   */
  readonly processes?: ProcessView | undefined
  /** When the system's bubblewrap is used. Default: 'fallback'. */
  readonly bubblewrap?: BubblewrapUse | undefined
}

export interface SandboxOptions {
  /**
   * What commands may do: a preset (`policies.workspaceWrite()`), a preset's name, a legacy `SandboxPolicy`, a split policy
   * `{ fileSystem, network }`, or a file-system policy alone (the network is then closed).
   */
  readonly policy: unknown
  /** The policy's and the commands' working directory. Default: the process's. */
  readonly cwd?: string | undefined
  /** The environment of commands. Default: `process.env` at the time of each command. */
  readonly env?: Environment | undefined
  /** Refuse a plan that does not hold everything (`plan.limits`). Default: false; then a notice tells. */
  readonly strict?: boolean | undefined
  readonly linux?: LinuxOptions | undefined
}

type Buffered<Options> = Options extends { encoding: 'buffer' } ? Buffer : string

/** What was decided for the disk as it is. */
interface Held {
  readonly resolved: ResolvedPolicy
  readonly plan: Plan
  readonly notices: readonly Notice[]
  /** Carries the plan out, but for the places where nobody can create anything anyway. */
  readonly launcher: Launcher
  readonly carriedOut: Plan
  readonly needless: readonly string[]
  readonly state: PathState
}

/** For one launch. */
interface Ready {
  readonly held: Held
  readonly release: () => void
}

let environmentPlaceholders: Placeholders | undefined

/**
 * Makes a sandbox. Throws PolicyError (`ERR_POLICY_INVALID`, or `ERR_POLICY_NOT_ENFORCEABLE` naming entry and mechanism),
 * BackendError (`ERR_BACKEND_UNAVAILABLE`) when nothing on this machine can hold the policy, OptionError for a misused option.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  checkSandboxOptions(options)
  const surroundings = currentSurroundings(options.cwd === undefined ? {} : { cwd: options.cwd })
  // Without a base: a relative path in a policy would mean another place in another host (WIRE-5).
  const policy = parseSandboxPolicy(options.policy, { unknownMembers: 'refuse' })
  const bubblewrap = await seekBubblewrap(() => resolvePolicy(policy, surroundings), options)
  return new Sandbox(policy, surroundings, bubblewrap, options)
}

/** Finding bubblewrap costs processes, so it is looked for only when it may come to be used. */
function seekBubblewrap(resolve: () => ResolvedPolicy, options: SandboxOptions): Promise<BubblewrapCapability> {
  const use = options.linux?.bubblewrap ?? 'fallback'
  const engines = options.linux?.engines ?? ['namespace', 'bwrap']
  const capabilities = probeCapabilities(unsoughtBubblewrap)
  const wanted =
    capabilities.platform === 'linux' &&
    use !== 'never' &&
    engines.includes('bwrap') &&
    (use !== 'fallback' ||
      engines[0] === 'bwrap' ||
      !engines.includes('namespace') ||
      !capabilities.userNamespaces.available)
  if (!wanted) return Promise.resolve(unsoughtBubblewrap)
  const resolved = resolve()
  return findBubblewrap(process.env['PATH'], [resolved.cwd, ...resolved.writableRoots.map(({ root }) => root)])
}

export class Sandbox {
  readonly #policy: Policy
  readonly #surroundings: Surroundings
  readonly #capabilities: HostCapabilities
  readonly #options: SandboxOptions
  readonly #runs: Runs
  readonly #active = new Set<() => void>()
  readonly #wrapTargets = new Map<Plan, WrapTarget>()
  readonly #wrapped: (() => void)[] = []
  readonly #placeholders: Placeholders
  #held: Held
  #disposed = false

  /** @internal Use `createSandbox`. */
  constructor(policy: Policy, surroundings: Surroundings, bubblewrap: BubblewrapCapability, options: SandboxOptions) {
    this.#policy = policy
    this.#surroundings = surroundings
    this.#capabilities = probeCapabilities(bubblewrap)
    this.#options = options
    this.#runs = environmentRuns()
    environmentPlaceholders ??= new Placeholders(this.#runs.binding)
    this.#placeholders = environmentPlaceholders
    this.#held = this.#hold()
  }

  /** How commands are held, as frozen data. Made again when what it rests on changes on the disk. */
  get plan(): Plan {
    return this.#current().plan
  }

  /** The policy as resolved for this place. */
  get policy(): ResolvedPolicy {
    return this.#current().resolved
  }

  /** What a host may want to tell its user. */
  get notices(): readonly Notice[] {
    return this.#held.notices
  }

  /** The working directory of the policy and of commands. */
  get cwd(): AbsolutePath {
    return this.#surroundings.policyCwd
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
    const abort = new AbortController()
    const end = () => abort.abort(new DisposedError('the sandbox was disposed while the command ran'))
    const command = this.#command(file, args, given, given.input === undefined ? 'ignore' : 'pipe')
    const { held, release } = this.#ready(given.lifetime)
    try {
      const signal = given.signal === undefined ? abort.signal : AbortSignal.any([given.signal, abort.signal])
      this.#active.add(end)
      return (await run(this.#runs, held.launcher, command, { ...given, signal }, facts(held))) as RunResult<
        Buffered<Options>
      >
    } finally {
      release()
      this.#active.delete(end)
    }
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
    const { held, release } = this.#ready(given.lifetime)
    try {
      return runSync(this.#runs, held.launcher, command, given, facts(held)) as RunResult<Buffered<Options>>
    } finally {
      release()
    }
  }

  /** Starts a command with the contract of `child_process.spawn`: a ChildProcess with its streams and events. */
  spawn(file: string, args: readonly string[] = [], options: SpawnOptions = {}): SandboxedProcess {
    checkSpawnOptions(options)
    const command = this.#command(file, args, options, 'pipe')
    const { held, release } = this.#ready(options.lifetime)
    let child: SandboxedProcess | undefined
    const end = () => child?.terminate('SIGKILL', 0)
    this.#active.add(end)
    const ended = () => {
      release()
      this.#active.delete(end)
    }
    try {
      child = new SandboxedProcess(this.#runs, held.launcher, command, options, ended)
      return child
    } catch (error) {
      ended()
      throw error
    }
  }

  /**
   * A confined form of a command for another spawner. Its `file` and `args` refer to this process, which must be alive when the
   * command is started; the spawner owns the command's life. What the policy keeps missing can be created from the moment
   * that the sandbox is disposed or this process ends. Throws BackendError for the engine `bwrap`.
   */
  wrap(file: string, args: readonly string[] = [], options: { readonly env?: Environment } = {}): WrappedCommand {
    checkNames(options, new Set(['env']))
    checkWords(file, args)
    const { held, release } = this.#ready('command')
    const target = this.#wrapTargetOf(held.carriedOut, release)
    const env = Object.entries({ ...this.#environment(options.env), ...held.plan.environment })
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
    const { resolved, plan } = this.#current()
    const asked = resolvePath(path, this.#surroundings.policyCwd, this.#surroundings.home)
    const canonicalPath = canonicalPaths(fileSystemView).canonical(asked)
    return explainPath({ resolved, plan, path: asked, canonicalPath })
  }

  /** Ends every running command with its tree; later calls throw DisposedError (`ERR_SANDBOX_DISPOSED`). */
  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    for (const end of [...this.#active]) end()
    for (const target of this.#wrapTargets.values()) target.close()
    for (const release of this.#wrapped.splice(0)) release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]()
    const deadline = performance.now() + 5000
    while (this.#active.size > 0 && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
  }

  /** One for all commands of a plan; earlier ones stay, for commands that were wrapped and not started yet. */
  #wrapTargetOf(plan: Plan, release: () => void): WrapTarget {
    const known = this.#wrapTargets.get(plan)
    if (known !== undefined) {
      // The lease of the first one lasts until the sandbox is disposed.
      release()
      return known
    }
    try {
      const target = new WrapTarget(this.#runs.binding, plan)
      this.#wrapTargets.set(plan, target)
      this.#wrapped.push(release)
      return target
    } catch (error) {
      release()
      throw error
    }
  }

  /**
   * The plan for the disk as it is, with a placeholder wherever it keeps something from being created. Throws LaunchError
   * (stage `placeholder`) when one cannot be put. `release` is to be called once, when nothing of the command runs.
   */
  #ready(lifetime: RunOptions['lifetime']): Ready {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (attempt > 0) this.#held = this.#hold(this.#held)
      const held = this.#current()
      const places = missingPlaces(held.plan)
      if (places.length === 0) return { held, release: () => {} }
      const lease = this.#placeholders.lease(places)
      if (lease === null) continue
      // What may go on after its command keeps its placeholders; they go when this process ends.
      const outlived =
        held.plan.namespaces?.pid !== true && (lifetime === 'session' || this.#runs.binding.hostTag() === '')
      try {
        return { held: this.#without(held, lease.needless), release: outlived ? () => {} : lease.release }
      } catch (error) {
        lease.release()
        throw error
      }
    }
    throw new LaunchError('cannot launch: what the policy closes keeps appearing and going', { stage: 'placeholder' })
  }

  /** `held`, carried out without the operations that have nothing to do at these places. */
  #without(held: Held, needless: readonly string[]): Held {
    if (needless.join('\0') === held.needless.join('\0')) return held
    const carriedOut = withoutPlaces(held.plan, needless)
    const launcher = launcherFor(this.#runs.binding, carriedOut, this.#bubblewrapFacts())
    this.#held = { ...held, carriedOut, needless, launcher }
    return this.#held
  }

  #current(): Held {
    if (this.#disposed) throw new DisposedError()
    if (!this.#held.state.unchanged()) this.#held = this.#hold(this.#held)
    return this.#held
  }

  #hold(previous?: Held): Held {
    const watched = watchFiles(this.#surroundings.files)
    const resolved = resolvePolicy(this.#policy, { ...this.#surroundings, files: watched.files })
    if (previous !== undefined) refuseMovedRoots(previous.resolved, resolved)
    watched.watch(pathsBehind(resolved))
    const { linux, strict } = this.#options
    const choice = choosePlan({
      resolved,
      capabilities: this.#capabilities,
      options: {
        ...(linux?.engines === undefined ? {} : { engines: linux.engines }),
        ...(linux?.bubblewrap === undefined ? {} : { bubblewrap: linux.bubblewrap }),
        ...(linux?.processes === undefined ? {} : { processes: linux.processes }),
        strict: strict === true,
        guardTag: this.#runs.binding.hostTag() !== '',
      },
    })
    if ('refusal' in choice) throw refusalError(choice.refusal)
    const launcher = launcherFor(this.#runs.binding, choice.plan, this.#bubblewrapFacts())
    const { plan } = choice
    const notices = Object.freeze(choice.notices)
    return { resolved, plan, notices, launcher, carriedOut: plan, needless: [], state: watched.state }
  }

  #bubblewrapFacts() {
    const capabilities = this.#capabilities
    return capabilities.platform === 'linux'
      ? { options: capabilities.bubblewrap.options, privileged: capabilities.privileged }
      : { options: [], privileged: false }
  }

  #environment(given: Environment | undefined): Environment {
    return given ?? this.#options.env ?? process.env
  }

  #command(file: string, args: readonly string[], options: CommandOptions, input: 'ignore' | 'pipe'): Command {
    // First, so that a mistake in a call leaves no trace, not even in the times of a directory.
    if (this.#disposed) throw new DisposedError()
    checkWords(file, args)
    const stdio = nativeStdio(options.stdio ?? [input, 'pipe', 'pipe'])
    const terminal = stdio[0] !== undefined && stdio[0] >= 0 && isatty(stdio[0])
    return {
      file,
      args,
      argv0: options.argv0 ?? file,
      cwd:
        options.cwd === undefined
          ? this.#surroundings.policyCwd
          : resolvePath(options.cwd, this.#surroundings.policyCwd),
      env: this.#environment(options.env),
      stdio,
      session: options.session ?? (terminal ? 'inherit' : 'new'),
    }
  }
}

function facts({ plan, resolved }: Held) {
  return { engine: plan.engine, planDigest: plan.digest, policyDigest: resolved.digest }
}

function refusalError(refusal: Refusal): Error {
  const { kind, message, mechanism, hint, entry } = refusal
  const text = hint === undefined ? message : `${message}. Hint: ${hint}`
  if (kind === 'unavailable')
    return new BackendError(text, { capability: mechanism, ...(hint === undefined ? {} : { hint }) })
  return new PolicyError('ERR_POLICY_NOT_ENFORCEABLE', text, { mechanism, ...(entry === undefined ? {} : { entry }) })
}

/** Beside what the resolution asked for: the rules, whose inodes a launch pins, and protected names that may appear. */
function* pathsBehind(resolved: ResolvedPolicy): Iterable<string> {
  yield resolved.cwd
  for (const rule of resolved.rules) yield rule.path
  for (const { root } of resolved.writableRoots) {
    for (const name of ['.git', '.agents', '.codex']) yield joinPath(root, name)
  }
  for (const { path } of resolved.fileSystem.entries) if (path.type === 'path') yield path.path
}

const engineNames = new Set(['namespace', 'bwrap', 'landlock'])
const bubblewrapUses = new Set(['prefer', 'fallback', 'require', 'never'])

function checkSandboxOptions(options: SandboxOptions): void {
  checkNames(options, new Set(['policy', 'cwd', 'env', 'strict', 'linux']))
  const { cwd, env, strict, linux } = options
  if (cwd !== undefined && (typeof cwd !== 'string' || cwd === '' || cwd.includes('\0'))) {
    throw new OptionError('cwd', 'cwd must be a path without a NUL character')
  }
  if (env !== undefined && (typeof env !== 'object' || env === null)) {
    throw new OptionError('env', 'env must be an object of strings')
  }
  if (strict !== undefined && typeof strict !== 'boolean') throw new OptionError('strict', 'strict must be a boolean')
  if (linux === undefined) return
  checkNames(linux, new Set(['engines', 'bubblewrap', 'processes']))
  if (linux.processes !== undefined && linux.processes !== 'isolated' && linux.processes !== 'shared') {
    const found = JSON.stringify(linux.processes)
    throw new OptionError('linux.processes', `linux.processes is ${found}; use isolated, shared`)
  }
  if (linux.engines !== undefined && !Array.isArray(linux.engines)) {
    throw new OptionError('linux.engines', 'linux.engines must be an array of engines')
  }
  for (const engine of linux.engines ?? []) {
    if (engineNames.has(engine)) continue
    throw new OptionError(
      'linux.engines',
      `${JSON.stringify(engine)} is not an engine; use ${[...engineNames].join(', ')}`,
    )
  }
  if (linux.bubblewrap !== undefined && !bubblewrapUses.has(linux.bubblewrap)) {
    const found = JSON.stringify(linux.bubblewrap)
    throw new OptionError('linux.bubblewrap', `linux.bubblewrap is ${found}; use ${[...bubblewrapUses].join(', ')}`)
  }
}

export { AbortError }
