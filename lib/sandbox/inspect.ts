/**
 * A policy looked at without anything being run: what it means in a place, and what every engine makes of it. For people, who
 * want to know before they rely on it; `createSandbox` decides by itself.
 */
import { findBubblewrap } from '../host/bubblewrap.ts'
import { fileSystemView } from '../host/file-system-view.ts'
import { globSearch } from '../host/glob-search.ts'
import { probeCapabilities } from '../host/probe.ts'
import { currentSurroundings } from '../host/surroundings.ts'
import { choosePlan } from '../plan/choose.ts'
import { type Explanation, explainPath } from '../plan/explain.ts'
import { type OtherSystem, otherSystems } from '../plan/other-systems.ts'
import type { LinuxEngine, Plan } from '../plan/plan.ts'
import { canonicalPaths } from '../policy/canonical.ts'
import { resolvePath } from '../policy/path.ts'
import type { Policy } from '../policy/policy.ts'
import { resolvePolicy } from '../policy/resolve.ts'
import { parseSandboxPolicy } from '../policy/sandbox-policy.ts'
import type { Access, ResolvedPolicy, Surroundings } from '../policy/types.ts'
import { checkSandboxOptions, type SandboxOptions } from './options.ts'

/** What one engine makes of a policy. */
export interface EngineVerdict {
  readonly system: 'linux' | 'macos' | 'windows'
  readonly engine: string
  readonly state: /** It holds the policy on this machine; `limits` is what it does not hold of it. */
    | 'held'
    /** It cannot hold this policy; `why` names entry and reason. */
    | 'refused'
    /** This machine does not have what it needs. */
    | 'unavailable'
    /** Another system's engine: what it would do there with everything that it needs. */
    | OtherSystem['state']
  readonly limits: OtherSystem['limits']
  /** As `Sandbox.notices`, of this engine alone. */
  readonly notices: OtherSystem['notices']
  readonly why?: string
  readonly hint?: string
}

/**
 * The same for one path: `access` is what a command would get, null where nothing would run. For Windows that is what the policy
 * says: a path of this disk is none of a Windows disk, so no plan can be asked.
 */
export interface EngineAnswer extends EngineVerdict {
  readonly access: Access | null
  /** The line of the plan that holds the path. */
  readonly planLine: string | null
}

export interface PathInspection extends Pick<Explanation, 'path' | 'canonicalPath' | 'decidedBy' | 'rule' | 'matched'> {
  /** What the policy says, whoever holds it. */
  readonly access: Access
  readonly engines: readonly EngineAnswer[]
}

export interface PolicyInspection {
  readonly policy: Policy
  readonly resolved: ResolvedPolicy
  readonly engines: readonly EngineVerdict[]
  /** What becomes of a path. Relative paths are meant from the policy's directory. */
  explain(path: string): PathInspection
}

const linuxEngines: readonly LinuxEngine[] = ['namespace', 'bwrap', 'landlock']

interface Judged {
  readonly verdict: EngineVerdict
  readonly plan: Plan | null
}

/**
 * Reads a policy, resolves it and asks every engine. Nothing is run under it.
 *
 * @throws {OptionError} for a misused option, {PolicyError} ERR_POLICY_INVALID for a policy that cannot be read
 */
export async function inspectPolicy(
  options: Pick<SandboxOptions, 'policy' | 'cwd' | 'git'>,
): Promise<PolicyInspection> {
  checkSandboxOptions(options)
  const { cwd, git } = options
  const surroundings = { ...currentSurroundings(cwd === undefined ? {} : { cwd }), git, globs: globSearch() }
  const policy = parseSandboxPolicy(options.policy, { unknownMembers: 'refuse' })
  const resolved = resolvePolicy(policy, surroundings)
  const judged = [...(await judgeHere(resolved)), ...judgeElsewhere(resolved, surroundings)]
  return Object.freeze({
    policy,
    resolved,
    engines: Object.freeze(judged.map(({ verdict }) => verdict)),
    explain(given: string) {
      const path = resolvePath(given, surroundings.policyCwd, surroundings.home)
      const canonicalPath = canonicalPaths(fileSystemView).canonical(path)
      const explain = (plan: Plan | null) => explainPath({ resolved, plan, path, canonicalPath })
      const { decidedBy, rule, matched, policyAccess } = explain(null)
      const engines = judged.map(({ verdict, plan }): EngineAnswer => {
        if (plan === null) return { ...verdict, access: withoutPlan(verdict, policyAccess), planLine: null }
        const { access, planLine, limits } = explain(plan)
        return { ...verdict, limits, access, planLine }
      })
      return { path, canonicalPath, decidedBy, rule, matched, access: policyAccess, engines }
    },
  })
}

async function judgeHere(resolved: ResolvedPolicy): Promise<Judged[]> {
  const folders = [resolved.cwd, ...resolved.writableRoots.map(({ root }) => root)]
  const capabilities = probeCapabilities(await findBubblewrap(process.env['PATH'], folders))
  return linuxEngines.map(engine => {
    const options = { engines: [engine], strict: false, guardTag: true }
    const choice = choosePlan({ resolved, capabilities, options })
    if ('plan' in choice) {
      const { plan, notices } = choice
      return { plan, verdict: { system: 'linux', engine, state: 'held', limits: plan.limits, notices } }
    }
    const { kind, message, hint } = choice.refusal
    const state = kind === 'unavailable' ? 'unavailable' : 'refused'
    const why = hint === undefined ? { why: message } : { why: message, hint }
    const { notices } = choice
    return { plan: null, verdict: { system: 'linux', engine, state, limits: [], notices, ...why } }
  })
}

function judgeElsewhere(resolved: ResolvedPolicy, surroundings: Surroundings): Judged[] {
  return otherSystems(resolved, surroundings).map(({ plan, ...verdict }) => ({ plan, verdict }))
}

function withoutPlan({ state }: EngineVerdict, policyAccess: Access): Access | null {
  return state === 'would-hold' ? policyAccess : null
}
