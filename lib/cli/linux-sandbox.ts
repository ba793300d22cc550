/**
 * The edge of `codex-linux-sandbox`, by whatever name it was started: prints what a caller reads, and ends as one expects
 * (spec/linux 2.2).
 */
import { LaunchError, SpawnError } from '../index.ts'
import { type HelperOutcome, prepareHelper, type WaitingHelper } from '../linux-sandbox/helper.ts'
import { type Ending, signalNumber } from './ending.ts'
import { linuxSandboxHelp } from './linux-sandbox-help.ts'
import { supervise } from './supervise.ts'
import { printable, say } from './terminal.ts'

/** `setUp`: what made the mounts failed, as when bubblewrap does. */
const exitCodes = { setUp: 1, usage: 2, refused: 101 } as const

/**
 * Runs the helper with these words, those after the program's name. Gives how this process is to end (`end`), once the
 * command has ended; does not return where this process becomes the command. Throws nothing.
 */
export async function runLinuxSandboxEntry(args: readonly string[]): Promise<Ending> {
  try {
    const outcome = await prepareHelper(args)
    return outcome.kind === 'waiting' ? await waitFor(outcome) : tell(outcome)
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error), codeOf(error))
  }
}

function tell(outcome: Exclude<HelperOutcome, WaitingHelper>): Ending {
  switch (outcome.kind) {
    case 'help':
      say('stdout', linuxSandboxHelp)
      return 0
    case 'usage':
      return complain(`${outcome.message}\n${linuxSandboxHelp.split('\n')[0]}`, exitCodes.usage)
    case 'refused':
      return complain(outcome.message, exitCodes.refused)
  }
}

/** Beside mounts a signal that ends the command is told as bubblewrap tells it: an exit code, not a death. */
async function waitFor({ start }: WaitingHelper): Promise<Ending> {
  const ending = await supervise({ start, session: 'new', timeout: undefined, timedOut: () => {} })
  return typeof ending === 'number' ? ending : 128 + signalNumber(ending)
}

function codeOf(error: unknown): number {
  // A SpawnError is about the command itself, which then failed to execute.
  return error instanceof LaunchError && !(error instanceof SpawnError) ? exitCodes.setUp : exitCodes.refused
}

function complain(message: string, code: number): number {
  for (const line of message.split('\n')) say('stderr', `codex-linux-sandbox: ${printable(line)}`)
  return code
}
