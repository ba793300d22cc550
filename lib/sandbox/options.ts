/**
 * The options of `createSandbox`, and the check of what a caller gave.
 */
import { OptionError } from '../errors.ts'
import type { BubblewrapUse } from '../plan/choose.ts'
import type { ProcessView } from '../plan/linux/namespaces.ts'
import type { Limits } from '../plan/linux/process-limits.ts'
import { parseMacosGrants } from '../plan/macos/grants.ts'
import type { LinuxEngine } from '../plan/plan.ts'
import { type WindowsLimitCode, windowsLimitCodes } from '../plan/windows/limits.ts'
import { GIT_ACCESS, type GitAccess } from '../policy/git-access.ts'
import { isAbsolute } from '../policy/path.ts'
import type { Environment } from '../process/environment.ts'
import { checkInheritEnv, type InheritEnv } from '../process/inherited-environment.ts'
import { checkLimits } from '../process/limit-options.ts'
import { checkNames } from '../process/option-names.ts'
import { checkUmask } from '../process/options.ts'

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
  /** @internal Proxy mode of codex-linux-sandbox: see `LinuxPlan.proxyPorts`. Only for `spawn`. */
  readonly proxyPorts?: readonly number[] | undefined
  /**
   * 0 to 1000: how readily the kernel ends commands when memory runs out (proc_pid_oom_score_adj(5)), at least. Default: 0; a
   * host that is protected by a negative value does not hand that on.
   */
  readonly oomScoreAdjust?: number | undefined
}

/** What commands may do on macOS beside the policy. Other systems pass over it. docs/macos.md tells what each thing opens. */
export interface MacosOptions {
  /** Services outside the sandbox, for instance `{ macos_automation: ['com.apple.mail'] }`. Default: preferences can be read. */
  readonly grants?: Readonly<Record<string, unknown>> | null | undefined
  /** Ports of proxies on this machine: then nothing else is reached, whatever the policy says. Default: none. */
  readonly proxyPorts?: readonly number[] | undefined
  /** Servers on this machine, and connections to them, where the network is not open anyway. Default: false. */
  readonly localBinding?: boolean | undefined
  /** Absolute paths of unix sockets, or of directories that hold them, that can be reached; `all`: every one. Default: none. */
  readonly unixSockets?: readonly string[] | 'all' | undefined
  /** With `minimal`, the temporary directories that all programs share can be written. Default: false. */
  readonly platformTmpWritable?: boolean | undefined
  /** With any network, the user's cache directory can be written. Default: false. */
  readonly darwinCacheWrite?: boolean | undefined
}

/** What commands may do on Windows beside the policy, and what the host accepts. Other systems pass over it. */
export interface WindowsOptions {
  /** `unelevated` (default): a restricted token of the user. `elevated`: an account that `castellan windows setup` made. */
  readonly backend?: 'unelevated' | 'elevated' | undefined
  /** Absolute path of the directory in which the sandbox keeps its state. Default: `%LOCALAPPDATA%\\castellan`. */
  readonly stateDirectory?: string | undefined
  /** Limits (`plan.limits`) with which nothing is to run, for instance `['network-advisory']`. Default: none. */
  readonly refuseLimits?: readonly WindowsLimitCode[] | undefined
  /** Puts Everyone into the token, for programs that do not start without. Default: false. */
  readonly everyone?: boolean | undefined
  /** Which split policies are taken: what a legacy policy can say (default), or carve-outs as far as access lists hold them. */
  readonly splitSupport?: 'round-trip' | 'carve-outs' | undefined
  /**
   * Elevated backend: ports of proxies on this machine that a command without network may reach, as they were given to the setup.
   * With others than those nothing runs. Default: none.
   */
  readonly proxyPorts?: readonly number[] | undefined
  /** Elevated backend: the same for servers on this machine. Default: false. */
  readonly localBinding?: boolean | undefined
}

export interface SandboxOptions {
  /**
   * What commands may do: a preset (`policies.workspaceWrite()`), a preset's name, a legacy `SandboxPolicy`, a split policy
   * `{ fileSystem, network }`, or a file-system policy alone (the network is then closed).
   */
  readonly policy: unknown
  /** The policy's and the commands' working directory. Default: the process's. */
  readonly cwd?: string | undefined
  /** The whole environment of commands, but for what `inheritEnv` adds below it. Default: all of `process.env`. */
  readonly env?: Environment | undefined
  /**
   * Which variables of the host commands get, below `env`: 'all', 'core', 'sanitized' (all but what looks like a secret),
   * 'none', or names with `*`. Default: 'all', and 'none' where `env` is given. Read at the time of each command.
   */
  readonly inheritEnv?: InheritEnv | undefined
  /** What every command is held to. Default: nothing. Throws LimitError where one cannot be held. */
  readonly limits?: Limits | undefined
  /** Mode bits that new files of commands do not get, for instance 0o077. Default: the host's (umask(2)). */
  readonly umask?: number | undefined
  /** Refuse a plan that does not hold everything (`plan.limits`). Default: false; then a notice tells. */
  readonly strict?: boolean | undefined
  /**
   * What commands may do with the git directories of the workspace, those of linked worktrees and submodules included.
   * 'protected' (default): read. 'hooks-and-config-protected': commit, but not change hooks and configuration. 'writable': all.
   * An entry of the policy for exactly such a directory wins.
   */
  readonly git?: GitAccess | undefined
  readonly linux?: LinuxOptions | undefined
  readonly macos?: MacosOptions | undefined
  readonly windows?: WindowsOptions | undefined
}

