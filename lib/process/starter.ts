/**
 * What starts the commands of one plan, whatever the operating system: made by a backend, used by the sandbox.
 */
import type { Command } from './command.ts'
import type { RunOptions, SpawnOptions } from './options.ts'
import type { PlanFacts, RunResult } from './result.ts'
import type { ActiveRuns } from './run.ts'
import type { SandboxedProcess } from './sandboxed-process.ts'

export interface Starter {
  /**
   * Resolves when the command and its output have ended; rejects when it could not be started or was aborted. While it is
   * under way, what ends it is in `active`.
   */
  run(command: Command, options: RunOptions, facts: PlanFacts, active: ActiveRuns): Promise<RunResult<string | Buffer>>
  /** The same, blocking the event loop. */
  runSync(command: Command, options: RunOptions, facts: PlanFacts): RunResult<string | Buffer>
  /** `ended`: called once, when nothing of the command runs any more, or when it could not be started. */
  spawn(command: Command, options: SpawnOptions, ended: () => void): SandboxedProcess
}
