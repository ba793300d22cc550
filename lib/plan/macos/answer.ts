/**
 * What macOS would do with a policy, for whoever is asked on another system: the plan of a Mac with everything that it can
 * have, or the refusal. With `explainPath` the plan answers for a path, and tells the rule of the profile that decides.
 *
 * Paths are those of the disk that the policy was resolved on, so what a Mac calls otherwise (`/tmp`) is told as it is here.
 */
import type { DarwinCapabilities } from '../../host/capabilities.ts'
import { canonicalPaths } from '../../policy/canonical.ts'
import type { ResolvedPolicy, Surroundings } from '../../policy/types.ts'
import { chooseMacosPlan, type MacosAnswer } from './choose.ts'
import { type MacosGrants, parseMacosGrants } from './grants.ts'

const present = { available: true, how: 'assumed' }

/** A Mac that is not in a sandbox, with the package in a place that no policy opens. */
export const assumedMac: DarwinCapabilities = Object.freeze({
  platform: 'darwin',
  architecture: 'arm64',
  kernelRelease: 'assumed',
  seatbelt: present,
  helper: { ...present, path: '/Library/castellan/castellan-seatbelt' },
  sandboxExec: { ...present, path: '/usr/bin/sandbox-exec' },
  sandboxed: false,
  userCacheDirectory: null,
})

/** Pure over `surroundings.files`. `grants`: as without any (`parseMacosGrants`) by default. */
export function macosAnswer(
  resolved: ResolvedPolicy,
  surroundings: Surroundings,
  grants: MacosGrants = parseMacosGrants(null),
): MacosAnswer {
  const { canonical } = canonicalPaths(surroundings.files)
  return chooseMacosPlan({ resolved, capabilities: assumedMac, surroundings, canonical, grants })
}
