/**
 * Which engine holds a policy on a machine with these capabilities: the strongest that holds all of it, or a refusal that
 * says why none does. Never a weaker plan in silence: what the chosen one does not hold is in its `limits` and in a notice.
 * Source: design "Linux: three engines, one plan", spec/policy PLAT-1 ... PLAT-3.
 */
import { unreachable } from '../errors.ts'
import type { HostCapabilities, LinuxCapabilities } from '../host/capabilities.ts'
import { type Notice, notice } from '../notices.ts'
import type { ResolvedPolicy } from '../policy/types.ts'
import { type Attempt, attempts, filterOnlyPlan, unconfinedPlan } from './linux/engines.ts'
import { makeMountPlan } from './linux/mount.ts'
import type { ProcessView } from './linux/namespaces.ts'
import { chooseMacosPlan, type MacosChoice } from './macos/choose.ts'
import { refuseMeaningless, refuseSnapshot, unknownPlaces } from './meaningless.ts'
import type { LinuxEngine, LinuxPlan, Plan, Refusal } from './plan.ts'
import { chooseWindowsPlan, type WindowsChoice } from './windows/choose.ts'

/**
 * When the system's bubblewrap is used. `fallback`: where it stands in `engines`. `prefer`: first, else the others, with a
 * notice (Codex's order). `require`: it or nothing. `never`: not at all.
 */
export type BubblewrapUse = 'prefer' | 'fallback' | 'require' | 'never'

export interface ChooseOptions {
  /** The engines that may hold the file system, in order. Default: `namespace`, `bwrap`, `landlock`. */
  readonly engines?: readonly LinuxEngine[]
  /** Default: `fallback`. */
  readonly bubblewrap?: BubblewrapUse
  /** Refuses plans with limits. Default: false. */
  readonly strict?: boolean
  /** Whether commands see the host's processes. Default: `isolated`. */
  readonly processes?: ProcessView
  /** The network is restricted to these ports of the command's own loopback (`LinuxPlan.proxyPorts`). Default: as the policy says. */
  readonly proxyPorts?: readonly number[]
  /** See `SeccompOptions.guardTag`. */
  readonly guardTag: boolean
  /** On macOS: what a profile depends on beside the policy. */
  readonly macos?: MacosChoice
  /** On Windows: what a plan depends on beside the policy. */
  readonly windows?: WindowsChoice
  /** The host cannot mark the processes of its runs: plans without a PID namespace get the limit `process-tree`. Default: false. */
  readonly unmarked?: boolean
}

export interface ChooseQuestion {
  readonly resolved: ResolvedPolicy
  readonly capabilities: HostCapabilities
  readonly options: ChooseOptions
}

export type Choice<Chosen extends Plan = Plan> =
  | { readonly plan: Chosen; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal; readonly notices: readonly Notice[] }

type FileSystemEngine = keyof typeof attempts

const defaultEngines: readonly FileSystemEngine[] = ['namespace', 'bwrap', 'landlock']

export function choosePlan(question: ChooseQuestion & { readonly capabilities: LinuxCapabilities }): Choice<LinuxPlan>
export function choosePlan(question: ChooseQuestion): Choice
export function choosePlan({ resolved, capabilities, options }: ChooseQuestion): Choice {
  if (capabilities.platform === 'darwin' && options.macos !== undefined) {
    return chooseMacosPlan({ resolved, capabilities, ...options.macos })
  }
  if (capabilities.platform === 'win32' && options.windows !== undefined) {
    return chooseWindowsPlan({ resolved, capabilities, ...options.windows })
  }
  if (capabilities.platform !== 'linux') return { refusal: unsupportedPlatform(capabilities.platform), notices: [] }
  const meaningless = refuseMeaningless(resolved) ?? (options.strict === true ? refuseSnapshot(resolved) : null)
  if (meaningless !== null) return { refusal: meaningless, notices: [] }
  const choice = chooseForLinux(resolved, capabilities, options)
  return { ...choice, notices: [...unknownPlaces(resolved), ...choice.notices] }
}

function chooseForLinux(
  resolved: ResolvedPolicy,
  capabilities: LinuxCapabilities,
  options: ChooseOptions,
): Choice<LinuxPlan> {
  if (capabilities.wsl1) return { refusal: wsl1Refusal, notices: [] }
  if (options.proxyPorts !== undefined) {
    const refusal = filterObstacle(capabilities)
    return refusal === null ? chooseEngine(resolved, capabilities, options) : { refusal, notices: [] }
  }
  // PLAT-2: an external sandbox is the host's business, whatever it says about the network.
  const closesNetwork = resolved.network === 'restricted'
  if (resolved.kind === 'external-sandbox' || (resolved.fullDiskWrite && !closesNetwork)) {
    return acceptUnchosen(unconfinedPlan(resolved, options), options)
  }
  const obstacle = filterObstacle(capabilities)
  if (obstacle !== null) return { refusal: obstacle, notices: [] }
  if (resolved.fullDiskWrite) {
    return acceptUnchosen(filterOnlyPlan({ resolved, capabilities, ...marksOf(options) }), options)
  }
  return chooseEngine(resolved, capabilities, options)
}

