/**
 * What a policy says, in the user's words: the two models of the specification (chapter 1) as frozen data. Member names and
 * words are those of the wire forms (WIRE-1 … WIRE-8), with every default filled in and every path absolute and normal.
 *
 * Values of these types come from `parse.ts`, `presets.ts` or a conversion, never from a cast. They know no operating
 * system, no disk and no working directory: `resolve.ts` brings those in.
 */
import type { AbsolutePath } from './path.ts'

/** WIRE-1. Entries of kinds other than `restricted` are kept and printed, but never looked at. */
export type FileSystemSandboxKind = 'restricted' | 'unrestricted' | 'external-sandbox'

/** WIRE-2. `write` includes reading; `none` is neither. */
export type FileSystemAccess = 'read' | 'write' | 'none'

/** WIRE-3. Places that are named instead of spelled; what they stand for is decided when the policy is resolved. */
export type FileSystemSpecialPath =
  /** The root of the file system. */
  | { readonly kind: 'root' }
  /** Not a place but a switch: the platform's default read roots (DISK-7). */
  | { readonly kind: 'minimal' }
  | { readonly kind: 'current_working_directory' }
  /** The policy's working directory, or a path below it. `subpath` is kept as given. */
  | { readonly kind: 'project_roots'; readonly subpath?: string }
  /** `$TMPDIR`. */
  | { readonly kind: 'tmpdir' }
  /** `/tmp`, when it is a directory. */
  | { readonly kind: 'slash_tmp' }
  /** A name of a newer version. Stands for no place. */
  | { readonly kind: 'unknown'; readonly path: string; readonly subpath?: string }

/** WIRE-4. */
export type FileSystemPath =
  | { readonly type: 'path'; readonly path: AbsolutePath }
  | { readonly type: 'special'; readonly value: FileSystemSpecialPath }
  /** Since 2026-06 (L6-2). `glob.ts` has the language; kept as given. Means something only with access `none` (L6-5). */
  | { readonly type: 'glob_pattern'; readonly pattern: string }

export interface FileSystemSandboxEntry {
  readonly path: FileSystemPath
  readonly access: FileSystemAccess
  /** Since 2026-06. `skip`: the entry stands for no place as long as nothing stands at its path. */
  readonly missing_path_behavior?: 'skip'
}

export interface FileSystemSandboxPolicy {
  readonly kind: FileSystemSandboxKind
  /** In the order given, repeats included. Order never changes an answer about access (ACC-3, ACC-4). */
  readonly entries: readonly FileSystemSandboxEntry[]
  /** Since 2026-06 (L6-2). How many levels below its fixed part a pattern is looked for on the disk. Absent: all. */
  readonly glob_scan_max_depth?: number
}

/** WIRE-6. */
export type NetworkSandboxPolicy = 'restricted' | 'enabled'

/** WIRE-8. */
export type ReadOnlyAccess =
  | { readonly type: 'full-access' }
  | {
      readonly type: 'restricted'
      /** True unless the input says otherwise. */
      readonly include_platform_defaults: boolean
      readonly readable_roots: readonly AbsolutePath[]
    }

/** WIRE-7. Beware: `network_access` is a word on `external-sandbox` and a boolean elsewhere. */
export type LegacySandboxPolicy =
  | { readonly type: 'danger-full-access' }
  | { readonly type: 'read-only'; readonly access: ReadOnlyAccess; readonly network_access: boolean }
  | { readonly type: 'external-sandbox'; readonly network_access: NetworkSandboxPolicy }
  | {
      readonly type: 'workspace-write'
      readonly writable_roots: readonly AbsolutePath[]
      readonly read_only_access: ReadOnlyAccess
      readonly network_access: boolean
      readonly exclude_tmpdir_env_var: boolean
      readonly exclude_slash_tmp: boolean
    }

/** A complete policy, in the model its author wrote it in. Deeply frozen. */
export type Policy =
  | { readonly form: 'legacy'; readonly legacy: LegacySandboxPolicy }
  | {
      readonly form: 'split'
      readonly fileSystem: FileSystemSandboxPolicy
      readonly network: NetworkSandboxPolicy
    }
