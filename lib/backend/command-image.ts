/**
 * A command as the request image that native code reads, the same in every engine.
 */
import { encodeRequestImage, RequestFlag } from '../native/request-image.ts'
import type { LimitPlan } from '../plan/linux/process-limits.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { planLine } from '../plan/render.ts'
import type { Command } from '../process/command.ts'
import { environmentBlock } from '../process/environment.ts'
import type { HostEnvironment } from '../process/host-environment.ts'
import type { Launcher } from '../process/launch.ts'
import { programCandidates } from '../process/program.ts'

export function commandImage(command: Command, plan: LinuxPlan, flags: number, host: HostEnvironment): Uint8Array {
  return encodeRequestImage({
    flags,
    candidates: programCandidates(command.file, command.env['PATH']),
    argv: [command.argv0, ...command.args],
    environment: environmentBlock(command.env, plan.environment, host),
    workingDirectory: command.cwd,
    fileModeMask: command.umask,
    limits: kernelLimits(command.limits),
    oomScoreAdjust: command.oomScoreAdjust,
  })
}

function kernelLimits({ kernel }: LimitPlan): (number | undefined)[] {
  return [kernel.cpu, kernel.data, kernel.tasks, kernel.openFiles, kernel.fileSize]
}

export function sessionFlags(command: Command): number {
  return RequestFlag.tagged | (command.session === 'new' ? RequestFlag.newSession : 0)
}

/** Names the plan's line in launch errors. */
export function planLineOf(plan: LinuxPlan): Launcher['planLine'] {
  return (stage, index) => planLine(plan, index, stage === 'mount' ? 'mounts' : 'landlock')
}

/** Where a mount of the plan lies, for what the helper says of it. */
export function placeOf({ mounts }: LinuxPlan): Launcher['place'] {
  return index => {
    const operation = mounts?.operations[index]
    return operation !== undefined && 'target' in operation ? operation.target : undefined
  }
}
