/**
 * What Windows would say to a policy that was resolved on another system: whether its backends take it at all, and what they would
 * not hold. Roots are not looked at, since the paths are not those of a Windows disk.
 */
import { legacyFullDiskRead } from '../../policy/legacy.ts'
import type { ResolvedPolicy } from '../../policy/types.ts'
import type { WindowsBackend } from './gate.ts'
import { type WindowsLimit, windowsLimits } from './limits.ts'
import { networkAnswer } from './network.ts'
import { type WindowsRefusal, windowsRefusal } from './refusals.ts'

export interface WindowsOutlook {
  readonly backend: WindowsBackend
  /** Null when the backend takes the policy. */
  readonly refusal: WindowsRefusal | null
  /** Empty for a policy that is refused. */
  readonly limits: readonly WindowsLimit[]
}

function refusalOf(resolved: ResolvedPolicy, backend: WindowsBackend): WindowsRefusal | null {
  const { kind, fullDiskWrite, legacy, needsDirectEnforcement } = resolved
  if (kind !== 'restricted' || fullDiskWrite) {
    return windowsRefusal('policy-not-sandboxable', 'the policy closes nothing, or leaves closing to another sandbox')
  }
  if (legacy === null || needsDirectEnforcement) {
    return windowsRefusal('split-not-round-trippable', 'the policy says more than a legacy policy can', {
      hint: 'leave out denials and read-only places inside writable ones, and make the working directory writable',
    })
  }
  if (backend === 'elevated' || legacyFullDiskRead(legacy)) return null
  return windowsRefusal('restricted-read-needs-elevated', 'the restricted token cannot restrict reading', {
    hint: 'use the elevated backend',
  })
}

function outlook(resolved: ResolvedPolicy, backend: WindowsBackend): WindowsOutlook {
  const refusal = refusalOf(resolved, backend)
  if (refusal !== null) return { backend, refusal, limits: [] }
  const limits = windowsLimits({
    backend,
    writes: resolved.writableRoots.length > 0,
    network: networkAnswer(resolved.network, backend, false).network,
    everyone: false,
    stateDirectoryReadable: backend === 'elevated' && resolved.fullDiskRead,
    hasPatterns: false,
    missingMetadata: [],
    withoutAcls: [],
  })
  return { backend, refusal: null, limits }
}

/** One answer for each backend, the one that needs no setup first. */
export function windowsAnswer(resolved: ResolvedPolicy): readonly WindowsOutlook[] {
  return [outlook(resolved, 'unelevated'), outlook(resolved, 'elevated')]
}
