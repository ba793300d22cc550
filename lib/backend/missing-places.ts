/**
 * The places at which a plan keeps something missing from being created, and the plan as it is carried out where some of
 * them need nothing.
 */

import type { LinuxPlan } from '../plan/plan.ts'

/** The paths that need a placeholder while a command runs (`host/placeholder.ts`). */
export function missingPlaces({ mounts }: LinuxPlan): readonly string[] {
  return (mounts?.operations ?? []).flatMap(operation =>
    operation.operation === 'mask-missing' ? [operation.target] : [],
  )
}

/**
 * The plan without the operations at these places: a command has no way to create them, which is what the operations ask for,
 * and so there is nothing to put a mount on.
 */
export function withoutPlaces(plan: LinuxPlan, places: readonly string[]): LinuxPlan {
  if (plan.mounts === null || places.length === 0) return plan
  const operations = plan.mounts.operations.filter(
    operation => operation.operation !== 'mask-missing' || !places.includes(operation.target),
  )
  return { ...plan, mounts: { operations } }
}

/**
 * True when background processes of a command must be gone before its end is told, and with it the placeholders: afterwards
 * they could create what is kept missing. A PID namespace ends them anyway.
 */
export function mustEndTreeFirst(plan: LinuxPlan): boolean {
  return plan.namespaces?.pid !== true && missingPlaces(plan).length > 0
}
