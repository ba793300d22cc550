/** `spawn` on macOS: Node's own ChildProcess, whose events are told in the words of the command. */
import type { MacosPlan } from '../plan/plan.ts'
import type { Command } from '../process/command.ts'
import type { SpawnOptions } from '../process/options.ts'
import type { SandboxedProcess } from '../process/sandboxed-process.ts'
import { TreeEnding } from '../process/tree-ending.ts'
import { startCommand } from './seatbelt-start.ts'
import { superviseChild } from './supervised-child.ts'

export function spawnSeatbeltProcess(
  plan: MacosPlan,
  command: Command,
  options: SpawnOptions,
  ended: () => void,
): SandboxedProcess {
  const started = startCommand(plan, command)
  const ending = new TreeEnding({
    pid: started.child.pid,
    ownSession: command.session === 'new',
    limits: command.limits,
    options,
  })
  return superviseChild(started, ending, command, options, ended)
}
