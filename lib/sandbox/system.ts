/**
 * What a sandbox needs of the operating system that it is on. Everything that differs between systems is behind these two
 * interfaces; `linux-system.ts` and `macos-system.ts` are the two implementations.
 */
import type { WrappedCommand } from '../backend/wrap.ts'
import type { HostCapabilities } from '../host/capabilities.ts'
import type { RememberingGlobSearch } from '../host/glob-search.ts'
import type { QuickLook, WatchedFiles } from '../host/path-state.ts'
import type { Choice } from '../plan/choose.ts'
import type { LimitPlan, Limits } from '../plan/linux/process-limits.ts'
import type { Plan } from '../plan/plan.ts'
import type { AbsolutePath } from '../policy/path.ts'
import type { Policy } from '../policy/policy.ts'
import type { FileSystemView, ResolvedPolicy, Surroundings } from '../policy/types.ts'
import type { RunOptions } from '../process/options.ts'
import type { Starter } from '../process/starter.ts'
import type { SandboxOptions } from './options.ts'

/** How a system's users spell paths, where that is not how the policy layer does. */
export interface PathWords {
  /** `base`: undefined: the process's directory. Throws OptionError for what is no path. */
  read(text: string, base: AbsolutePath | undefined): AbsolutePath
  spell(path: AbsolutePath): string
}

/** The operating system, before there is a policy. */
export interface HostSystem {
  /** Absent: paths are POSIX paths. */
  readonly paths?: PathWords
  /** Reads a policy in this system's words. Absent: `parseSandboxPolicy`. Called before `open`. */
  parse?(input: unknown, surroundings: Surroundings): Policy

  /** What a policy's meaning depends on here. `cwd`: the policy's directory; undefined: the process's. */
  surroundings(cwd: string | undefined): Surroundings
  /** Finds out what can be used for the policy. Throws BackendError when nothing can confine here. */
  open(policy: Policy, surroundings: Surroundings, options: SandboxOptions): Promise<SandboxSystem>
}

/** What stands on the disk while a command runs. */
export interface Lease {
  /** Places at which the plan has nothing to do (`SandboxSystem.without`). */
  readonly needless: readonly string[]
  /** To be called once, when nothing of the command runs. */
  readonly release: () => void
}

/** Starts the wrapped commands of one plan. */
export interface Wrapping {
  command(file: string, args: readonly string[], env: Readonly<Record<string, string>>): WrappedCommand
  close(): void
}

/** The operating system for the commands of one sandbox. */
export interface SandboxSystem {
  readonly capabilities: HostCapabilities
  /** Tells cheaply that the paths of a plan are what they were, where the addon can. */
  readonly quickLook?: QuickLook
  /** Node's own channel reaches a forked child. */
  readonly nativeChannel?: boolean
  /** Absent: the paths of the policy layer are those of the disk. */
  watch?(files: FileSystemView): WatchedFiles
  globs?(): RememberingGlobSearch
  /** Puts what a plan needs in force before there is a command. Throws LaunchError. */
  prepare?(plan: Plan): Promise<void>
  /** Takes back what `prepare` and commands put in force. Never rejects. */
  close?(): Promise<void>
  choose(resolved: ResolvedPolicy, surroundings: Surroundings): Choice
  starterFor(plan: Plan): Starter
  /** Puts what the plan needs on the disk; null when the disk changed meanwhile. Throws LaunchError (stage `placeholder`). */
  lease(plan: Plan, lifetime: RunOptions['lifetime']): Lease | null
  /** What `lease` would put, where the starter can do so itself for one `run`. undefined: `lease` has to. */
  placesOf?(plan: Plan, lifetime: RunOptions['lifetime']): readonly string[] | undefined
  /** The plan as it is carried out where there is nothing to do at these places. */
  without(plan: Plan, needless: readonly string[]): Plan
  wrapping(plan: Plan): Wrapping
  /** Throws LimitError (`ERR_LIMIT_NOT_ENFORCEABLE`). `stdio`: undefined when not known yet. */
  holdLimits(limits: Limits, stdio: readonly number[] | undefined, plan: Plan): LimitPlan
}
