/**
 * The program `castellan`: finds the subcommand, runs it and ends as it says. What a subcommand does is in its own file.
 */
import { dispatchEntry } from '../entry/dispatch.ts'
import { readCommandLine, type Subcommand } from './command-line.ts'
import { type Ending, end } from './ending.ts'
import { helpFor } from './help.ts'
import { suggestion } from './spelling.ts'
import { say } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { packageVersion } from './version.ts'

type CommandName = 'run' | 'explain' | 'policy' | 'doctor' | 'auth' | 'apply-patch' | 'windows'

/** Loaded when asked for: the library behind them costs more than a help text needs. */
const commands: Readonly<Record<CommandName, () => Promise<Subcommand>>> = {
  run: async () => (await import('./run.ts')).run,
  explain: async () => (await import('./explain.ts')).explain,
  policy: async () => (await import('./policy.ts')).policyCommand,
  doctor: async () => (await import('./doctor.ts')).examination,
  auth: async () => (await import('./auth.ts')).auth,
  'apply-patch': async () => (await import('./apply-patch.ts')).applyPatchCommand,
  windows: async () => (await import('./windows.ts')).windowsCommand,
}

async function main(words: readonly string[]): Promise<Ending> {
  let command: CommandName | undefined
  try {
    const [first, ...args] = words
    if (first === undefined) throw new UsageError('there is no command')
    if (first === '--version' || first === '-V') return print(`castellan ${packageVersion()}`)
    if (first === '--help' || first === '-h') return print(helpFor(undefined))
    const helper = helperArguments(words)
    if (helper !== undefined) return await (await import('./linux-sandbox.ts')).runLinuxSandboxEntry(helper)
    if (first === 'help') return print(helpFor(args[0] === undefined ? undefined : commandNamed(args[0])))
    command = commandNamed(first)
    const subcommand = await commands[command]()
    const line = readCommandLine(args, subcommand)
    return line.has('help') ? print(helpFor(command)) : await subcommand.act(line)
  } catch (error) {
    const { report } = await import('./failure.ts')
    return report(error, command)
  }
}

/** What follows `sandbox linux` or, as it was called once, `debug landlock`: the command line of codex-linux-sandbox. */
function helperArguments([first, second, ...rest]: readonly string[]): readonly string[] | undefined {
  const named = (first === 'sandbox' && second === 'linux') || (first === 'debug' && second === 'landlock')
  return named ? rest : undefined
}

function commandNamed(word: string): CommandName {
  if (Object.hasOwn(commands, word)) return word as CommandName
  const known = [...Object.keys(commands), 'sandbox linux', 'debug landlock', 'help', '--help', '--version']
  const kind = word.startsWith('-') ? 'option' : 'command'
  throw new UsageError(`there is no ${kind} ${JSON.stringify(word)}${suggestion(word, known)}`)
}

function print(text: string): Ending {
  say('stdout', text)
  return 0
}

/**
 * Settles when everything is done. Whoever starts this file awaits it: Node then ends with 13, and not with 0, where it never settles.
 * By a link with one of their names this program is another.
 */
export const ended: Promise<void> = dispatchEntry(process.argv)
  .then(() => main(process.argv.slice(2)))
  .then(end)
