/** Commands that native code starts, watches and ends: the way of Linux. */
import type { Launcher } from '../process/launch.ts'
import { run, runSync } from '../process/run.ts'
import type { Runs } from '../process/runs.ts'
import { NativeProcess } from '../process/sandboxed-process.ts'
import type { Starter } from '../process/starter.ts'

export function nativeStarter(runs: Runs, launcher: Launcher): Starter {
  return {
    run: (command, options, facts, active) => run(runs, launcher, command, options, facts, active),
    runSync: (command, options, facts) => runSync(runs, launcher, command, options, facts),
    spawn: (command, options, ended) => new NativeProcess(runs, launcher, command, options, ended),
  }
}
