/**
 * The only file that loads the addon. Lazily: policy code must import on a system without one. Everything native answers
 * with data; errors are made by the callers.
 */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

import { BackendError } from '../errors.ts'
import { currentCLibrary } from './c-library.ts'
import { addonCandidates, missingAddonHint } from './locate.ts'
import { packageRoot } from './package-root.ts'
import type { ResultValues } from './run-result.ts'
import type { WindowsBinding } from './windows-binding.ts'

/** Why a launch failed: the step (`process/stages.ts`), the kernel's errno (positive), and the line of the plan or -1. */
export interface NativeFailure {
  readonly stage: number
  readonly errno: number
  readonly index: number
}

export interface NativeConfinementFailure extends NativeFailure {
  /** The filter holds every thread from now on, and Landlock none. */
  readonly partly: boolean
}

/** A validated plan image inside the addon. */
export interface NativePlan {
  readonly __nativePlan: never
}

/** What stood at some paths, inside the addon. */
export interface NativeStamps {
  readonly __nativeStamps: never
}

/** What the environment of this process held, inside the addon. */
export interface NativeEnvironmentStamp {
  readonly __nativeEnvironmentStamp: never
}

/** How one descriptor of a child is provided; values >= 0 are descriptors of the host. */
export const NativeStdio = { ignore: -1, readPipe: -2, writePipe: -3, socket: -4, helper: -5 } as const

export interface NativeRunOptions {
  /** Descriptors 1 and 2 are read in the addon, 0 is fed with the input. Default: the host gets the pipe ends. */
  readonly collect?: boolean | undefined
  /** Bytes kept of each stream. */
  readonly outputLimit?: number | undefined
  /** Milliseconds; 0: none. */
  readonly timeout?: number | undefined
  /** Milliseconds between `timeoutSignal` and SIGKILL. */
  readonly grace?: number | undefined
  readonly timeoutSignal?: number | undefined
  /** The whole tree: resident bytes, milliseconds of processor time, tasks. Default: no limit. */
  readonly memoryLimit?: number | undefined
  readonly cpuLimit?: number | undefined
  readonly taskLimit?: number | undefined
  /** Bytes of both streams together, where they are collected. */
  readonly outputBytes?: number | undefined
  readonly endTreeOnExit?: boolean | undefined
  /** Background processes have ended when the run's end is told; otherwise they end soon after. */
  readonly endTreeFirst?: boolean | undefined
  /** The child's descriptor that carries the helper's records; the addon reads it. */
  readonly reportDescriptor?: number | undefined
}

export interface NativeResult {
  readonly id: number
  readonly pid: number
  readonly failure?: NativeFailure | undefined
  /** -1: ended by a signal, or unknown. */
  readonly exitCode: number
  /** 0: none. */
  readonly signal: number
  readonly timedOut: boolean
  /** Which limit ended the run (`process/limit-names.ts`); 0: none. */
  readonly limit: number
  readonly exitUnknown: boolean
  readonly stdoutTruncated: boolean
  readonly stderrTruncated: boolean
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly reported?: Buffer | undefined
}

export interface NativeSpawned {
  readonly id: number
  readonly pid: number
  readonly failure?: NativeFailure
  /** One per stdio entry: the host's end of a pipe or socket, owned by the caller, or -1. */
  readonly hostEnds: readonly number[]
}

/** What a run starts with: its plan, its request image, `runNumbers`, and what is written to its descriptor 0. */
export type RunArguments = readonly [
  plan: NativePlan,
  request: Uint8Array,
  numbers: Float64Array,
  input?: Uint8Array | undefined,
]

/** What the disk has to be for a launch that was prepared earlier. */
export interface NativeExpectations {
  /** Absolute: where a placeholder stands as long as the run does, and where nobody can make anything. */
  readonly placed: readonly string[]
  readonly needless: readonly string[]
  /** What must stand at these paths still. */
  readonly stamps?: NativeStamps | undefined
}

