/** The commands of a macOS plan. */
import { LaunchError } from '../errors.ts'
import type { MacosPlan } from '../plan/plan.ts'
import type { Starter } from '../process/starter.ts'
import { spawnSeatbeltProcess } from './seatbelt-process.ts'
import { runSeatbelt } from './seatbelt-run.ts'
import { runSeatbeltSync } from './seatbelt-run-sync.ts'

/**
 * `unchanged`: whether the helper is the file that was found when this process began to use it. It is executed outside of the
 * sandbox, so one that something has put in its place since is not.
 */
export function seatbeltStarter(plan: MacosPlan, unchanged: (helper: string) => boolean): Starter {
  const check = () => {
    if (plan.starter?.kind !== 'helper' || unchanged(plan.starter.path)) return
    throw new LaunchError(`cannot launch: ${plan.starter.path} is not what it was`, {
      stage: 'helper',
      path: plan.starter.path,
    })
  }
  return {
    async run(command, options, facts, active) {
      check()
      return await runSeatbelt(plan, command, options, facts, active)
    },
    runSync(command, options, facts) {
      check()
      return runSeatbeltSync(plan, command, options, facts)
    },
    spawn(command, options, ended) {
      check()
      return spawnSeatbeltProcess(plan, command, options, ended)
    },
  }
}
