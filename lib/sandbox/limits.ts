/**
 * The limits of one command as this machine and its plan can hold them.
 */
import { release } from 'node:os'

import { LimitError } from '../errors.ts'
import type { HostCapabilities } from '../host/capabilities.ts'
import { type LinuxBinding, NativeStdio } from '../native/binding.ts'
import { type LimitPlan, type Limits, noLimits, planLimits } from '../plan/linux/process-limits.ts'
import type { LinuxPlan } from '../plan/plan.ts'

export interface LimitFacts {
  readonly plan: LinuxPlan
  readonly capabilities: HostCapabilities
  readonly binding: LinuxBinding
}

/** Throws LimitError (`ERR_LIMIT_NOT_ENFORCEABLE`) naming the limit and the mechanism. `stdio`: undefined when not known yet. */
export function holdLimits(limits: Limits, stdio: readonly number[] | undefined, facts: LimitFacts): LimitPlan {
  if (Object.values(limits).every(value => value === undefined)) return noLimits
  const { plan, capabilities, binding } = facts
  const held = planLimits({
    limits,
    plan,
    marks: binding.hostTag() !== '',
    privileged: capabilities.platform === 'linux' && capabilities.privileged,
    countsPerNamespace: countsPerNamespace(release()),
    readsOutput: stdio === undefined || stdio.slice(1, 3).every(isCounted),
  })
  if ('message' in held) throw new LimitError(held.message, { limit: held.limit, mechanism: held.mechanism })
  return held
}

function isCounted(entry: number): boolean {
  return entry === NativeStdio.readPipe || entry === NativeStdio.ignore
}

/**
 * Linux 5.14 (commit 21d1c5e386bc): before, RLIMIT_NPROC counted every process of the user, and would keep the command from
 * starting anything. Only trying it with another process of the user would tell; what the version may get wrong is the wall,
 * not the limit, which the launcher holds in any case.
 */
function countsPerNamespace(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 14)
}
