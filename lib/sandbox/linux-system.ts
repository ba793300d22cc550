/** Linux: plans that the addon carries out, with placeholders for what must not come into being. */
import { launcherFor } from '../backend/launcher.ts'
import { missingPlaces, withoutPlaces } from '../backend/missing-places.ts'
import { nativeStarter } from '../backend/native-starter.ts'
import { WrapTarget } from '../backend/wrap.ts'
import { InternalError } from '../errors.ts'
import { Placeholders } from '../host/placeholder.ts'
import { probeCapabilities } from '../host/probe.ts'
import { currentSurroundings } from '../host/surroundings.ts'
import { choosePlan } from '../plan/choose.ts'
import type { LinuxPlan, Plan } from '../plan/plan.ts'
import { resolvePolicy } from '../policy/resolve.ts'
import { environmentRuns } from '../process/environment-runs.ts'
import { holdLimits } from './limits.ts'
import { seekBubblewrap } from './seek-bubblewrap.ts'
import type { HostSystem, Lease } from './system.ts'

let environmentPlaceholders: Placeholders | undefined

export const linuxHost: HostSystem = {
  surroundings: cwd => currentSurroundings(cwd === undefined ? {} : { cwd }),

  async open(policy, surroundings, options) {
    const bubblewrap = await seekBubblewrap(() => resolvePolicy(policy, surroundings), options)
    const runs = environmentRuns()
    const { binding } = runs
    const capabilities = probeCapabilities(bubblewrap)
    environmentPlaceholders ??= new Placeholders(binding)
    const placeholders = environmentPlaceholders
    const facts =
      capabilities.platform === 'linux'
        ? { options: capabilities.bubblewrap.options, privileged: capabilities.privileged }
        : { options: [], privileged: false }

    function lease(plan: LinuxPlan, lifetime: 'command' | 'session' | undefined): Lease | null {
      const places = missingPlaces(plan)
      if (places.length === 0) return { needless: [], release: () => {} }
      const taken = placeholders.lease(places)
      if (taken === null) return null
      return { needless: taken.needless, release: outlives(plan, lifetime) ? () => {} : taken.release }
    }

    /** What may go on after its command keeps its placeholders; they go when this process ends. */
    function outlives(plan: LinuxPlan, lifetime: 'command' | 'session' | undefined): boolean {
      return plan.namespaces?.pid !== true && (lifetime === 'session' || binding.hostTag() === '')
    }

    const { linux, strict } = options
    return {
      capabilities,
      quickLook: binding,
      choose: resolved =>
        choosePlan({
          resolved,
          capabilities,
          options: {
            ...(linux?.engines === undefined ? {} : { engines: linux.engines }),
            ...(linux?.bubblewrap === undefined ? {} : { bubblewrap: linux.bubblewrap }),
            ...(linux?.processes === undefined ? {} : { processes: linux.processes }),
            ...(linux?.proxyPorts === undefined ? {} : { proxyPorts: linux.proxyPorts }),
            strict: strict === true,
            guardTag: binding.hostTag() !== '',
            unmarked: binding.hostTag() === '',
          },
        }),
      starterFor: plan => nativeStarter(runs, launcherFor(binding, ofLinux(plan), facts)),
      lease: (plan, lifetime) => lease(ofLinux(plan), lifetime),
      placesOf(plan, lifetime) {
        const linux = ofLinux(plan)
        const places = missingPlaces(linux)
        return places.length > 0 && outlives(linux, lifetime) ? undefined : places
      },
      without: (plan, needless) => withoutPlaces(ofLinux(plan), needless),
      wrapping: plan => new WrapTarget(binding, ofLinux(plan)),
      holdLimits: (limits, stdio, plan) => holdLimits(limits, stdio, { plan: ofLinux(plan), capabilities, binding }),
    }
  },
}

function ofLinux(plan: Plan): LinuxPlan {
  if (plan.kind === 'linux') return plan
  throw new InternalError(`a plan for ${plan.kind} on Linux`)
}
