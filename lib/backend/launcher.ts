/**
 * From a plan to something that can start commands: the one place that knows which backend belongs to which engine.
 */
import { unreachable } from '../errors.ts'
import type { LinuxBinding } from '../native/binding.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import type { Launcher } from '../process/launch.ts'
import { type BubblewrapFacts, bubblewrapLauncher } from './bubblewrap.ts'
import { nativeChildLauncher } from './native-child.ts'

export function launcherFor(binding: LinuxBinding, plan: LinuxPlan, facts: BubblewrapFacts): Launcher {
  switch (plan.engine) {
    case 'namespace':
    case 'landlock':
    case 'seccomp':
    case 'unconfined':
      return nativeChildLauncher(binding, plan)
    case 'bwrap':
      return bubblewrapLauncher(binding, plan, facts)
    default:
      return unreachable(plan.engine)
  }
}
