/** macOS: plans are Seatbelt profiles, commands are child processes that confine themselves. */
import { seatbeltStarter } from '../backend/seatbelt-starter.ts'
import { SeatbeltWrapTarget } from '../backend/seatbelt-wrap.ts'
import { InternalError, LimitError } from '../errors.ts'
import type { DarwinCapabilities } from '../host/capabilities.ts'
import { probeMac } from '../host/probe-macos.ts'
import { currentSurroundings } from '../host/surroundings.ts'
import { type DarwinBinding, NativeStdio } from '../native/binding.ts'
import { findSeatbeltHelper, isUnchangedHelper } from '../native/seatbelt-helper.ts'
import { choosePlan } from '../plan/choose.ts'
import { parseMacosGrants } from '../plan/macos/grants.ts'
import { platformReadRoots } from '../plan/macos/platform-defaults.ts'
import { planMacosLimits } from '../plan/macos/process-limits.ts'
import type { MacosPlan, Plan } from '../plan/plan.ts'
import { canonicalPaths } from '../policy/canonical.ts'
import type { MacosOptions, SandboxOptions } from './options.ts'
import type { HostSystem } from './system.ts'

/** Everything that touches the machine, so that tests can put another one in its place. */
export interface MacosMachine {
  readonly capabilities: DarwinCapabilities
  readonly surroundings: typeof currentSurroundings
  readonly isUnchangedHelper: (path: string) => boolean
}

export function macosHostOf(binding: DarwinBinding): HostSystem {
  const capabilities = probeMac(binding, findSeatbeltHelper())
  return macosHost({ capabilities, surroundings: currentSurroundings, isUnchangedHelper })
}

export function macosHost({ capabilities, surroundings, isUnchangedHelper }: MacosMachine): HostSystem {
  const { helper, sandboxExec } = capabilities
  // What the helper is, before any command could have changed it.
  if (helper.path !== null) isUnchangedHelper(helper.path)
  return {
    surroundings: cwd => ({ ...surroundings(cwd === undefined ? {} : { cwd }), platformRoots: platformReadRoots }),
    open: async (_policy, _surroundings, options) => ({
      capabilities,
      choose: (resolved, around) =>
        choosePlan({
          resolved,
          capabilities,
          options: { guardTag: false, macos: { surroundings: around, ...canonicalOf(around), ...choiceOf(options) } },
        }),
      starterFor: plan => seatbeltStarter(ofMacos(plan), isUnchangedHelper),
      // A profile keeps what is missing from coming into being; nothing has to stand in its place.
      lease: () => ({ needless: [], release: () => {} }),
      without: plan => plan,
      wrapping: plan => new SeatbeltWrapTarget(ofMacos(plan), sandboxExec.path),
      holdLimits(limits, stdio) {
        const held = planMacosLimits(limits, stdio === undefined || stdio.slice(1, 3).every(isCounted))
        if ('message' in held) throw new LimitError(held.message, { limit: held.limit, mechanism: held.mechanism })
        return held
      },
    }),
  }
}

function canonicalOf({ files }: ReturnType<typeof currentSurroundings>) {
  return { canonical: canonicalPaths(files).canonical }
}

function choiceOf({ macos = {} }: SandboxOptions) {
  const { grants, proxyPorts, localBinding, unixSockets, platformTmpWritable, darwinCacheWrite }: MacosOptions = macos
  return {
    grants: parseMacosGrants(grants),
    network: {
      ...(proxyPorts === undefined ? {} : { proxyPorts }),
      localBinding: localBinding === true,
      unixSockets: unixSockets ?? [],
    },
    profile: {
      platformTmpWritable: platformTmpWritable === true,
      darwinCacheWrite: darwinCacheWrite === true,
    },
  }
}

function isCounted(entry: number): boolean {
  return entry === NativeStdio.readPipe || entry === NativeStdio.ignore
}

function ofMacos(plan: Plan): MacosPlan {
  if (plan.kind === 'macos') return plan
  throw new InternalError(`a plan for ${plan.kind} on macOS`)
}