const engineNames = new Set(['namespace', 'bwrap', 'landlock'])
const bubblewrapUses = new Set(['prefer', 'fallback', 'require', 'never'])

/** Throws OptionError (`ERR_INVALID_OPTION`) for an unknown option or an unusable value. */
export function checkSandboxOptions(options: SandboxOptions): void {
  checkNames(
    options,
    new Set(['policy', 'cwd', 'env', 'inheritEnv', 'limits', 'umask', 'strict', 'git', 'linux', 'macos', 'windows']),
  )
  const { cwd, env, strict, linux } = options
  if (cwd !== undefined && (typeof cwd !== 'string' || cwd === '' || cwd.includes('\0'))) {
    throw new OptionError('cwd', 'cwd must be a path without a NUL character')
  }
  if (env !== undefined && (typeof env !== 'object' || env === null)) {
    throw new OptionError('env', 'env must be an object of strings')
  }
  if (strict !== undefined && typeof strict !== 'boolean') throw new OptionError('strict', 'strict must be a boolean')
  if (options.git !== undefined && !GIT_ACCESS.includes(options.git)) {
    throw new OptionError('git', `git is ${JSON.stringify(options.git)}; use ${GIT_ACCESS.join(', ')}`)
  }
  checkInheritEnv(options.inheritEnv)
  checkLimits(options.limits)
  checkUmask(options.umask)
  if (options.macos !== undefined) checkMacosOptions(options.macos)
  if (options.windows !== undefined) checkWindowsOptions(options.windows)
  if (linux === undefined) return
  checkNames(linux, new Set(['engines', 'bubblewrap', 'processes', 'proxyPorts', 'oomScoreAdjust']))
  if (linux.processes !== undefined && linux.processes !== 'isolated' && linux.processes !== 'shared') {
    const found = JSON.stringify(linux.processes)
    throw new OptionError('linux.processes', `linux.processes is ${found}; use isolated, shared`)
  }
  const score = linux.oomScoreAdjust
  if (score !== undefined && !(Number.isInteger(score) && score >= 0 && score <= 1000)) {
    throw new OptionError('linux.oomScoreAdjust', 'linux.oomScoreAdjust must be a whole number from 0 to 1000')
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

const macosFlags = ['localBinding', 'platformTmpWritable', 'darwinCacheWrite'] as const

function checkMacosOptions(macos: MacosOptions): void {
  checkNames(macos, new Set(['grants', 'proxyPorts', 'unixSockets', ...macosFlags]))
  parseMacosGrants(macos.grants)
  for (const name of macosFlags) {
    if (macos[name] === undefined || typeof macos[name] === 'boolean') continue
    throw new OptionError(`macos.${name}`, `macos.${name} must be a boolean`)
  }
  const { proxyPorts, unixSockets } = macos
  const isPort = (port: unknown) => Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65535
  if (proxyPorts !== undefined && !(Array.isArray(proxyPorts) && proxyPorts.every(isPort))) {
    throw new OptionError('macos.proxyPorts', 'macos.proxyPorts must be an array of ports')
  }
  const isPlace = (place: unknown) => typeof place === 'string' && isAbsolute(place) && !place.includes('\0')
  if (unixSockets === undefined || unixSockets === 'all') return
  if (Array.isArray(unixSockets) && unixSockets.every(isPlace)) return
  throw new OptionError('macos.unixSockets', "macos.unixSockets must be 'all' or an array of absolute paths")
}

function checkWindowsOptions(windows: WindowsOptions): void {
  checkNames(
    windows,
    new Set(['backend', 'stateDirectory', 'refuseLimits', 'everyone', 'splitSupport', 'proxyPorts', 'localBinding']),
  )
  const { backend, stateDirectory, refuseLimits, everyone, splitSupport, proxyPorts, localBinding } = windows
  const words = (name: string, given: unknown, known: readonly string[]) => {
    if (given === undefined || known.includes(given as string)) return
    throw new OptionError(`windows.${name}`, `windows.${name} is ${JSON.stringify(given)}; use ${known.join(', ')}`)
  }
  words('backend', backend, ['unelevated', 'elevated'])
  words('splitSupport', splitSupport, ['round-trip', 'carve-outs'])
  for (const [name, given] of Object.entries({ everyone, localBinding })) {
    if (given === undefined || typeof given === 'boolean') continue
    throw new OptionError(`windows.${name}`, `windows.${name} must be a boolean`)
  }
  const isPort = (port: unknown) => Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65535
  if (proxyPorts !== undefined && !(Array.isArray(proxyPorts) && proxyPorts.every(isPort))) {
    throw new OptionError('windows.proxyPorts', 'windows.proxyPorts must be an array of ports')
  }
  if (stateDirectory !== undefined && typeof stateDirectory !== 'string') {
    throw new OptionError('windows.stateDirectory', 'windows.stateDirectory must be a path')
  }
  if (refuseLimits === undefined) return
  if (!Array.isArray(refuseLimits)) {
    throw new OptionError('windows.refuseLimits', 'windows.refuseLimits must be an array of limits')
  }
  for (const [index, code] of refuseLimits.entries()) words(`refuseLimits[${index}]`, code, windowsLimitCodes)
}
