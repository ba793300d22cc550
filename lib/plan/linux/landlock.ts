/**
 * The Landlock plan: which rights are handled and which paths get which rights. Names are the kernel's
 * (landlock(7), include/uapi/linux/landlock.h).
 */
import { InternalError, PolicyError } from '../../errors.ts'
import { type AbsolutePath, contains } from '../../policy/path.ts'
import type { AccessRule, ResolvedPolicy } from '../../policy/types.ts'
import { landlockAccess, RESOLVE_UNIX, SCOPE_SIGNAL } from './landlock-access.ts'
import { collapseRules, hostDeviceRules, policyRules, privateRules, rulesAboutHost } from './landlock-rules.ts'

export interface LandlockRule {
  readonly path: AbsolutePath
  /** Bits of LANDLOCK_ACCESS_FS_*; already reduced to what the ABI knows and, for non-directories, to file rights. */
  readonly allowedAccess: number
  /** `required`: the launch fails when the path cannot be opened. `optional`: then the rule is left out (it only grants). */
  readonly presence: 'required' | 'optional'
}

export interface LandlockPlan {
  /** The ABI the plan was made for (the kernel's, never more than the newest this library knows). */
  readonly abi: number
  readonly handledAccessFs: number
  readonly handledAccessNet: number
  readonly scoped: number
  readonly rules: readonly LandlockRule[]
}

/**
 * `alone`: Landlock is the only thing that holds the file system. `stacked`: it comes on top of a mount plan that already
 * holds the policy, and closes what mounts cannot (re-opened descriptors, /proc/sys as root, remounts; spec linux 11). Stacked,
 * it may grant more than the policy below a root: Landlock cannot take away there, and the mount view does.
 */
export type LandlockMode = 'alone' | 'stacked'

export interface LandlockOptions {
  readonly resolved: ResolvedPolicy
  /** The kernel's answer; 1 or more. Versions newer than we know are used as the newest we know. */
  readonly abi: number
  readonly mode: LandlockMode
  readonly networkRestricted: boolean
  /** TCP stays open: the network namespace has nothing but the proxies. Default: false. */
  readonly proxied?: boolean
}

/**
 * Handles every right that the ABI knows, with these exceptions: network rights, path and abstract sockets only when the
 * network is restricted (there are no rules for them, so handling means refusing). Signals always stay inside.
 *
 * Throws ERR_POLICY_NOT_ENFORCEABLE in mode `alone` for a policy with an obstacle (`landlockObstacle`), and ERR_INTERNAL
 * when there is no Landlock.
 */
export function makeLandlockPlan({
  resolved,
  abi,
  mode,
  networkRestricted,
  proxied = false,
}: LandlockOptions): LandlockPlan {
  const known = landlockAccess(abi)
  if (known.abi === 0) throw new InternalError('a Landlock plan for a kernel without Landlock')
  const obstacle = mode === 'alone' ? landlockObstacle(resolved) : null
  if (obstacle !== null) throw notEnforceable(obstacle)
  const handledAccessFs = networkRestricted ? known.fs : known.fs & ~RESOLVE_UNIX
  const granted =
    mode === 'alone'
      ? [...policyRules(resolved.rules, handledAccessFs), ...hostDeviceRules(resolved.rules, handledAccessFs)]
      : [...policyRules(rulesAboutHost(resolved.rules), handledAccessFs), ...privateRules(handledAccessFs)]
  return Object.freeze({
    abi: known.abi,
    handledAccessFs,
    handledAccessNet: networkRestricted && !proxied ? known.net : 0,
    scoped: networkRestricted ? known.scoped : known.scoped & SCOPE_SIGNAL,
    rules: Object.freeze(collapseRules(granted).map(rule => Object.freeze(rule))),
  })
}

const rank = { none: 0, read: 1, write: 2 } as const

/**
 * The first rule of the policy that Landlock alone cannot hold, because it gives less than a directory above it; null when
 * there is none. The protections of a writable root do not count: they are reported as a limit, see `landlockLimits`.
 */
export function landlockObstacle(resolved: ResolvedPolicy): AccessRule | null {
  const isObstacle = (rule: AccessRule) =>
    rule.origin.kind !== 'protection' &&
    resolved.rules.some(above => rank[above.access] > rank[rule.access] && contains(above.path, rule.path))
  return resolved.rules.find(isObstacle) ?? null
}

function notEnforceable(rule: AccessRule): PolicyError {
  const message = `cannot hold ${rule.path} to "${rule.access}" below a directory with more access: Landlock only grants`
  const entry = rule.origin.kind === 'entry' ? { entry: rule.origin.spelled } : {}
  return new PolicyError('ERR_POLICY_NOT_ENFORCEABLE', message, { ...entry, mechanism: 'landlock' })
}
