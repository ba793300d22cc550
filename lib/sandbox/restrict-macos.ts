/**
 * `restrictCurrentProcess` on macOS. A profile confines every thread of a process at once, so it is applied where the call stands
 * and the program goes on behind it; nothing begins anew. No process has been confined this way yet: what is tested is everything
 * around the call of the system.
 */
import { isMainThread } from 'node:worker_threads'

import { applyFailure } from '../backend/seatbelt-status.ts'
import { InternalError, LaunchError } from '../errors.ts'
import type { DarwinCapabilities } from '../host/capabilities.ts'
import { probeMac } from '../host/probe-macos.ts'
import { currentSurroundings } from '../host/surroundings.ts'
import type { DarwinBinding } from '../native/binding.ts'
import { encodeSeatbeltFrame } from '../native/seatbelt-frame.ts'
import { findSeatbeltHelper } from '../native/seatbelt-helper.ts'
import { chooseMacosPlan } from '../plan/macos/choose.ts'
import { legacyGrants } from '../plan/macos/grants.ts'
import { platformReadRoots } from '../plan/macos/platform-defaults.ts'
import type { MacosPlan } from '../plan/plan.ts'
import { refusalError } from '../plan/refusal-error.ts'
import { canonicalPaths } from '../policy/canonical.ts'
import type { Policy } from '../policy/policy.ts'
import { resolvePolicy } from '../policy/resolve.ts'
import { refuseWorker } from './main-thread.ts'

/** This process and its machine, so that tests can put another one in their place. */
export interface MacosProcess {
  readonly binding: Pick<DarwinBinding, 'applyToSelf'>
  readonly capabilities: DarwinCapabilities
  readonly surroundings: typeof currentSurroundings
  readonly isMainThread: boolean
  /** What children inherit. */
  readonly env: Record<string, string | undefined>
}

export interface MacosRestriction {
  readonly policy: Policy
  readonly cwd: string | undefined
  /** Of the options of the call. */
  readonly digest: string
}

export function macosProcessOf(binding: DarwinBinding): MacosProcess {
  const capabilities = probeMac(binding, findSeatbeltHelper())
  return { binding, capabilities, surroundings: currentSurroundings, isMainThread, env: process.env }
}

/** The call that confined this process; a process that inherited its sandbox has another one. */
let carriedOut: string | null = null

/** See `restrictCurrentProcess`. */
export function restrictMacosProcess({ policy, cwd, digest }: MacosRestriction, target: MacosProcess): void {
  if (carriedOut === digest) return
  if (carriedOut !== null) {
    throw new LaunchError('cannot confine a process again, with other options than before', { stage: 'init' })
  }
  const plan = planOf(policy, cwd, target)
  if (plan.engine === 'unconfined') return
  refuseWorker(target.isMainThread)
  if (plan.profile === null) throw new InternalError('a plan that confines has a profile')
  const failure = target.binding.applyToSelf(encodeSeatbeltFrame(plan.profile))
  if (failure !== undefined) throw applyFailure(failure)
  carriedOut = digest
  Object.assign(target.env, plan.environment)
}

function planOf(policy: Policy, cwd: string | undefined, { capabilities, surroundings }: MacosProcess): MacosPlan {
  const around = { ...surroundings(cwd === undefined ? {} : { cwd }), platformRoots: platformReadRoots }
  const choice = chooseMacosPlan({
    resolved: resolvePolicy(policy, around),
    capabilities,
    surroundings: around,
    canonical: canonicalPaths(around.files).canonical,
    grants: legacyGrants,
  })
  if ('refusal' in choice) throw refusalError(choice.refusal)
  return choice.plan
}
