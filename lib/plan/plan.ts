/**
 * A plan says how one operating system will hold a command to a policy. Frozen data: printable, comparable, testable on
 * any machine. Backends carry plans out and decide nothing.
 */
import type { Access } from '../policy/types.ts'
import type { LandlockPlan } from './linux/landlock.ts'
import type { MountPlan } from './linux/mount.ts'
import type { SeccompPlan } from './linux/seccomp.ts'
import type { WindowsLimitCode } from './windows/limits.ts'
import type { WindowsPlan } from './windows/plan.ts'

export type LinuxEngine = 'namespace' | 'bwrap' | 'landlock' | 'seccomp' | 'unconfined'

export type PlanLimitCode =
  /** Landlock does not cover chmod, chown, utimes and extended attributes of the user's own files outside the roots. */
  | 'metadata-outside-roots'
  /** Landlock cannot hold `.git`, `.codex` and `.agents` of a writable root read-only. */
  | 'protected-paths'
  /** Processes outside can be signalled (Landlock before ABI 6 and no PID namespace). */
  | 'signals'
  /** What /proc tells of the host's processes can be read (no PID namespace). */
  | 'process-visibility'
  /** Abstract unix sockets of the host can be reached where the socket filter does not close them. */
  | 'abstract-unix-sockets'
  /** `truncate(2)` by path is not covered (Landlock before ABI 3, no mount namespace). */
  | 'truncate'
  /** What matches a pattern and appears after the launch is not closed. */
  | 'glob-snapshot'
  /** A command can create the file `commondir` in a git directory that the option `git` opens but for its configuration. */
  | 'git-commondir'
  /** Descriptors of the host that are reachable through /proc can be re-opened (no Landlock inside). */
  | 'reopened-descriptors'
  /** Processes of a run cannot be told from others (RLIMIT_RTTIME of the host is limited, and no PID namespace). */
  | 'process-tree'
  /** A process of the run can take its mark off, because there is no filter (engine `unconfined`). */
  | 'removable-mark'
  /** Nobody watches whether somebody outside takes a protection away (engine `namespace` without a PID namespace). */
  | 'unwatched-protections'
  /** bubblewrap binds the host's devices writable, so that user id 0, who owns them, can change their mode and times. */
  | 'device-metadata'

export interface PlanLimit {
  readonly code: PlanLimitCode | WindowsLimitCode
  readonly message: string
  /** Where that is so, when it is about one place. */
  readonly path?: string
}

/** Namespaces that the launch makes. `user` and `mount` always come together. */
export interface NamespacePlan {
  readonly pid: boolean
  readonly ipc: boolean
  readonly net: boolean
}

export interface LinuxPlan {
  readonly kind: 'linux'
  readonly engine: LinuxEngine
  /** The policy's digest, see `ResolvedPolicy.digest`. */
  readonly policyDigest: string
  /** SHA-256 (hex) of this plan without `digest` itself. */
  readonly digest: string
  readonly namespaces: NamespacePlan | null
  readonly mounts: MountPlan | null
  readonly landlock: LandlockPlan | null
  readonly seccomp: SeccompPlan | null
  /** Environment variables that every command gets, for instance CODEX_SANDBOX_NETWORK_DISABLED=1. */
  readonly environment: Readonly<Record<string, string>>
  /** What this plan does not hold although the policy asks for it. Empty for `namespace` and `bwrap` on a full kernel. */
  readonly limits: readonly PlanLimit[]
  /**
   * The network is a loopback of the command's own, on which these ports lead out: the first process listens on them and
   * hands the sockets over through the last of the command's descriptors, which it then closes. Absent: no such network.
   */
  readonly proxyPorts?: readonly number[]
  /** Only for engine `bwrap`: the program to start. */
  readonly bubblewrap: { readonly path: string } | null
}

/** What starts a command under its profile. */
export interface SeatbeltStarter {
  /** `helper`: the program of this package, which confines itself. `sandbox-exec`: the system's, with the profile as argument. */
  readonly kind: 'helper' | 'sandbox-exec'
  readonly path: string
}

export interface MacosPlan {
  readonly kind: 'macos'
  readonly engine: 'seatbelt' | 'unconfined'
  /** The policy's digest, see `ResolvedPolicy.digest`. */
  readonly policyDigest: string
  /** SHA-256 (hex) of this plan without `digest` itself. */
  readonly digest: string
  /** The text for Seatbelt and the parameters that it reads; null where nothing is confined. */
  readonly profile: { readonly text: string; readonly parameters: Readonly<Record<string, string>> } | null
  readonly starter: SeatbeltStarter | null
  /** Environment variables that every command gets, for instance CODEX_SANDBOX=seatbelt. */
  readonly environment: Readonly<Record<string, string>>
  /** What this plan does not hold although the policy asks for it. */
  readonly limits: readonly PlanLimit[]
}

export type Plan = LinuxPlan | MacosPlan | WindowsPlan

/** A refusal: nothing on this machine holds the policy exactly. Becomes ERR_POLICY_NOT_ENFORCEABLE or ERR_BACKEND_UNAVAILABLE. */
export interface Refusal {
  readonly kind: 'not-enforceable' | 'unavailable'
  /** The entry as the user wrote it, when one entry is the reason. */
  readonly entry?: string
  /** What cannot hold it. */
  readonly mechanism: string
  readonly message: string
  readonly hint?: string
}

/** What a model answers for a path: the access that the plan, once carried out, gives. */
export type ModelAccess = Access
