/**
 * What a helper is given may be a legacy policy, a split pair, or both; this settles on one of each (spec PAIR-1 … PAIR-8).
 */
import { needsDirectEnforcement, semanticSignature } from './equivalence.ts'
import { networkFromLegacy } from './legacy.ts'
import { legacyToSplit } from './legacy-to-split.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy } from './policy.ts'
import { splitToLegacy } from './split-to-legacy.ts'
import type { Surroundings } from './types.ts'

export interface GivenPolicies {
  readonly legacy?: LegacySandboxPolicy | undefined
  readonly fileSystem?: FileSystemSandboxPolicy | undefined
  readonly network?: NetworkSandboxPolicy | undefined
}

export interface SettledPolicies {
  readonly kind: 'settled'
  readonly legacy: LegacySandboxPolicy
  readonly fileSystem: FileSystemSandboxPolicy
  readonly network: NetworkSandboxPolicy
}

export interface UnsettledPolicies {
  readonly kind: 'refused'
  readonly reason: /** Nothing was given (PAIR-4). */
    | 'missing'
    /** One half of the pair (PAIR-3). */
    | 'partial-split'
    /** The pair alone has no legacy form (PAIR-8). */
    | 'cannot-derive-legacy'
    /** The three views disagree (PAIR-6). */
    | 'legacy-mismatch'
}

function refused(reason: UnsettledPolicies['reason']): UnsettledPolicies {
  return { kind: 'refused', reason }
}

// PAIR-6: the network word and the six values of both split forms.
function agree(
  given: LegacySandboxPolicy,
  derived: LegacySandboxPolicy,
  surroundings: Surroundings,
  model: Model,
): boolean {
  if (networkFromLegacy(given) !== networkFromLegacy(derived)) return false
  const signatureOf = (legacy: LegacySandboxPolicy) =>
    semanticSignature(legacyToSplit(legacy, surroundings, model), surroundings, { model })
  return signatureOf(given) === signatureOf(derived)
}

/**
 * Settles what was given. With all three and a split policy that needs direct enforcement the legacy policy is a mere
 * stand-in and is not looked at (PAIR-7).
 */
export function settlePolicies(
  given: GivenPolicies,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): SettledPolicies | UnsettledPolicies {
  const { legacy, fileSystem, network } = given
  if ((fileSystem === undefined) !== (network === undefined)) return refused('partial-split')
  if (fileSystem === undefined || network === undefined) {
    if (legacy === undefined) return refused('missing')
    return {
      kind: 'settled',
      legacy,
      fileSystem: legacyToSplit(legacy, surroundings, model),
      network: networkFromLegacy(legacy),
    }
  }
  if (legacy !== undefined && needsDirectEnforcement(fileSystem, network, surroundings, { model })) {
    return { kind: 'settled', legacy, fileSystem, network }
  }
  const derived = splitToLegacy(fileSystem, network, surroundings, model)
  if (derived.kind === 'refused') return refused('cannot-derive-legacy')
  if (legacy === undefined) return { kind: 'settled', legacy: derived.policy, fileSystem, network }
  if (!agree(legacy, derived.policy, surroundings, model)) return refused('legacy-mismatch')
  return { kind: 'settled', legacy, fileSystem, network }
}
