import { loadLinuxBinding } from '../native/binding.ts'
import { ensureGuard } from './guard.ts'
import { Runs } from './runs.ts'

let runs: Runs | undefined

/**
 * The runs of this environment (the main thread or a worker), with the listener and the guard in place. Throws
 * BackendError when there is no addon, LaunchError when the guard cannot be started.
 */
export function environmentRuns(): Runs {
  if (runs === undefined) {
    const binding = loadLinuxBinding()
    runs = new Runs(binding)
    process.once('exit', () => binding.endPlacedRuns())
  }
  runs.listen()
  ensureGuard(runs.binding)
  return runs
}
