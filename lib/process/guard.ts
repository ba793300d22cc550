/**
 * Starts the guard: a tiny process that waits for the host's death and then ends every process that carries the host's
 * mark. One per environment (main thread or worker), started with the first command.
 */
import { LaunchError } from '../errors.ts'
import { type LinuxBinding, NativeStdio } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { emptyPlanImage, encodePlanImage } from '../native/plan-image.ts'
import { encodeRequestImage, RequestFlag } from '../native/request-image.ts'
import { actOf, stageOf } from '../native/stages.ts'

let started = false

/**
 * Throws LaunchError (stage `guard`) when it cannot be started: without it the death of the host would leave commands
 * behind. Where processes cannot carry a mark (inside another run) there is nothing for it to find, and none is started.
 */
export function ensureGuard(binding: LinuxBinding): void {
  if (started) return
  const tag = binding.hostTag()
  if (tag !== '') {
    const plan = binding.compilePlan(encodePlanImage(emptyPlanImage))
    const request = encodeRequestImage({
      flags: RequestFlag.newSession,
      candidates: ['/proc/self/fd/3'],
      argv: ['castellan-guard', 'guard', tag],
      environment: [],
      workingDirectory: '/',
    })
    const { ignore, helper } = NativeStdio
    const failure = plan && binding.startGuard(plan, request, Int32Array.of(ignore, ignore, ignore, helper), {})
    if (failure !== undefined || plan === undefined) {
      const name = errnoName(failure?.errno ?? 22)
      throw new LaunchError(`cannot start the guard process: ${actOf(stageOf(failure?.stage ?? 18))}: ${name}`, {
        stage: 'guard',
        errnoName: name,
      })
    }
  }
  started = true
}
