/**
 * The model of a Landlock plan: what the kernel answers under it, for a canonical path. Knows only the plan, never the policy,
 * so that the two can be compared. Rules stick to inodes; the model takes every path for its own inode (no bind mounts or
 * hard links that show a granted file elsewhere).
 */
import { unreachable } from '../../errors.ts'
import { type AbsolutePath, contains, parentOf } from '../../policy/path.ts'
import type { ModelAccess } from '../plan.ts'
import type { LandlockPlan } from './landlock.ts'
import {
  EXECUTE,
  IOCTL_DEV,
  MAKE_BLOCK,
  MAKE_CHAR,
  MAKE_DIR,
  MAKE_FIFO,
  MAKE_REG,
  MAKE_SOCK,
  MAKE_SYM,
  READ_DIR,
  READ_FILE,
  REFER,
  REMOVE_DIR,
  REMOVE_FILE,
  RESOLVE_UNIX,
  TRUNCATE,
  WRITE_FILE,
} from './landlock-access.ts'

/** What a process tries at a path. `make-…` and `remove-…` name the entry, the right is that of its directory. */
export type LandlockOperation =
  | 'execute'
  | 'read-file'
  | 'read-directory'
  | 'write-file'
  | 'truncate'
  | 'device-ioctl'
  | 'connect-unix'
  | 'make-file'
  | 'make-directory'
  | 'make-symlink'
  | 'make-fifo'
  | 'make-socket'
  | 'make-character-device'
  | 'make-block-device'
  | 'remove-file'
  | 'remove-directory'
  /** Moves or links the entry from or to another directory. Both directories need it. */
  | 'reparent'

/** True when Landlock lets the operation through. What a plan does not handle is let through, but for re-parenting. */
export function landlockAllows(plan: LandlockPlan, path: AbsolutePath, operation: LandlockOperation): boolean {
  const right = rightOf(operation)
  const place = actsOnDirectory(operation) ? parentOf(path) : path
  const handled = right === REFER || (plan.handledAccessFs & right) !== 0
  return !handled || (grantedAccess(plan, place) & right) !== 0
}

/** The rights at a path: those of every rule on it or on a directory above it. */
export function grantedAccess(plan: LandlockPlan, path: AbsolutePath): number {
  const applying = plan.rules.filter(rule => contains(rule.path, path))
  return applying.reduce((access, rule) => access | rule.allowedAccess, 0)
}

/**
 * In the policy's words. `write`: a file can be opened for writing; a directory can also be changed (files made and removed).
 * `read`: it can be opened or listed. A plan that does not handle a right allows it.
 */
export function landlockAccessOf(
  plan: LandlockPlan,
  path: AbsolutePath,
  kind: 'file' | 'directory' = 'file',
): ModelAccess {
  const access = grantedAccess(plan, path) | ~plan.handledAccessFs
  const has = (rights: number) => (access & rights) === rights
  if (kind === 'file') return has(WRITE_FILE) ? 'write' : has(READ_FILE) ? 'read' : 'none'
  return has(WRITE_FILE | MAKE_REG | REMOVE_FILE) ? 'write' : has(READ_DIR) ? 'read' : 'none'
}

function actsOnDirectory(operation: LandlockOperation): boolean {
  return operation.startsWith('make-') || operation.startsWith('remove-') || operation === 'reparent'
}

function rightOf(operation: LandlockOperation): number {
  switch (operation) {
    case 'execute':
      return EXECUTE
    case 'read-file':
      return READ_FILE
    case 'read-directory':
      return READ_DIR
    case 'write-file':
      return WRITE_FILE
    case 'truncate':
      return TRUNCATE
    case 'device-ioctl':
      return IOCTL_DEV
    case 'connect-unix':
      return RESOLVE_UNIX
    case 'make-file':
      return MAKE_REG
    case 'make-directory':
      return MAKE_DIR
    case 'make-symlink':
      return MAKE_SYM
    case 'make-fifo':
      return MAKE_FIFO
    case 'make-socket':
      return MAKE_SOCK
    case 'make-character-device':
      return MAKE_CHAR
    case 'make-block-device':
      return MAKE_BLOCK
    case 'remove-file':
      return REMOVE_FILE
    case 'remove-directory':
      return REMOVE_DIR
    case 'reparent':
      return REFER
    default:
      return unreachable(operation)
  }
}
