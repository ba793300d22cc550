/**
 * Confines this process where it stands, with all its threads: Landlock since ABI 8 and the filter bring the other threads along.
 */
import { InternalError, LaunchError } from '../errors.ts'
import { type LinuxBinding, loadLinuxBinding } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { actOf, stageOf } from '../native/stages.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { nativePlanImage } from './plan-records.ts'

type Binding = Pick<LinuxBinding, 'compilePlan' | 'confineProcess'>

/**
 * False when this process has capabilities, and nothing was done: each thread has its own, and they could be given up in one only.
 * Throws LaunchError with the stage of the step that failed, `partly` where a part of the plan holds from then on.
 */
export function confineProcess(plan: LinuxPlan, binding: Binding = loadLinuxBinding()): boolean {
  const compiled = binding.compilePlan(nativePlanImage(plan))
  if (compiled === undefined) throw new InternalError('the plan image was refused by native code')
  const failure = binding.confineProcess(compiled)
  if (failure === undefined) return true
  const stage = stageOf(failure.stage)
  if (stage === 'capabilities') return false
  const name = errnoName(failure.errno)
  const { partly } = failure
  const rest = partly ? '; the filter holds this process for good, Landlock does not, and it has to end' : ''
  throw new LaunchError(`cannot ${actOf(stage)}: ${name}${rest}`, {
    stage,
    errnoName: name,
    errno: failure.errno,
    partly,
  })
}
