/**
 * What the systems that this process does not run on would do with a policy, for whoever writes one for several. Pure: their
 * plans are made here as they would be there, on the paths of this disk.
 */
import type { Notice } from '../notices.ts'
import type { ResolvedPolicy, Surroundings } from '../policy/types.ts'
import { macosAnswer } from './macos/answer.ts'
import type { MacosPlan, PlanLimit } from './plan.ts'
import { windowsAnswer } from './windows/answer.ts'
import { engineOf } from './windows/plan.ts'

export interface OtherSystem {
  readonly system: 'macos' | 'windows'
  readonly engine: 'seatbelt' | 'restricted-token' | 'elevated'
  readonly state: 'would-hold' | 'would-refuse'
  /** What it would not hold; empty for a refusal. */
  readonly limits: readonly PlanLimit[]
  /** What is to be known of it, such as that nobody has seen it at work. */
  readonly notices: readonly Notice[]
  readonly why?: string
  readonly hint?: string
  /** Answers for a path; null where there is none. Windows has none here: its plans stand on paths of a Windows disk. */
  readonly plan: MacosPlan | null
}

/** One answer per engine: Seatbelt, then the Windows backends, the one that needs no setup first. */
export function otherSystems(resolved: ResolvedPolicy, surroundings: Surroundings): readonly OtherSystem[] {
  return [onMacos(resolved, surroundings), ...onWindows(resolved)]
}

function onMacos(resolved: ResolvedPolicy, surroundings: Surroundings): OtherSystem {
  const answer = macosAnswer(resolved, surroundings)
  const seatbelt = { system: 'macos', engine: 'seatbelt' } as const
  const { notices } = answer
  if ('refusal' in answer) return { ...seatbelt, ...refused(answer.refusal), notices }
  return { ...seatbelt, state: 'would-hold', limits: answer.plan.limits, plan: answer.plan, notices }
}

function onWindows(resolved: ResolvedPolicy): OtherSystem[] {
  return windowsAnswer(resolved).map(({ backend, refusal, limits }) => {
    const engine = { system: 'windows', engine: engineOf(backend) } as const
    return refusal === null
      ? { ...engine, state: 'would-hold', limits, notices: [], plan: null }
      : { ...engine, ...refused(refusal) }
  })
}

function refused({ message, hint }: { readonly message: string; readonly hint?: string }) {
  const why = hint === undefined ? { why: message } : { why: message, hint }
  return { state: 'would-refuse', limits: [], notices: [], plan: null, ...why } as const
}
