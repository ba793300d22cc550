/**
 * The access rights of Landlock (include/uapi/linux/landlock.h, landlock(7)) and which ABI version brought them. Every mask
 * that reaches the kernel passes through `landlockAccess`: an unknown bit makes landlock_create_ruleset(2) fail with EINVAL.
 *
 * ABI 1 Linux 5.13, 2 5.19, 3 6.2, 4 6.7, 5 6.10, 6 6.12, 7 6.15 (flags for audit logs), 8 7.0 (a flag to restrict all
 * threads), 9 7.1, 10 7.2. Tried here up to 7; 8 to 10 follow the kernel's header and have not been run.
 */
import { InternalError } from '../../errors.ts'

export const EXECUTE = 1 << 0
export const WRITE_FILE = 1 << 1
export const READ_FILE = 1 << 2
export const READ_DIR = 1 << 3
export const REMOVE_DIR = 1 << 4
export const REMOVE_FILE = 1 << 5
export const MAKE_CHAR = 1 << 6
export const MAKE_DIR = 1 << 7
export const MAKE_REG = 1 << 8
export const MAKE_SOCK = 1 << 9
export const MAKE_FIFO = 1 << 10
export const MAKE_BLOCK = 1 << 11
export const MAKE_SYM = 1 << 12
/** ABI 2: rename or link to another directory. Below, and wherever it is not granted, the kernel answers EXDEV. */
export const REFER = 1 << 13
/** ABI 3. Below, truncate(2) by path is not covered. */
export const TRUNCATE = 1 << 14
/** ABI 5: ioctl(2) on device files opened inside. */
export const IOCTL_DEV = 1 << 15
/** ABI 9: connect and sendmsg to a path socket that was not made inside the sandbox. */
export const RESOLVE_UNIX = 1 << 16

export const NET_BIND_TCP = 1 << 0
export const NET_CONNECT_TCP = 1 << 1
/** ABI 10, as the next one. */
export const NET_BIND_UDP = 1 << 2
export const NET_CONNECT_SEND_UDP = 1 << 3

/** ABI 6, as the next one. */
export const SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0
export const SCOPE_SIGNAL = 1 << 1

/** The newest version this library knows; a newer kernel is used as this one. */
export const NEWEST_LANDLOCK_ABI = 10

const ABI_1_FS = (1 << 13) - 1

/** What reading needs; every other file-system right changes something. */
export const READ_ACCESS = EXECUTE | READ_FILE | READ_DIR
/** The only rights that a rule on something else than a directory may hold; others are EINVAL (landlock_add_rule(2)). */
export const FILE_ACCESS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV | RESOLVE_UNIX

export interface LandlockAccess {
  readonly abi: number
  readonly fs: number
  readonly net: number
  readonly scoped: number
}

/** Everything that the kernel with this ABI knows and we do. ABI 0 (no Landlock) has nothing. */
export function landlockAccess(abi: number): LandlockAccess {
  if (!Number.isInteger(abi) || abi < 0) throw new InternalError(`Landlock ABI ${abi}`)
  const fs =
    since(1, abi, ABI_1_FS) |
    since(2, abi, REFER) |
    since(3, abi, TRUNCATE) |
    since(5, abi, IOCTL_DEV) |
    since(9, abi, RESOLVE_UNIX)
  const net = since(4, abi, NET_BIND_TCP | NET_CONNECT_TCP) | since(10, abi, NET_BIND_UDP | NET_CONNECT_SEND_UDP)
  const scoped = since(6, abi, SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL)
  return { abi: Math.min(abi, NEWEST_LANDLOCK_ABI), fs, net, scoped }
}

function since(version: number, abi: number, bits: number): number {
  return abi >= version ? bits : 0
}
