/**
 * The mount plan: an ordered list of operations, each defined by its effect, never by a mount call. Sources are host
 * paths, destinations are paths in the new root. Both Linux namespace engines carry out the same list: the native child
 * (`native/linux/`) and bubblewrap (`bwrap-arguments.ts`); `mount-view.ts` interprets it in tests and for `explain`.
 */

import type { Notice } from '../../notices.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import type { ResolvedPolicy, RuleOrigin } from '../../policy/types.ts'
import type { Refusal } from '../plan.ts'
import { buildMounts } from './mount-builder.ts'
import { aliasLinks } from './mount-builder-links.ts'
import { settleRules } from './mount-builder-rules.ts'

/** Which inode an operation is meant for. The launch refuses to go on when another one stands there. */
export interface MountPin {
  readonly device: string
  readonly inode: string
}

export type MountOperation =
  /**
   * Starts from the host's tree with everything in it at the given access, no set-user-id. `write` is for policies that
   * open the whole disk and close parts of it again. Always the first operation, or:
   */
  | { readonly operation: 'host-tree'; readonly access: 'read' | 'write' }
  /** Starts from an empty root. Its directories can be passed through but not listed. Always the first operation. */
  | { readonly operation: 'empty-root' }
  /** A directory or file of the host appears at `target`, with what lies below it, at the given access. */
  | {
      readonly operation: 'bind'
      readonly source: AbsolutePath
      readonly target: AbsolutePath
      readonly access: 'read' | 'write'
      readonly type: 'directory' | 'file'
      readonly origin: RuleOrigin
    }
  /**
   * The directory cannot be read, listed or written. `passable`: something below it is re-opened, so it can be passed
   * through. Its `seal` always follows, at once when nothing is re-opened.
   */
  | {
      readonly operation: 'mask-directory'
      readonly target: AbsolutePath
      readonly passable: boolean
      readonly origin: RuleOrigin
    }
  /** The file cannot be read or written. */
  | { readonly operation: 'mask-file'; readonly target: AbsolutePath; readonly origin: RuleOrigin }
  /**
   * Nothing can be created at this path. While the command runs, an empty read-only directory stands there, and it is gone
   * from the host afterwards.
   */
  | { readonly operation: 'mask-missing'; readonly target: AbsolutePath; readonly origin: RuleOrigin }
  /** An empty, passable directory inside a mask or an empty root, as a place for a later operation. */
  | { readonly operation: 'make-directory'; readonly target: AbsolutePath }
  /** An empty file inside a mask or an empty root, as a place for a later `bind` of a file. */
  | { readonly operation: 'make-file'; readonly target: AbsolutePath }
  /** A symbolic link inside a mask or an empty root, for instance /bin -> usr/bin. */
  | { readonly operation: 'make-symlink'; readonly target: AbsolutePath; readonly to: string }
  /** Ends changes to a mask or the empty root: it becomes read-only. */
  | { readonly operation: 'seal'; readonly target: AbsolutePath }
  /** A minimal /dev: null, zero, full, random, urandom, tty, fd, stdin, stdout, stderr, a private pts with ptmx, and a private writable shm. */
  | { readonly operation: 'devices' }
  /** /proc: a fresh one when the plan has its own PID namespace, otherwise the host's, read-only. */
  | { readonly operation: 'process-files' }

export interface MountPlan {
  readonly operations: readonly MountOperation[]
}

export type MountPlanResult =
  | { readonly plan: MountPlan; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal }

/**
 * The mount plan that holds `resolved.rules`, or the reason why none can. Pure: the same rules give the same plan.
 *
 * Notices name the roots that do not exist and are therefore left out (code `missing-root`). A refusal has the kind
 * `not-enforceable`; it names the entry as the user wrote it. Source: spec/linux sections 5 and 11, spec/policy ROOT-5/9.
 */
export function makeMountPlan(resolved: ResolvedPolicy): MountPlanResult {
  const settled = settleRules(resolved)
  if ('refusal' in settled) return settled
  const operations = buildMounts(settled.rules, aliasLinks(resolved, settled.rules))
  return { plan: { operations }, notices: settled.notices }
}
