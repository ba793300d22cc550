/**
 * Seccomp rules about what kind of file a command may leave behind: no set-user-id or set-group-id bit (spec linux 11, hole
 * 18: such a file lends the user's identity to whoever starts it later, outside the sandbox) and no device node.
 *
 * Not here:
 * - `mkdir` and `mkdirat`: the kernel drops both bits itself (mkdir(2)), so refusing would only break callers.
 * - Directories cannot be told from files by a filter: set-group-id on a directory is refused too (`git init --shared`).
 */

import type { SeccompRule } from './seccomp.ts'
import { deny, hasAnyOf, maskedEquals, pretendMissing } from './seccomp-builders.ts'
import type { SystemCallName } from './system-calls.ts'

const SET_ID_BITS = 0o6000
const S_IFMT = 0o170000
const S_IFCHR = 0o020000
const S_IFBLK = 0o060000
/** O_CREAT | __O_TMPFILE, the same on both architectures. Without one of them `open` ignores its mode, which may be garbage. */
const CREATING_FLAGS = 0x40 | 0x400000

type Index = 0 | 1 | 2 | 3

export function fileModeRules(): SeccompRule[] {
  return [
    ...setIdRules('chmod', 1),
    ...setIdRules('fchmod', 1),
    ...setIdRules('fchmodat', 2),
    ...setIdRules('fchmodat2', 2),
    ...setIdRules('creat', 1),
    ...setIdRules('mknod', 1),
    ...setIdRules('mknodat', 2),
    ...openRules('open', 1, 2),
    ...openRules('openat', 2, 3),
    pretendMissing('openat2', 'its mode lies behind a pointer; programs fall back to openat'),
    ...deviceNodeRules('mknod', 1),
    ...deviceNodeRules('mknodat', 2),
  ]
}

function setIdRules(call: SystemCallName, mode: Index): SeccompRule[] {
  return [deny(call, 'a set-id file would be left behind', hasAnyOf(mode, SET_ID_BITS))]
}

function openRules(call: SystemCallName, flags: Index, mode: Index): SeccompRule[] {
  const reason = 'a set-id file would be left behind'
  return [deny(call, reason, hasAnyOf(flags, CREATING_FLAGS), hasAnyOf(mode, SET_ID_BITS))]
}

function deviceNodeRules(call: SystemCallName, mode: Index): SeccompRule[] {
  const reason = 'a device node would reach past the file system'
  return [
    deny(call, reason, maskedEquals(mode, S_IFMT, S_IFCHR)),
    deny(call, reason, maskedEquals(mode, S_IFMT, S_IFBLK)),
  ]
}
