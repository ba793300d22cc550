/**
 * The backend of the engines that native code carries out by itself: `namespace`, `landlock`, `seccomp` and `unconfined`.
 * One image per plan, one request per command. With a PID namespace the first process is the helper, which starts the
 * command and looks after it; otherwise it is the command.
 */
import { InternalError } from '../errors.ts'
import type { LinuxBinding } from '../native/binding.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { HostEnvironment } from '../process/host-environment.ts'
import type { Launcher } from '../process/launch.ts'
import { commandImage, placeOf, planLineOf, sessionFlags } from './command-image.ts'
import { prepareInner } from './inner-stage.ts'
import { mustEndTreeFirst } from './missing-places.ts'
import { nativePlanImage, standingPlanImage } from './plan-records.ts'

export function nativeChildLauncher(binding: LinuxBinding, plan: LinuxPlan): Launcher {
  const compiled = binding.compilePlan(nativePlanImage(plan))
  if (compiled === undefined) throw new InternalError('the plan image was refused by native code')
  const host = new HostEnvironment(binding)
  const line = planLineOf(plan)
  const endTreeFirst = mustEndTreeFirst(plan)
  // Listening for proxies takes the helper as well.
  if (plan.namespaces?.pid === true || plan.proxyPorts !== undefined) {
    // Everything is confined before the helper is executed; what is left is to start the command and to look after it.
    const standing = standingPlanImage(plan)
    return {
      planLine: line,
      place: placeOf(plan),
      prepare: command =>
        prepareInner(binding, host, command, plan, standing, ({ helper: [program = '', ...args] }) => {
          return { plan: compiled, program, argv: ['castellan-init', ...args] }
        }),
    }
  }
  return {
    planLine: line,
    place: placeOf(plan),
    prepare: command => ({
      plan: compiled,
      request: commandImage(command, plan, sessionFlags(command), host),
      stdio: command.stdio,
      reportDescriptor: -1,
      endTreeFirst,
      release: () => {},
    }),
  }
}
