/**
 * What this machine can do, as data. Every answer says how it was found: by doing the thing once, never by reading a
 * version file. Filled by `probe.ts`; plans only see this shape.
 */

export interface Capability {
  readonly available: boolean
  /** What was done and what came back, for a person: "created a user namespace and wrote its uid map". */
  readonly how: string
  /** The operating system's error name when it is not available. */
  readonly errnoName?: string
  /** How to get it, when that is known. */
  readonly hint?: string
}

export interface LandlockCapability extends Capability {
  /** The ABI version the kernel answered; 0 when Landlock is not available. */
  readonly abi: number
}

export interface BubblewrapCapability extends Capability {
  /** The canonical path of the program found; null when none was. */
  readonly path: string | null
  /** As printed by `--version`, for instance `0.8.0`; informative only. */
  readonly version: string | null
  /** Every long option that the program's own `--help` lists, with the leading dashes. */
  readonly options: readonly string[]
}

export interface LinuxCapabilities {
  readonly platform: 'linux'
  readonly architecture: 'x64' | 'arm64' | 'other'
  readonly kernelRelease: string
  /** Effective user id 0. */
  readonly privileged: boolean
  readonly landlock: LandlockCapability
  readonly seccomp: Capability
  /** A user namespace with a mount namespace inside, uid map written, one mount made. */
  readonly userNamespaces: Capability
  /** A fresh `/proc` in a new PID namespace. */
  readonly freshProc: Capability
  /** Mounts in a mount namespace: by `open_tree`, `move_mount` and `mount_setattr`, or by mount(2) where they are missing. */
  readonly mountApi: Capability
  readonly bubblewrap: BubblewrapCapability
  /** Windows Subsystem for Linux, version 1: has none of the above. */
  readonly wsl1: boolean
}

export interface DarwinCapabilities {
  readonly platform: 'darwin'
  readonly architecture: string
  readonly kernelRelease: string
  /** The functions of Seatbelt are there. */
  readonly seatbelt: Capability
  /** The package's own program that confines itself. `path` is null when it is not there. */
  readonly helper: Capability & { readonly path: string | null }
  /** The system's program that takes a profile as an argument. */
  readonly sandboxExec: Capability & { readonly path: string | null }
  /** This process is in a sandbox already: no process that it starts can enter another one. */
  readonly sandboxed: boolean
  /** What the system calls the user's cache directory; null when there is none. */
  readonly userCacheDirectory: string | null
}

export interface WindowsCapabilities {
  readonly platform: 'win32'
  readonly architecture: string
  readonly kernelRelease: string
  /** Tokens can be restricted, and the system holds to it: Wine takes the calls and does not. */
  readonly restrictedToken: Capability
  /** The package's own program that makes the token and starts the command. `path` is null when it is not there. */
  readonly helper: Capability & { readonly path: string | null }
  /** What starts commands as an account of the sandbox (elevated backend). */
  readonly runner: Capability
  /** This process has a restricted token already. */
  readonly restricted: boolean
}

export interface OtherCapabilities {
  readonly platform: 'other'
  readonly architecture: string
  readonly kernelRelease: string
}

export type HostCapabilities = LinuxCapabilities | DarwinCapabilities | WindowsCapabilities | OtherCapabilities