export interface LinuxBinding {
  readonly system: 'linux'
  compilePlan(image: Uint8Array): NativePlan | undefined
  /** Starts in place; the end is told to the listener. */
  spawn(...start: RunArguments): NativeSpawned
  /**
   * Starts on the launcher thread; the result is told to the listener. Returns the run's id. It fails at the stage `changed`
   * or `placeholder` when the disk is not what is expected; then nothing was started.
   */
  run(
    plan: NativePlan,
    request: Uint8Array,
    numbers: Float64Array,
    input?: Uint8Array,
    placed?: readonly string[],
    needless?: readonly string[],
    stamps?: NativeStamps,
  ): number
  runSync(...start: RunArguments): ResultValues
  startGuard(...start: RunArguments): NativeFailure | undefined
  /** Tells the guard of a placeholder that was made or removed: 0, or an errno when it cannot be told of more. */
  notePlaceholder(made: boolean, path: string): number
  /** Ends every process of every run of this environment; returns when they are gone. */
  endRuns(): void
  /** The same when a run has `places`; returns when nothing stands at them. */
  endPlacedRuns(): void
  /** Returns 0 or an errno (ESRCH once the command ended). */
  signal(id: number, signal: number): number
  /** `signal` to every process of the run now, SIGKILL after `grace` milliseconds. */
  terminate(id: number, signal: number, grace: number): void
  /** Once per environment. The listener gets each result; what it throws is an uncaught exception of this process. */
  listen(listener: (...values: ResultValues) => void): void
  /** Whether running commands keep the event loop alive. */
  hold(hold: boolean): void
  /** Decimal; empty when processes cannot be marked here. */
  hostTag(): string
  /** A descriptor of the helper program, owned by the addon, or a negative errno. */
  helperDescriptor(): number
  /**
   * Replaces this process by the helper program, which carries out the plan image in the in-memory file and becomes the
   * command, with this process's own environment. Returns only when that fails, with an errno.
   */
  becomeHelper(planDescriptor: number, command: readonly string[], as: 'become' | 'exec'): number
  /** Confines every thread of this process by Landlock and a filter (native/linux/confine_process.h). */
  confineProcess(plan: NativePlan): NativeConfinementFailure | undefined
  /** A pair of connected sockets, this process's and a child's, or an errno. The caller closes both with `closeFile`. */
  makeHandover(): readonly [own: number, other: number] | number
  /** Blocks until so many descriptors have come, the other side has gone or `timeout` ms are over: then an errno. */
  takeDescriptors(socket: number, count: number, timeout: number): readonly number[] | number
  /** A sealed in-memory file; the caller closes the descriptor with `closeFile`. Negative: errno. */
  memoryFile(name: string, bytes: Uint8Array): number
  /** Not `fs.closeSync`, which warns in a worker thread of every descriptor that it did not open. */
  closeFile(fd: number): void
  /**
   * An O_PATH descriptor of the directory at an absolute path on which no link is followed (openat2(2)); the caller closes
   * it with `closeFile`. Negative: errno.
   */
  openBeneath(path: string): number
  /** Notes what stands at these paths now, for `pathsUnchanged`. */
  stampPaths(paths: readonly string[]): NativeStamps
  /** True when what stood there still does; false when something changed, or when only a closer look can tell. */
  pathsUnchanged(stamps: NativeStamps): boolean
  /** Notes the variables of this process, for `environmentUnchanged`. */
  stampEnvironment(): NativeEnvironmentStamp
  /** True when they are what they were; false when one changed, and always in a worker thread. */
  environmentUnchanged(stamp: NativeEnvironmentStamp): boolean
  /** >= 1, or a negative errno. */
  landlockAbi(): number
  /** Carries a plan out in a child that executes nothing. */
  tryPlan(plan: NativePlan): NativeFailure | undefined
  /** flock(2): 0 or an errno. */
  flock(fd: number, exclusive: boolean, nonBlocking: boolean): number
}

/** What Seatbelt said instead of doing what was asked. */
export interface SeatbeltFailure {
  readonly errno: number
  readonly message: string
}

/** Commands are started by the helper program; these are questions that have to be asked in this process. */
export interface DarwinBinding {
  readonly system: 'darwin'
  probe(): { readonly seatbelt: boolean; readonly sandboxed: boolean; readonly userCacheDirectory: string }
  /** Whether the compiler of this system takes the profile in the frame; undefined: yes. Confines nothing. */
  compileProfile(frame: Uint8Array): SeatbeltFailure | undefined
  /** For the rest of this process's life and of everything that it starts. */
  applyToSelf(frame: Uint8Array): SeatbeltFailure | undefined
  /** flock(2): 0 or an errno. */
  flock(fd: number, exclusive: boolean, nonBlocking: boolean): number
}

export interface OtherBinding {
  readonly system: 'other'
}

export type NativeBinding = LinuxBinding | DarwinBinding | WindowsBinding | OtherBinding

let loaded: NativeBinding | undefined

/**
 * The addon. Throws BackendError (`ERR_BACKEND_UNAVAILABLE`) that names the files looked for when there is none for this
 * system, or why the one that was found cannot be loaded.
 */
export function loadBinding(): NativeBinding {
  loaded ??= load()
  return loaded
}

function load(): NativeBinding {
  const target = { platform: process.platform, arch: process.arch, cLibrary: currentCLibrary() }
  const override = process.env['CASTELLAN_PREBUILD']
  const candidates = addonCandidates(target, {
    packageRoot,
    override,
    prebuildsOnly: Boolean(process.env['PREBUILDS_ONLY']),
    execPath: process.execPath,
  })
  const system = [target.platform, target.arch, target.cLibrary].filter(part => part !== undefined).join('-')
  const found = candidates.find(file => existsSync(file))
  if (found === undefined) {
    throw new BackendError(`cannot load the native addon for ${system}: there is no ${candidates.join(' and no ')}`, {
      capability: 'native-addon',
      hint: missingAddonHint(target, addonsIn(override ?? packageRoot)),
    })
  }
  try {
    return createRequire(import.meta.url)(found) as NativeBinding
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new BackendError(`cannot load the native addon ${found} for ${system}: ${reason}`, {
      cause,
      capability: 'native-addon',
      hint: 'it is damaged, or was built for another system: install the package again, or in a checkout run `npm run build:native`',
    })
  }
}

/** `linux-x64/castellan.glibc.node` and its like: what is below `prebuilds`. */
function addonsIn(folder: string): string[] {
  try {
    return readdirSync(path.join(folder, 'prebuilds'), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.node'))
      .map(name => name.replaceAll('\\', '/'))
  } catch {
    return []
  }
}

/** The Linux addon; throws BackendError elsewhere. */
export function loadLinuxBinding(): LinuxBinding {
  const binding = loadBinding()
  if (binding.system === 'linux') return binding
  throw new BackendError(`cannot confine a command on ${process.platform}: this takes Linux`, {
    capability: 'linux',
  })
}
