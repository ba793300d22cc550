/**
 * Starts the guard: a tiny process that waits for the host's death, then ends every process that carries the host's mark and
 * removes the placeholders that are left. One per environment (main thread or worker), started with the first command; the
 * launcher replaces one that was killed.
 */
import { LaunchError } from '../errors.ts'
import { type LinuxBinding, NativeStdio } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { emptyPlanImage, encodePlanImage } from '../native/plan-image.ts'
import { encodeRequestImage, noEnvironment, RequestFlag } from '../native/request-image.ts'
import { runNumbers } from '../native/run-numbers.ts'
import { actOf, stageOf } from '../native/stages.ts'

let started = false

/**
 * Throws LaunchError (stage `guard`) when it cannot be started: without it the death of the host would leave commands
 * behind. Where processes cannot carry a mark (inside another run) it removes placeholders only.
 */
export function ensureGuard(binding: LinuxBinding): void {
  if (started) return
  const plan = binding.compilePlan(encodePlanImage(emptyPlanImage))
  const request = encodeRequestImage({
    flags: RequestFlag.newSession,
    candidates: ['/proc/self/fd/3'],
    argv: ['castellan-guard', 'guard', binding.hostTag() || '0'],
    environment: noEnvironment,
    workingDirectory: '/',
  })
  const { ignore, helper } = NativeStdio
  const failure = plan && binding.startGuard(plan, request, runNumbers([ignore, ignore, ignore, helper], {}))
  if (failure !== undefined || plan === undefined) {
    const name = errnoName(failure?.errno ?? 22)
    throw new LaunchError(`cannot start the guard process: ${actOf(stageOf(failure?.stage ?? 18))}: ${name}`, {
      stage: 'guard',
      errnoName: name,
    })
  }
  started = true
}
