/**
 * The mount plan: an ordered list of operations, each defined by its effect, never by a mount call. Sources are host
 * paths, destinations are paths in the new root. Both Linux namespace engines carry out the same list: the native child
 * (`native/linux/`) and bubblewrap (`bwrap-arguments.ts`); `mount-view.ts` interprets it in tests and for `explain`.
 */
import type { AbsolutePath } from '../../policy/path.ts'
import type { RuleOrigin } from '../../policy/types.ts'

/** Which inode an operation is meant for. The launch refuses to go on when another one stands there. */
export interface MountPin {
  readonly device: string
  readonly inode: string
}

export type MountOperation =
  /** Starts from the host's tree: everything readable, nothing writable, no set-user-id. Always the first operation, or: */
  | { readonly operation: 'host-tree' }
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
  /** The directory cannot be read, listed or written. `passable`: something below it is re-opened, so it can be passed through. */
  | {
      readonly operation: 'mask-directory'
      readonly target: AbsolutePath
      readonly passable: boolean
      readonly origin: RuleOrigin
    }
  /** The file cannot be read or written. */
  | { readonly operation: 'mask-file'; readonly target: AbsolutePath; readonly origin: RuleOrigin }
  /** An empty, passable directory inside a mask or an empty root, as a place for a later operation. */
  | { readonly operation: 'make-directory'; readonly target: AbsolutePath }
  /** An empty file inside a mask or an empty root, as a place for a later `bind` of a file. */
  | { readonly operation: 'make-file'; readonly target: AbsolutePath }
  /** A symbolic link inside an empty root, for instance /bin -> usr/bin. */
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
