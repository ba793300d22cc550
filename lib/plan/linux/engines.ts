/**
 * One attempt per Linux engine: the plan with which it holds the policy, or why it cannot. An attempt never weakens the
 * policy; what its engine cannot hold although it holds the rest is listed in `plan.limits`, for `choose.ts` to judge.
 */
import type { LinuxCapabilities } from '../../host/capabilities.ts'
import { type Notice, notice } from '../../notices.ts'
import type { ResolvedPolicy } from '../../policy/types.ts'
import { finishPlan } from '../finish.ts'
import type { LinuxEngine, LinuxPlan, NamespacePlan, PlanLimit, Refusal } from '../plan.ts'
import { renderBubblewrap } from './bwrap-arguments.ts'
import { type LandlockPlan, landlockObstacle, makeLandlockPlan } from './landlock.ts'
import { landlockAccess } from './landlock-access.ts'
import { landlockLimits } from './landlock-limits.ts'
import { limit } from './limits.ts'
import type { MountPlan, MountPlanResult } from './mount.ts'
import { chooseNamespaces, type ProcessView } from './namespaces.ts'
import { makeSeccompPlan } from './seccomp.ts'
import { findSwappableLink, type SwappableLink, withSurroundings } from './swappable-links.ts'

export interface EngineQuestion {
  readonly resolved: ResolvedPolicy
  readonly capabilities: LinuxCapabilities
  readonly guardTag: boolean
  /** See `ChooseOptions.unmarked`. */
  readonly unmarked: boolean
  readonly processes: ProcessView
  /** See `LinuxPlan.proxyPorts`; null: the network is as the policy says. */
  readonly proxyPorts: readonly number[] | null
  /** The policy's mounts, the same for both namespace engines. */
  readonly mounts: MountPlanResult
}

export type Attempt =
  | { readonly plan: LinuxPlan; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal; readonly notices: readonly Notice[] }

type FileSystemEngine = Extract<LinuxEngine, 'namespace' | 'bwrap' | 'landlock'>

export const attempts: Readonly<Record<FileSystemEngine, (question: EngineQuestion) => Attempt>> = {
  namespace: attemptNamespace,
  bwrap: attemptBubblewrap,
  landlock: attemptLandlock,
}

function attemptNamespace(question: EngineQuestion): Attempt {
  const { userNamespaces, mountApi } = question.capabilities
  if (!userNamespaces.available) {
    const message = `cannot make a user namespace: ${userNamespaces.how}`
    const { hint } = userNamespaces
    return {
      refusal: { kind: 'unavailable', mechanism: 'user-namespaces', message, ...hintOf(userNamespaces) },
      notices: [notice('user-namespaces-unavailable', message, hint)],
    }
  }
  if (!mountApi.available) {
    const message = `cannot make mounts in a namespace: ${mountApi.how}`
    const hint = mountApi.hint ?? 'use Linux 5.9 or newer, or install bubblewrap'
    return { refusal: { kind: 'unavailable', mechanism: 'mount-api', message, hint }, notices: [] }
  }
  return mountedPlan(question, 'namespace', null)
}

function attemptBubblewrap(question: EngineQuestion): Attempt {
  const { bubblewrap, privileged } = question.capabilities
  if (bubblewrap.path === null) {
    return bubblewrapRefusal('bubblewrap-missing', 'no bubblewrap program was found', 'install bubblewrap')
  }
  if (!bubblewrap.available) {
    const message = `${bubblewrap.path} cannot make a sandbox: ${bubblewrap.how}`
    return bubblewrapRefusal('bubblewrap-unusable', message, bubblewrap.hint)
  }
  const attempt = mountedPlan(question, 'bwrap', { path: bubblewrap.path })
  if ('refusal' in attempt) return attempt
  const { mounts, namespaces } = attempt.plan as { mounts: MountPlan; namespaces: NamespacePlan }
  const rendering = renderBubblewrap({ mounts, namespaces, options: bubblewrap.options, privileged, seccomp: true })
  if (!('refusal' in rendering)) return attempt
  const code = rendering.refusal.kind === 'unavailable' ? 'bubblewrap-too-old' : 'bubblewrap-unusable'
  const { message, hint } = rendering.refusal
  return { refusal: rendering.refusal, notices: [notice(code, `${bubblewrap.path}: ${message}`, hint)] }
}

type BubblewrapNotice = Extract<Notice['code'], `bubblewrap-${string}`>

