/**
 * Which policies each Windows backend takes (spec/windows C, spec/policy WIN-1, WIN-2, L4-9). Looks at the policy and at what its
 * entries stand for; what becomes of the roots is decided afterwards.
 */
import { unreachable } from '../../errors.ts'
import { indexAccess } from '../../policy/access.ts'
import { needsDirectEnforcement } from '../../policy/equivalence.ts'
import { legacyFullDiskRead } from '../../policy/legacy.ts'
import { ROOT } from '../../policy/path.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy, Policy } from '../../policy/policy.ts'
import { spellingOf } from '../../policy/special.ts'
import { splitToLegacy } from '../../policy/split-to-legacy.ts'
import type { Surroundings } from '../../policy/types.ts'
import { hasFullDiskWrite } from '../../policy/whole-disk.ts'
import { type WindowsRefusal, windowsRefusal } from './refusals.ts'

export type WindowsBackend = 'unelevated' | 'elevated'

/**
 * Which split policies are taken. `round-trip`: only those that say what a legacy policy says (the reference until 2026-03).
 * `carve-outs`: also those with denials and other roots, as far as access lists hold them (since 2026-06).
 */
export type SplitSupport = 'round-trip' | 'carve-outs'

export interface GateQuestion {
  readonly policy: Policy
  readonly surroundings: Surroundings
  readonly backend: WindowsBackend
  readonly splitSupport: SplitSupport
}

function isSandboxable(legacy: LegacySandboxPolicy): boolean {
  switch (legacy.type) {
    case 'danger-full-access':
    case 'external-sandbox':
      return false
    case 'read-only':
    case 'workspace-write':
      return true
    default:
      return unreachable(legacy)
  }
}

const notSandboxable = () =>
  windowsRefusal('policy-not-sandboxable', 'the policy closes nothing, or leaves closing to another sandbox', {
    hint: 'run the command without a sandbox, if that is what is meant',
  })

function legacyGate(legacy: LegacySandboxPolicy, backend: WindowsBackend): WindowsRefusal | null {
  if (!isSandboxable(legacy)) return notSandboxable()
  if (backend === 'elevated' || legacyFullDiskRead(legacy)) return null
  return windowsRefusal(
    'restricted-read-needs-elevated',
    "the restricted token reads with the user's own rights, so it cannot restrict reading",
    { hint: 'use the elevated backend' },
  )
}

function roundTripGate(question: GateQuestion, fileSystem: FileSystemSandboxPolicy, network: NetworkSandboxPolicy) {
  const { surroundings, backend } = question
  const conversion = splitToLegacy(fileSystem, network, surroundings)
  if (conversion.kind === 'refused' || needsDirectEnforcement(fileSystem, network, surroundings)) {
    return windowsRefusal(
      'split-not-round-trippable',
      'the policy changes its meaning when it is written in the legacy model, which is all this backend holds',
    )
  }
  return legacyGate(conversion.policy, backend)
}

/**
 * The roots of the legacy policy that comes closest are all that the command's token can be given without elevation. It has every
 * root that an entry names, unless there is none, or it opens the whole disk.
 */
function hasLegacyRoots(
  { surroundings }: GateQuestion,
  fileSystem: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
) {
  const conversion = splitToLegacy(fileSystem, network, surroundings)
  return conversion.kind === 'converted' && isSandboxable(conversion.policy)
}

function carveOutGate(question: GateQuestion, fileSystem: FileSystemSandboxPolicy, network: NetworkSandboxPolicy) {
  if (question.backend === 'elevated') return null
  if (indexAccess(fileSystem, question.surroundings).accessAt(ROOT) === 'none') {
    return windowsRefusal(
      'split-read-restriction-unsupported',
      "the restricted token reads with the user's own rights, so it cannot restrict reading",
      { hint: 'use the elevated backend' },
    )
  }
  const denial = fileSystem.entries.find(({ access }) => access === 'none')
  if (denial !== undefined) {
    return windowsRefusal(
      'deny-read-unsupported',
      `a denial of reading has no effect on a restricted token: ${spellingOf(denial.path)}`,
      { entry: spellingOf(denial.path), hint: 'use the elevated backend' },
    )
  }
  if (hasLegacyRoots(question, fileSystem, network)) return null
  return windowsRefusal(
    'split-writable-roots-mismatch',
    'the writable roots are not those of a workspace: the working directory, and others only beside it',
    { hint: 'make the working directory writable, or use the elevated backend' },
  )
}

/** Null when the backend takes the policy. */
export function windowsGate(question: GateQuestion): WindowsRefusal | null {
  const { policy, backend, splitSupport } = question
  if (policy.form === 'legacy') return legacyGate(policy.legacy, backend)
  const { fileSystem, network } = policy
  if (fileSystem.kind !== 'restricted' || hasFullDiskWrite(fileSystem)) return notSandboxable()
  switch (splitSupport) {
    case 'round-trip':
      return roundTripGate(question, fileSystem, network)
    case 'carve-outs':
      return carveOutGate(question, fileSystem, network)
    default:
      return unreachable(splitSupport)
  }
}
