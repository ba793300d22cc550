/**
 * Which combinations of the helper's options are accepted, in the order of spec/linux 2.1, and what each of them is
 * carried out as (spec/linux 3). Pure over the surroundings it is given: nothing has been executed when one is refused.
 */
import { unreachable } from '../errors.ts'
import { needsDirectEnforcement } from '../policy/equivalence.ts'
import { settlePolicies, type UnsettledPolicies } from '../policy/pair.ts'
import type { NetworkSandboxPolicy, Policy } from '../policy/policy.ts'
import { printFileSystemPolicy, printLegacyPolicy } from '../policy/print.ts'
import type { Surroundings } from '../policy/types.ts'
import { hasFullDiskRead, hasFullDiskWrite } from '../policy/whole-disk.ts'
import type { HelperCommandLine, SplitPolicies } from './command-line.ts'

export type HelperRefusal =
  | 'no-command'
  | 'incompatible-stage'
  | 'partial-split'
  | 'missing-policy'
  | 'cannot-derive-legacy'
  | 'policies-do-not-match'
  | 'needs-direct-enforcement'
  | 'route-spec-required'
  | 'restricted-read'
  | 'foreign-routes'
  | 'no-proxy'

/**
 * `filter`: nothing but the network is closed, and the program becomes the command. `landlock`: the legacy back end.
 * `mounts`: the file system is held by mounts.
 */
export type HelperEngine = 'filter' | 'landlock' | 'mounts'

export interface AcceptedCommand {
  readonly kind: 'accepted'
  readonly engine: HelperEngine
  readonly policy: Policy
  /** What the command gets: proxy mode closes what the policy opens. */
  readonly network: NetworkSandboxPolicy
  /** `managed`: make the routes. A text: they are made, and this describes them. */
  readonly proxy: 'none' | 'managed' | { readonly routeSpec: string }
}

export interface RefusedCommand {
  readonly kind: 'refused'
  readonly reason: HelperRefusal
  readonly message: string
}

export function combine(line: HelperCommandLine, surroundings: Surroundings): AcceptedCommand | RefusedCommand {
  if (line.command.length === 0) return refused('no-command', 'there is no command to run')
  if (line.innerStage && line.legacyLandlock) {
    return refused('incompatible-stage', '--apply-seccomp-then-exec cannot be used with --use-legacy-landlock')
  }
  const settled = settle(line, surroundings)
  if (settled.kind === 'refused') return unsettled(settled, line)
  const { fileSystem, network } = settled
  if (line.legacyLandlock && needsDirectEnforcement(fileSystem, network, surroundings)) {
    const message =
      'the policy needs direct enforcement of the file system, which --use-legacy-landlock cannot give; leave it out'
    return refused('needs-direct-enforcement', message)
  }
  if (line.innerStage && line.proxied && line.routeSpec === undefined) {
    return refused(
      'route-spec-required',
      '--apply-seccomp-then-exec with --allow-network-for-proxy needs --proxy-route-spec',
    )
  }
  const engine = engineFor(line, settled)
  if (engine === 'landlock' && !hasFullDiskRead(fileSystem)) {
    return refused(
      'restricted-read',
      'the policy restricts reading, which --use-legacy-landlock cannot hold; leave it out',
    )
  }
  return {
    kind: 'accepted',
    engine,
    policy: settled.policy,
    network: line.proxied ? 'restricted' : network,
    proxy: proxyOf(line, engine),
  }
}

interface Settled extends SplitPolicies {
  readonly kind: 'settled'
  readonly policy: Policy
}

function settle(line: HelperCommandLine, surroundings: Surroundings): Settled | UnsettledPolicies {
  if (line.profile !== undefined)
    return { kind: 'settled', ...line.profile, policy: { form: 'split', ...line.profile } }
  const settled = settlePolicies(line, surroundings)
  if (settled.kind === 'refused') return settled
  const { legacy, fileSystem, network } = settled
  const policy: Policy =
    line.fileSystem === undefined ? { form: 'legacy', legacy } : { form: 'split', fileSystem, network }
  return { kind: 'settled', fileSystem, network, policy }
}

function engineFor({ innerStage, proxied, legacyLandlock }: HelperCommandLine, { fileSystem }: Settled): HelperEngine {
  if (innerStage || (hasFullDiskWrite(fileSystem) && !proxied)) return 'filter'
  return legacyLandlock ? 'landlock' : 'mounts'
}

function proxyOf({ proxied, routeSpec }: HelperCommandLine, engine: HelperEngine): AcceptedCommand['proxy'] {
  // The legacy back end has no network of its own to route through: it closes the network instead.
  if (!proxied || engine === 'landlock') return 'none'
  return engine === 'filter' && routeSpec !== undefined ? { routeSpec } : 'managed'
}

function unsettled({ reason }: UnsettledPolicies, line: HelperCommandLine): RefusedCommand {
  switch (reason) {
    case 'partial-split':
      return refused(
        'partial-split',
        '--file-system-sandbox-policy and --network-sandbox-policy must be given together',
      )
    case 'missing':
      return refused(
        'missing-policy',
        'there is no policy: give --sandbox-policy, the split policies, or --permission-profile',
      )
    case 'cannot-derive-legacy':
      return refused(
        'cannot-derive-legacy',
        'the split policies have no legacy form; give --sandbox-policy as well, or --permission-profile',
      )
    case 'legacy-mismatch':
      return refused('policies-do-not-match', `the policies do not match: ${printedPolicies(line)}`)
    default:
      return unreachable(reason)
  }
}

function printedPolicies({ legacy, fileSystem, network }: HelperCommandLine): string {
  const one = legacy === undefined ? '' : JSON.stringify(printLegacyPolicy(legacy))
  const other = fileSystem === undefined ? '' : JSON.stringify(printFileSystemPolicy(fileSystem))
  return `--sandbox-policy ${one} and --file-system-sandbox-policy ${other} with --network-sandbox-policy "${network}"`
}

function refused(reason: HelperRefusal, message: string): RefusedCommand {
  return { kind: 'refused', reason, message }
}
