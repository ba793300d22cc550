import { loadLinuxBinding } from '../native/binding.ts'
import { ensureGuard } from './guard.ts'
import { Runs } from './runs.ts'

let runs: Runs | undefined

/**
 * The runs of this environment (the main thread or a worker), with the listener and the guard in place. Throws
 * BackendError when there is no addon, LaunchError when the guard cannot be started.
 */
export function environmentRuns(): Runs {
  runs ??= new Runs(loadLinuxBinding())
  runs.listen()
  ensureGuard(runs.binding)
  return runs
}
