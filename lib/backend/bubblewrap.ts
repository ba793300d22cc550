/**
 * The backend of the engine `bwrap`: the system's bubblewrap makes the mounts and installs the filter, the helper inside
 * it applies Landlock and starts the command.
 *
 * Nothing of the policy or the command shows on the visible command line: options, filter, plan and request go through
 * sealed in-memory files. bubblewrap itself starts with an empty environment, so that no variable of the command (such as
 * LD_PRELOAD) acts outside the sandbox; the command's environment is in its request.
 */
import { BackendError, InternalError } from '../errors.ts'
import type { LinuxBinding } from '../native/binding.ts'
import { emptyPlanImage, encodePlanImage } from '../native/plan-image.ts'
import { type BubblewrapArguments, bubblewrapCommandLine, renderBubblewrap } from '../plan/linux/bwrap-arguments.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { HostEnvironment } from '../process/host-environment.ts'
import type { Launcher } from '../process/launch.ts'
import { placeOf, planLineOf } from './command-image.ts'
import { prepareInner } from './inner-stage.ts'
import { innerPlanImage } from './plan-records.ts'

export interface BubblewrapFacts {
  readonly options: readonly string[]
  readonly privileged: boolean
}

export function bubblewrapLauncher(binding: LinuxBinding, plan: LinuxPlan, facts: BubblewrapFacts): Launcher {
  const outer = binding.compilePlan(encodePlanImage(emptyPlanImage))
  if (outer === undefined) throw new InternalError('the plan image was refused by native code')
  const rendered = render(plan, facts)
  const inner = innerPlanImage(plan)
  const host = new HostEnvironment(binding)
  return {
    planLine: planLineOf(plan),
    place: placeOf(plan),
    prepare: command =>
      prepareInner(binding, host, command, plan, inner, stage => {
        const fds = {
          arguments: stage.add('bwrap-arguments', Buffer.from(`${rendered.arguments.join('\0')}\0`, 'utf8')),
          seccomp: stage.add('seccomp', Buffer.from(plan.seccomp?.program ?? '', 'base64')),
        }
        const argv = ['bwrap', ...bubblewrapCommandLine(rendered, fds, stage.helper)]
        return { plan: outer, program: plan.bubblewrap?.path ?? '', argv }
      }),
  }
}

function render(plan: LinuxPlan, facts: BubblewrapFacts): BubblewrapArguments {
  const { mounts, namespaces } = plan
  if (mounts === null || namespaces === null) throw new InternalError('a bubblewrap plan without mounts')
  const rendering = renderBubblewrap({ mounts, namespaces, ...facts, seccomp: true })
  if ('rendered' in rendering) return rendering.rendered
  const { message, mechanism, hint } = rendering.refusal
  throw new BackendError(message, { capability: mechanism, ...(hint === undefined ? {} : { hint }) })
}
