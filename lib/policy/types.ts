/**
 * The shapes that the policy layer hands to the plan layer. Data only.
 *
 * A policy is written in the user's words (`policy.ts`). Resolving it against the surroundings (`resolve.ts`) gives a
 * `ResolvedPolicy`: absolute paths, the root lists of the specification, and the `rules` that a plan must hold.
 */

import type { GitAccess, GitKept } from './git-access.ts'
import type { GlobSearch, GlobSnapshot } from './glob-snapshot.ts'
import type { AbsolutePath } from './path.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy } from './policy.ts'

export type Access = 'read' | 'write' | 'none'

/** What stands at a path, seen without following its last component. */
export type FileKind = 'directory' | 'file' | 'symlink' | 'other' | 'missing'

/**
 * The questions the policy layer asks about the disk. The real one is `host/file-system-view.ts`; tests pass their own.
 * No method throws: what cannot be looked at is missing.
 */
export interface FileSystemView {
  /** `realpath(3)`, or null when the path cannot be resolved completely. */
  realPath(path: AbsolutePath): AbsolutePath | null
  /** What stands at the path itself (links are not followed). */
  kindOf(path: AbsolutePath): FileKind
  /** The same, following links. A dangling link is `missing`. */
  targetKindOf(path: AbsolutePath): Exclude<FileKind, 'symlink'>
  /** The first `limit` bytes as UTF-8, or null: absent, unreadable, longer than the limit, or not UTF-8. */
  readText(path: AbsolutePath, limit: number): string | null
  /**
   * The path with its last name as the disk spells it, when something stands there. Only where names of different spelling
   * may mean one file; absent: a name has one spelling.
   */
  spelledOnDisk?(path: AbsolutePath): AbsolutePath
}

/** Everything outside the policy that its meaning depends on. */
export interface Surroundings {
  /** The policy's working directory. Absolute and normal; need not exist. */
  readonly policyCwd: AbsolutePath
  /** The process's directory, for relative values of TMPDIR. */
  readonly processCwd: AbsolutePath
  /** `$TMPDIR` as given, when set. */
  readonly temporaryDirectory: string | undefined
  /** The user's home directory, for `~`. */
  readonly home: string | undefined
  readonly files: FileSystemView
  /** What a command may do with the git directories of its workspace. Default: `protected`. */
  readonly git?: GitAccess | undefined
  /** The platform's own directories, which policies open with `minimal`. Default: those of Linux. */
  readonly platformRoots?: readonly string[] | undefined
  /** Looks for what patterns stand for. Without it a policy that denies by patterns can be asked but not enforced. */
  readonly globs?: GlobSearch
}

export interface WritableRoot {
  readonly root: AbsolutePath
  /** Paths below (or beside) the root that stay read-only: default protections first, then carve-outs. */
  readonly readOnly: readonly AbsolutePath[]
  /** Only in the lists of 2026-06 (L6-7): names at the root's top that are not writable, whether anything has them or not. */
  readonly protectedNames?: readonly string[]
}

/** Why a rule exists. */
export type RuleOrigin =
  | { readonly kind: 'entry'; readonly index: number; readonly spelled: string }
  | {
      readonly kind: 'protection'
      readonly name: '.git' | 'gitdir' | 'commondir' | '.agents' | '.codex' | 'git-metadata'
      readonly root: AbsolutePath
    }
  /** A git directory outside the root that the option `git` opens. */
  | { readonly kind: 'git'; readonly access: GitAccess; readonly root: AbsolutePath }
  | { readonly kind: 'platform-default' }

/**
 * One line of what must be enforced: the path and everything below it has this access, unless a deeper rule says
 * otherwise. Paths are canonical (what the kernel sees), sorted by depth and then by path, at most one rule per path.
 * A path that no rule contains has access `none`.
 */
export interface AccessRule {
  readonly path: AbsolutePath
  readonly access: Access
  /** What stands at `path` now. `symlink`: the rule is about a link's own name inside a writable root. */
  readonly target: FileKind
  /**
   * For a rule that closes something `missing`: the first component of `path` that is not there, when what it would be made
   * in is a directory. As long as nothing can be created there, nothing can be created at `path`.
   */
  readonly firstMissing?: AbsolutePath
  readonly origin: RuleOrigin
}

/** What became of the option `git`. */
export interface ResolvedGit {
  readonly access: Exclude<GitAccess, 'protected'>
  /** Roots whose git directories stay protected all the same, and why. */
  readonly kept: readonly GitKept[]
  /** Names from which git would take hooks and configuration, that do not exist and that a command could create. */
  readonly gaps: readonly AbsolutePath[]
}

export interface ResolvedPolicy {
  readonly kind: FileSystemSandboxPolicy['kind']
  readonly network: NetworkSandboxPolicy
  /** The policy's working directory. */
  readonly cwd: AbsolutePath
  /** The split form: as given, or converted from the legacy policy. */
  readonly fileSystem: FileSystemSandboxPolicy
  /** The legacy form: as given, or what the split form converts to; null when there is none. */
  readonly legacy: LegacySandboxPolicy | null
  /** True when the legacy form does not mean the same (spec EQ): only an engine with carve-outs may hold the policy. */
  readonly needsDirectEnforcement: boolean
  readonly fullDiskRead: boolean
  readonly fullDiskWrite: boolean
  readonly platformDefaults: boolean
  readonly readableRoots: readonly AbsolutePath[]
  readonly writableRoots: readonly WritableRoot[]
  readonly unreadableRoots: readonly AbsolutePath[]
  /**
   * What must be enforced. For kinds other than `restricted`, and for full disk write, a single rule: `/` is writable.
   */
  readonly rules: readonly AccessRule[]
  /** Absent when git directories are protected, which is the default. */
  readonly git?: ResolvedGit
  /** What became of the patterns that deny; null when there are none. */
  readonly globs: GlobSnapshot
  /** SHA-256 (hex) over everything above that has meaning; equal policies in equal surroundings have equal digests. */
  readonly digest: string
}
