/**
 * Does a split policy mean the same after a trip through the legacy model (spec EQ-1 … EQ-10)? Engines that only understand
 * the legacy model may hold a policy only when it does.
 *
 * The answer depends on the disk: never cache it across a change of directory, environment or tree. Lists are compared
 * without regard to order (as the reference does since L6-10); comparing in order would only be over-cautious.
 */
import { type CanonicalPaths, canonicalPaths } from './canonical.ts'
import { legacyToSplit } from './legacy-to-split.ts'
import type { AbsolutePath } from './path.ts'
import type { FileSystemSandboxPolicy, NetworkSandboxPolicy } from './policy.ts'
import { readableRoots, rootContext, unreadableRoots } from './roots.ts'
import { splitToLegacy } from './split-to-legacy.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskRead, hasFullDiskWrite, includesPlatformDefaults } from './whole-disk.ts'
import { writableRoots } from './writable-roots.ts'

function sorted(paths: readonly AbsolutePath[]): AbsolutePath[] {
  return [...paths].sort()
}

/** The six values a policy is compared by, as one text. */
export function semanticSignature(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  paths: CanonicalPaths = canonicalPaths(surroundings.files),
): string {
  const context = rootContext(policy, surroundings, paths)
  const roots = writableRoots(context).map(({ root, readOnly }) => JSON.stringify([root, sorted(readOnly)]))
  return JSON.stringify([
    hasFullDiskRead(policy),
    hasFullDiskWrite(policy),
    includesPlatformDefaults(policy),
    sorted(readableRoots(context)),
    roots.sort(),
    sorted(unreadableRoots(context)),
  ])
}

/** Whether only an engine that understands carve-outs may hold the policy. */
export function needsDirectEnforcement(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
  paths: CanonicalPaths = canonicalPaths(surroundings.files),
): boolean {
  if (policy.kind !== 'restricted') return false
  const conversion = splitToLegacy(policy, network, surroundings)
  if (conversion.kind === 'refused') return true
  const rebuilt = legacyToSplit(conversion.policy, surroundings)
  return semanticSignature(policy, surroundings, paths) !== semanticSignature(rebuilt, surroundings, paths)
}
