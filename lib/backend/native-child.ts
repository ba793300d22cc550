/**
 * The backend of the engines that native code carries out by itself: `namespace`, `landlock`, `seccomp` and `unconfined`.
 * One image per plan, one request per command.
 */
import { InternalError } from '../errors.ts'
import type { LinuxBinding } from '../native/binding.ts'
import { encodeRequestImage, RequestFlag } from '../native/request-image.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { planLine } from '../plan/render.ts'
import type { Command } from '../process/command.ts'
import { environmentLines } from '../process/environment.ts'
import type { Launcher } from '../process/launch.ts'
import { programCandidates } from '../process/program.ts'
import { nativePlanImage } from './plan-records.ts'

export function nativeChildLauncher(binding: LinuxBinding, plan: LinuxPlan): Launcher {
  const compiled = binding.compilePlan(nativePlanImage(plan))
  if (compiled === undefined) throw new InternalError('the plan image was refused by native code')
  return {
    prepare: command => ({
      plan: compiled,
      request: commandImage(command, plan),
      stdio: Int32Array.from(command.stdio),
      reportDescriptor: -1,
      release: () => {},
    }),
    planLine: (stage, index) => planLine(plan, index, stage === 'mount' ? 'mounts' : 'landlock'),
  }
}

/** The request for a command: the same for the native child and for the helper inside bubblewrap. */
export function commandImage(command: Command, plan: LinuxPlan, flags: number = sessionFlags(command)): Buffer {
  return encodeRequestImage({
    flags,
    candidates: programCandidates(command.file, command.env['PATH']),
    argv: [command.argv0, ...command.args],
    environment: environmentLines(command.env, plan.environment),
    workingDirectory: command.cwd,
  })
}

export function sessionFlags(command: Command): number {
  return RequestFlag.tagged | (command.session === 'new' ? RequestFlag.newSession : 0)
}