function bubblewrapRefusal(code: BubblewrapNotice, message: string, hint: string | undefined): Attempt {
  const refusal: Refusal = { kind: 'unavailable', mechanism: 'bubblewrap', message, ...hintOf({ hint }) }
  return { refusal, notices: [notice(code, message, hint)] }
}

function mountedPlan(
  question: EngineQuestion,
  engine: 'namespace' | 'bwrap',
  bubblewrap: LinuxPlan['bubblewrap'],
): Attempt {
  const { resolved, capabilities, mounts } = question
  if ('refusal' in mounts) return { refusal: mounts.refusal, notices: [] }
  const networkRestricted = resolved.network === 'restricted'
  const abi = landlockAbiOf(capabilities)
  const namespaces = chooseNamespaces({
    engine,
    networkRestricted,
    proxied: question.proxyPorts !== null,
    freshProc: capabilities.freshProc.available,
    processes: question.processes,
  })
  const landlock =
    abi === 0
      ? null
      : makeLandlockPlan({
          resolved,
          abi,
          mode: 'stacked',
          networkRestricted,
          proxied: question.proxyPorts !== null,
        })
  const limits = [
    ...landlockLimits(resolved, abi, 'stacked', { pidNamespace: namespaces.pid }),
    ...(namespaces.pid ? [] : [limit('process-visibility')]),
    // The first process looks after the mounts; here there is none, but bubblewrap always has one.
    ...(engine === 'namespace' && !namespaces.pid && closesPlaces(mounts.plan) ? [limit('unwatched-protections')] : []),
    // Its option that closes a mount for changes closes the device as well.
    ...(engine === 'bwrap' && capabilities.privileged ? [limit('device-metadata')] : []),
    ...gitLimits(resolved),
  ]
  const parts = { namespaces, mounts: mounts.plan, landlock, limits, bubblewrap }
  return { plan: confinedPlan(question, engine, parts), notices: [...mounts.notices, ...landlockNotice(question)] }
}

/** The mounts that `native/linux/helper/mount_watch.cc` looks after. */
function closesPlaces({ operations }: MountPlan): boolean {
  return operations.some(
    ({ operation, ...rest }) =>
      operation.startsWith('mask-') || (operation === 'bind' && 'access' in rest && rest.access === 'read'),
  )
}

function gitLimits({ git }: ResolvedPolicy): readonly PlanLimit[] {
  return (git?.gaps.length ?? 0) > 0 ? [limit('git-commondir')] : []
}

function attemptLandlock(question: EngineQuestion): Attempt {
  const { resolved, capabilities } = question
  const abi = landlockAbiOf(capabilities)
  if (abi === 0) {
    const message = `Landlock is not available: ${capabilities.landlock.how}`
    const hint = capabilities.landlock.hint ?? 'use Linux 5.13 or newer with landlock in the kernel parameter lsm='
    return { refusal: { kind: 'unavailable', mechanism: 'landlock', message, hint }, notices: landlockNotice(question) }
  }
  const refusal = question.proxyPorts === null ? landlockRefusal(question) : proxyRefusal(capabilities)
  if (refusal !== null) return { refusal, notices: [] }
  const networkRestricted = resolved.network === 'restricted'
  const landlock = makeLandlockPlan({ resolved, abi, mode: 'alone', networkRestricted })
  const limits = [...landlockLimits(resolved, abi, 'alone'), limit('process-visibility')]
  const parts = { namespaces: null, mounts: null, landlock, limits, bubblewrap: null }
  return { plan: confinedPlan(question, 'landlock', parts), notices: [] }
}

/** Landlock only grants: it holds what the legacy model can say, and nothing that takes away below a grant (PLAT-1). */
function landlockRefusal({ resolved, capabilities }: EngineQuestion): Refusal | null {
  const obstacle = landlockObstacle(resolved)
  if (obstacle === null && !resolved.needsDirectEnforcement) {
    const link = findSwappableLink(resolved, withSurroundings(resolved.rules))
    return link === null ? null : swappableLinkRefusal(link)
  }
  const entry = obstacle?.origin.kind === 'entry' ? { entry: obstacle.origin.spelled } : {}
  const message =
    obstacle === null
      ? 'Landlock alone holds only policies that the legacy model can say'
      : `Landlock alone cannot hold ${obstacle.path} with access ${obstacle.access} below a directory with more access`
  return { kind: 'not-enforceable', ...entry, mechanism: 'landlock', message, hint: mountsHint(capabilities) }
}

