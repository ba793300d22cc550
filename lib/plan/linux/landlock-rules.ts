/**
 * Which paths get which rights. Landlock only grants: what a rule gives on a directory holds for everything below it, and
 * nothing can be taken away again there. Rules stick to the inode that is found when the ruleset is made.
 *
 * "All rights" of a writable root leave out three:
 * - MAKE_CHAR and MAKE_BLOCK: no command makes device nodes (the seccomp filter says the same, and the capability is gone);
 * - RESOLVE_UNIX: sockets made inside are always reachable, sockets of the host in a shared /tmp must not be.
 */
import { FiledAbove } from '../../policy/filed-above.ts'
import { type AbsolutePath, contains, normalizeAbsolute } from '../../policy/path.ts'
import type { AccessRule } from '../../policy/types.ts'
import type { LandlockRule } from './landlock.ts'
import {
  FILE_ACCESS,
  IOCTL_DEV,
  MAKE_BLOCK,
  MAKE_CHAR,
  READ_ACCESS,
  READ_DIR,
  READ_FILE,
  RESOLVE_UNIX,
  TRUNCATE,
  WRITE_FILE,
} from './landlock-access.ts'

const NOT_IN_WRITABLE_ROOTS = MAKE_CHAR | MAKE_BLOCK | RESOLVE_UNIX
const DEVICE_ACCESS = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV

/**
 * The host's devices that a command may write to although the policy does not name them, when there is no private /dev:
 * - null, zero, full: data goes nowhere, and every shell script writes to /dev/null;
 * - random, urandom: writing stirs the pool and credits nothing, for any user of the machine;
 * - tty: the command's own controlling terminal, and only when the launch leaves it one. The seccomp filter refuses typing
 *   into it.
 * IOCTL_DEV comes along so that "is this a terminal?" is answered by the driver, with ENOTTY, as everywhere else.
 *
 * Not in the list, because the host's other processes are behind them:
 * - /dev/pts holds the user's other terminals: writing there reaches their screens, reading takes their keystrokes. Without
 *   it /dev/ptmx is of no use. New pseudo terminals need the private /dev/pts of a mount namespace;
 * - /dev/shm is memory shared with the host's processes. It is writable when the policy says so.
 */
const DEVICES = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty'].map(
  normalizeAbsolute,
)

/** What the mount layer always provides (operations `devices` and `process-files`), whatever the policy reads. */
const PRIVATE_DEV = normalizeAbsolute('/dev')
const PRIVATE_SHM = normalizeAbsolute('/dev/shm')
const PROC = normalizeAbsolute('/proc')

/** A rule for what the policy reads or writes; null when it grants nothing that Landlock could grant. */
function policyRule(rule: AccessRule, known: number): LandlockRule | null {
  // A link's own name cannot be granted: opening the path would follow it. What is missing has no inode to stick to.
  if (rule.access === 'none' || rule.target === 'missing' || rule.target === 'symlink') return null
  const wanted = rule.access === 'write' ? ~NOT_IN_WRITABLE_ROOTS : READ_ACCESS
  const allowedAccess = wanted & known & (rule.target === 'directory' ? ~0 : FILE_ACCESS)
  return { path: rule.path, allowedAccess, presence: rule.access === 'write' ? 'required' : 'optional' }
}

export function policyRules(rules: readonly AccessRule[], known: number): LandlockRule[] {
  return rules.map(rule => policyRule(rule, known)).filter(rule => rule !== null)
}

/** The rules about what a mount plan leaves in sight of the host: it covers /dev and /proc, whatever the policy says there. */
export function rulesAboutHost(rules: readonly AccessRule[]): readonly AccessRule[] {
  return rules.filter(rule => !contains(PRIVATE_DEV, rule.path) && !contains(PROC, rule.path))
}

/** For Landlock alone. A device that the policy denies by name, or below a directory it denies, stays denied. */
export function hostDeviceRules(rules: readonly AccessRule[], known: number): LandlockRule[] {
  const granted = DEVICES.filter(device => !isDenied(rules, device))
  return granted.map(path => ({ path, allowedAccess: DEVICE_ACCESS & known, presence: 'optional' }))
}

function isDenied(rules: readonly AccessRule[], path: AbsolutePath): boolean {
  return rules.findLast(rule => contains(rule.path, path))?.access === 'none'
}

/**
 * For Landlock inside a mount namespace: rules are made after the mounts, so /dev, /dev/shm and /proc are the private ones.
 * /proc is only read: writing there is what `/proc/sys` must never allow (spec linux 11, hole 7).
 */
export function privateRules(known: number): LandlockRule[] {
  const shm = ~NOT_IN_WRITABLE_ROOTS & known
  return [
    { path: PROC, allowedAccess: READ_ACCESS & known, presence: 'optional' },
    { path: PRIVATE_DEV, allowedAccess: (DEVICE_ACCESS | READ_DIR) & known, presence: 'required' },
    { path: PRIVATE_SHM, allowedAccess: shm, presence: 'optional' },
  ]
}

/** One rule per path, none that an ancestor makes superfluous, ordered by path. The kernel walks all rules of a path. */
export function collapseRules(rules: readonly LandlockRule[]): LandlockRule[] {
  const byPath = new Map<AbsolutePath, LandlockRule>()
  for (const rule of rules) {
    const other = byPath.get(rule.path)
    byPath.set(rule.path, other === undefined ? rule : mergeRules(other, rule))
  }
  const filed = new FiledAbove(byPath)
  const needed = [...byPath.values()].filter(rule => !isSuperfluous(rule, filed.strictlyAbove(rule.path)))
  return needed.sort((left, right) => compareText(left.path, right.path))
}

function mergeRules(left: LandlockRule, right: LandlockRule): LandlockRule {
  const presence = left.presence === 'required' || right.presence === 'required' ? 'required' : 'optional'
  return { path: left.path, allowedAccess: left.allowedAccess | right.allowedAccess, presence }
}

/** An ancestor that is gone at the launch takes this path with it, so its presence does not matter here. */
function isSuperfluous(rule: LandlockRule, above: readonly LandlockRule[]): boolean {
  if (rule.allowedAccess === 0) return true
  const granted = above.reduce((access, other) => access | other.allowedAccess, 0)
  return (rule.allowedAccess & ~granted) === 0
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
