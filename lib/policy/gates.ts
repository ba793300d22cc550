/**
 * Which enforcement a settled policy may be given to (spec PLAT-1, PLAT-2, WIN-1, WIN-2). Answers only; what this machine
 * can do is the business of the layers above.
 */
import { unreachable } from '../errors.ts'
import { needsDirectEnforcement } from './equivalence.ts'
import { legacyFullDiskRead } from './legacy.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import type { SettledPolicies } from './pair.ts'
import type { FileSystemSandboxPolicy, NetworkSandboxPolicy } from './policy.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskRead, hasFullDiskWrite } from './whole-disk.ts'

export type LandlockGate =
  | { readonly kind: 'landlock' }
  /** Everything is writable and nothing is proxied: only the network filter is left to do. */
  | { readonly kind: 'no-filesystem-sandbox' }
  | { readonly kind: 'refused'; readonly reason: 'needs-direct' | 'restricted-read' }

/** PLAT-1: may Landlock, handed nothing but the legacy writable roots, hold this policy? */
export function landlockGate(
  policies: SettledPolicies,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): LandlockGate {
  const { fileSystem, network } = policies
  if (needsDirectEnforcement(fileSystem, network, surroundings, { model })) {
    return { kind: 'refused', reason: 'needs-direct' }
  }
  if (hasFullDiskWrite(fileSystem)) return { kind: 'no-filesystem-sandbox' }
  if (!hasFullDiskRead(fileSystem)) return { kind: 'refused', reason: 'restricted-read' }
  return { kind: 'landlock' }
}

/** PLAT-2: does the policy need a platform sandbox at all? `managedNetwork`: a proxy must see all traffic. */
export function requiresPlatformSandbox(
  fileSystem: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  managedNetwork: boolean,
): boolean {
  if (managedNetwork) return true
  if (network === 'restricted') return fileSystem.kind !== 'external-sandbox'
  return fileSystem.kind === 'restricted' && !hasFullDiskWrite(fileSystem)
}

export type WindowsSandboxLevel = 'restricted-token' | 'elevated'

/** WIN-1, WIN-2: may a Windows back end, which sees the legacy policy, hold this policy? If not, refuse to run. */
export function windowsSupports(
  policies: SettledPolicies,
  level: WindowsSandboxLevel,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): boolean {
  const { fileSystem, network, legacy } = policies
  if (fileSystem.kind !== 'restricted') return false
  switch (legacy.type) {
    case 'danger-full-access':
    case 'external-sandbox':
      return false
    case 'read-only':
    case 'workspace-write':
      if (level === 'restricted-token' && !legacyFullDiskRead(legacy)) return false
      return !needsDirectEnforcement(fileSystem, network, surroundings, { model })
    default:
      return unreachable(legacy)
  }
}
