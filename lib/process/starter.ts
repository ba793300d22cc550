/**
 * What starts the commands of one plan, whatever the operating system: made by a backend, used by the sandbox.
 */
import type { Command } from './command.ts'
import type { RunOptions, SpawnOptions } from './options.ts'
import type { RunResult } from './result.ts'
import type { PlanFacts } from './run.ts'
import type { SandboxedProcess } from './sandboxed-process.ts'

export interface Starter {
  /** Resolves when the command and its output have ended; rejects when it could not be started or was aborted. */
  run(command: Command, options: RunOptions, facts: PlanFacts): Promise<RunResult<string | Buffer>>
  /** The same, blocking the event loop. */
  runSync(command: Command, options: RunOptions, facts: PlanFacts): RunResult<string | Buffer>
  /** `ended`: called once, when nothing of the command runs any more, or when it could not be started. */
  spawn(command: Command, options: SpawnOptions, ended: () => void): SandboxedProcess
}