function chooseEngine(
  resolved: ResolvedPolicy,
  capabilities: LinuxCapabilities,
  options: ChooseOptions,
): Choice<LinuxPlan> {
  const engines = engineOrder(options)
  if (engines.length === 0) return { refusal: noEngineAllowed(options), notices: [] }
  const { processes = 'isolated', proxyPorts = null } = options
  const mounts = makeMountPlan(resolved)
  const question = { resolved, capabilities, ...marksOf(options), processes, proxyPorts, mounts }
  const refusals: Refusal[] = []
  const notices: Notice[] = (resolved.git?.kept ?? []).map(({ root, reason }) =>
    notice('git-protected', `the git directory of ${root} stays read-only: ${reason}`, 'list it as a writable root'),
  )
  for (const engine of engines) {
    const attempt = judgeLimits(attempts[engine](question), engine, options)
    notices.push(...attempt.notices)
    if ('plan' in attempt) return accept(attempt.plan, engines[0]!, notices)
    refusals.push(attempt.refusal)
    // The policy's shape is the reason: an engine that holds less of it must not step in unasked.
    if (attempt.refusal.mechanism === 'mount plan') return { refusal: attempt.refusal, notices }
  }
  return { refusal: combineRefusals(refusals), notices: onePerCode(notices) }
}

function marksOf({ guardTag, unmarked = false }: ChooseOptions) {
  return { guardTag, unmarked }
}

/** A plan to which there is no alternative. */
function acceptUnchosen(plan: LinuxPlan, options: ChooseOptions): Choice<LinuxPlan> {
  const judged = judgeLimits({ plan, notices: [] }, plan.engine, options)
  return 'plan' in judged ? accept(judged.plan, plan.engine, []) : judged
}

function engineOrder({ engines, bubblewrap = 'fallback' }: ChooseOptions): FileSystemEngine[] {
  const allowed = (engines ?? defaultEngines).filter((engine): engine is FileSystemEngine => engine in attempts)
  const others = allowed.filter(engine => engine !== 'bwrap')
  switch (bubblewrap) {
    case 'fallback':
      return allowed
    case 'prefer':
      return allowed.includes('bwrap') ? ['bwrap', ...others] : others
    case 'require':
      return allowed.includes('bwrap') ? ['bwrap'] : []
    case 'never':
      return others
    default:
      return unreachable(bubblewrap)
  }
}

function judgeLimits(attempt: Attempt, engine: LinuxEngine, options: ChooseOptions): Attempt {
  if (!('plan' in attempt) || options.strict !== true || attempt.plan.limits.length === 0) return attempt
  const limits = attempt.plan.limits.map(({ code }) => code).join(', ')
  const message = `the engine ${engine} does not hold everything on this machine (${limits}), and strict is set`
  return { refusal: { kind: 'not-enforceable', mechanism: engine, message }, notices: [] }
}

function accept(plan: LinuxPlan, first: LinuxEngine, notices: readonly Notice[]): Choice<LinuxPlan> {
  const more: Notice[] = []
  if (plan.engine !== first) {
    more.push(notice('engine-fallback', `the engine ${first} cannot be used here; ${plan.engine} is used instead`))
  }
  if (plan.limits.length > 0) {
    const limits = plan.limits.map(({ code, message }) => `${code} (${message})`).join('; ')
    more.push(notice('plan-limits', `the engine ${plan.engine} does not hold: ${limits}`))
  }
  return { plan, notices: onePerCode([...notices, ...more]) }
}

/** Two engines may stumble over the same thing; missing roots are told one by one. */
function onePerCode(notices: readonly Notice[]): Notice[] {
  return notices.filter(
    (item, index) => notices.findIndex(other => other.code === item.code && other.message === item.message) === index,
  )
}

/** The first capability to get decides, since with it the policy might be held; all that was tried is told. */
function combineRefusals(refusals: readonly Refusal[]): Refusal {
  const decisive = refusals.find(({ kind }) => kind === 'unavailable') ?? refusals[0]!
  if (refusals.length === 1) return decisive
  const hints = [...new Set(refusals.flatMap(({ hint }) => (hint === undefined ? [] : [hint])))]
  const message = `no engine can hold the policy here: ${refusals.map(refusal => refusal.message).join('; ')}`
  return { ...decisive, message, ...(hints.length > 0 ? { hint: hints.join('; or ') } : {}) }
}

/** Not even a policy that holds nothing: process descriptors, by which commands are watched and ended, are missing as well. */
const wsl1Refusal: Refusal = {
  kind: 'unavailable',
  mechanism: 'wsl',
  message: 'version 1 of the Windows Subsystem for Linux has neither namespaces nor filters',
  hint: 'convert the distribution: wsl --set-version NAME 2',
}

/** Without the filter nothing holds the network, and no engine does without it. */
function filterObstacle({ seccomp, architecture }: LinuxCapabilities): Refusal | null {
  if (architecture === 'other') {
    const message = 'there is no system call table for this processor architecture'
    return { kind: 'unavailable', mechanism: 'seccomp', message, hint: 'use x64 or arm64' }
  }
  if (seccomp.available) return null
  const hint = seccomp.hint ?? 'use a kernel with CONFIG_SECCOMP_FILTER'
  return { kind: 'unavailable', mechanism: 'seccomp', message: `cannot filter system calls: ${seccomp.how}`, hint }
}

function noEngineAllowed({ engines, bubblewrap }: ChooseOptions): Refusal {
  const message = `the options leave no engine (engines: ${engines?.join(', ') ?? 'default'}; bubblewrap: ${bubblewrap})`
  return { kind: 'unavailable', mechanism: 'options', message, hint: 'allow namespace, bwrap or landlock' }
}

function unsupportedPlatform(platform: string): Refusal {
  const message = `there is no engine for the platform ${platform} yet`
  return { kind: 'unavailable', mechanism: platform, message, hint: 'use Linux' }
}
