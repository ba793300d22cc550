/**
 * What a plan with Landlock does not hold although the policy asks for it, by mode and ABI. Said before the launch, so that
 * a host can refuse: weaker is never silent. Limits of the mount layer itself are not here.
 */
import type { ResolvedPolicy } from '../../policy/types.ts'
import type { PlanLimit, PlanLimitCode } from '../plan.ts'
import type { LandlockMode } from './landlock.ts'
import { limit } from './limits.ts'

export interface OtherLayers {
  /** The plan has its own PID namespace, in which no process of the host can be named. Default false. */
  readonly pidNamespace?: boolean
  /** The plan has the restricted socket filter (or the policy leaves the network open). Default true. */
  readonly socketFilter?: boolean
}

/** In a fixed order. `abi` 0 means that the plan has no Landlock at all. */
export function landlockLimits(
  resolved: ResolvedPolicy,
  abi: number,
  mode: LandlockMode,
  { pidNamespace = false, socketFilter = true }: OtherLayers = {},
): readonly PlanLimit[] {
  const alone = mode === 'alone'
  const restricted = !resolved.fullDiskWrite
  const holds: readonly (readonly [PlanLimitCode, boolean])[] = [
    ['metadata-outside-roots', alone && restricted],
    ['protected-paths', alone && restricted && hasProtections(resolved)],
    ['truncate', alone && restricted && abi < 3],
    ['reopened-descriptors', restricted && abi < 1],
    ['signals', abi < 6 && !pidNamespace],
    ['abstract-unix-sockets', resolved.network === 'restricted' && abi < 6 && !socketFilter],
  ]
  return holds.filter(([, applies]) => applies).map(([code]) => limit(code))
}

/** Every writable root has protected names; those that are missing could be created. */
function hasProtections(resolved: ResolvedPolicy): boolean {
  return resolved.writableRoots.length > 0 || resolved.rules.some(rule => rule.origin.kind === 'protection')
}