function proxyRefusal(capabilities: LinuxCapabilities): Refusal {
  const message = 'Landlock alone cannot restrict the network to proxies: that takes a network namespace'
  return { kind: 'not-enforceable', mechanism: 'landlock', message, hint: mountsHint(capabilities) }
}

/** How to come to an engine with mounts: the machine says what keeps it from making them. */
function mountsHint({ userNamespaces }: LinuxCapabilities): string {
  return userNamespaces.hint ?? "allow the engine 'namespace' or 'bwrap'"
}

function hintOf({ hint }: { readonly hint?: string | undefined }): { readonly hint?: string } {
  return hint === undefined ? {} : { hint }
}

function swappableLinkRefusal({ rule, alias, root }: SwappableLink): Refusal {
  const entry = rule.origin.kind === 'entry' ? { entry: rule.origin.spelled } : {}
  const message =
    `Landlock alone cannot hold ${alias} with access ${rule.access}: the way there crosses a symbolic link inside the ` +
    `writable root ${root}, where a command could replace it`
  const hint = `use ${rule.path}, the place it leads to now`
  return { kind: 'not-enforceable', ...entry, mechanism: 'landlock', message, hint }
}

function landlockNotice({ capabilities }: EngineQuestion): Notice[] {
  if (landlockAbiOf(capabilities) > 0) return []
  return [notice('landlock-unavailable', `Landlock is not available: ${capabilities.landlock.how}`)]
}

/** For a policy that leaves the file system open and closes the network: the filter, and what Landlock's scopes add. */
export function filterOnlyPlan(question: Omit<EngineQuestion, 'mounts' | 'processes' | 'proxyPorts'>): LinuxPlan {
  const abi = landlockAbiOf(question.capabilities)
  const { scoped, abi: known } = landlockAccess(abi)
  const landlock: LandlockPlan | null =
    scoped === 0 ? null : { abi: known, handledAccessFs: 0, handledAccessNet: 0, scoped, rules: [] }
  const parts = { namespaces: null, mounts: null, landlock, limits: [], bubblewrap: null }
  return confinedPlan({ ...question, proxyPorts: null }, 'seccomp', parts)
}

/** For a policy that closes nothing, or whose sandbox is the host's business. */
export function unconfinedPlan(
  resolved: ResolvedPolicy,
  { guardTag, unmarked = false }: { readonly guardTag: boolean; readonly unmarked?: boolean },
): LinuxPlan {
  return finishPlan({
    kind: 'linux',
    engine: 'unconfined',
    policyDigest: resolved.digest,
    namespaces: null,
    mounts: null,
    landlock: null,
    seccomp: null,
    environment: environmentOf(resolved),
    limits: [...(unmarked ? [limit('process-tree')] : []), ...(guardTag ? [limit('removable-mark')] : [])],
    bubblewrap: null,
  })
}

interface PlanParts {
  readonly namespaces: NamespacePlan | null
  readonly mounts: MountPlan | null
  readonly landlock: LandlockPlan | null
  readonly limits: readonly PlanLimit[]
  readonly bubblewrap: LinuxPlan['bubblewrap']
}

function confinedPlan(
  question: Omit<EngineQuestion, 'mounts' | 'processes'>,
  engine: LinuxEngine,
  parts: PlanParts,
): LinuxPlan {
  const { resolved, capabilities, guardTag, unmarked, proxyPorts } = question
  const seccomp = makeSeccompPlan({
    network: proxyPorts === null ? resolved.network : 'proxied',
    // `choose.ts` has refused the others.
    architecture: capabilities.architecture as 'x64' | 'arm64',
    guardTag,
    sharedIpc: parts.namespaces?.ipc !== true,
  })
  const environment = environmentOf(resolved)
  const limits = [
    ...parts.limits,
    ...(resolved.globs === null ? [] : [limit('glob-snapshot')]),
    ...(unmarked && parts.namespaces?.pid !== true ? [limit('process-tree')] : []),
  ]
  const proxy = proxyPorts === null ? {} : { proxyPorts: [...proxyPorts] }
  const confined = { ...parts, limits, seccomp, environment, ...proxy }
  return finishPlan({ kind: 'linux', engine, policyDigest: resolved.digest, ...confined })
}

/** PLAT-3: tells programs inside that the network is closed, sandbox or not. */
function environmentOf(resolved: ResolvedPolicy): Readonly<Record<string, string>> {
  return resolved.network === 'enabled' ? {} : { CODEX_SANDBOX_NETWORK_DISABLED: '1' }
}

function landlockAbiOf({ landlock }: LinuxCapabilities): number {
  return landlock.available ? landlock.abi : 0
}
