/**
 * `castellan run`: a command under a policy, with this program's own descriptors, directory and environment.
 */
import { isatty } from 'node:tty'

import { type Notice, type Plan, renderPlan, type Sandbox } from '../index.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import type { Ending } from './ending.ts'
import { environmentOf, environmentOptions, limitOptions, limitsOf, limitWords } from './limit-option.ts'
import { makeSandbox, sandboxOptions } from './sandbox-option.ts'
import { supervise } from './supervise.ts'
import { type Output, painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export const run: Subcommand = {
  options: {
    ...sandboxOptions,
    ...limitOptions,
    ...environmentOptions,
    timeout: { type: 'string', short: 't' },
    'show-plan': { type: 'boolean' },
    verbose: { type: 'boolean', short: 'v' },
  },
  until: 'command',
  act,
}

/** @throws {UsageError}, and whatever the library throws when the command cannot be run */
async function act(line: CommandLine): Promise<Ending> {
  const timeout = milliseconds(line.one('timeout'))
  const limits = limitsOf(line)
  const environment = environmentOf(line)
  const [file, ...rest] = line.words
  if (file === undefined && !line.has('show-plan')) throw new UsageError('there is no command to run')
  const { sandbox, choice } = await makeSandbox(line)
  tellNotices(sandbox.notices, line.has('verbose'))
  if (choice.file !== undefined) warnOfOpenPolicyFile(sandbox, choice.file)
  if (line.has('show-plan')) showPlan(sandbox.plan, file === undefined ? 'stdout' : 'stderr')
  if (file === undefined) return 0
  const session = sessionFor(sandbox.plan)
  return supervise({
    start: () => sandbox.spawn(file, rest, { stdio: 'inherit', session, limits, ...environment }),
    session,
    timeout,
    limited: limit => say('stderr', `castellan: the command was ended: ${limitWords[limit]}`),
    timedOut: () => say('stderr', `castellan: the command was ended after ${line.one('timeout')} s`),
  })
}

/** Beside a terminal the command stays in its foreground process group, except where bubblewrap takes it away. */
function sessionFor({ engine }: Plan): 'inherit' | 'new' {
  return engine !== 'bwrap' && [0, 1, 2].some(fd => isatty(fd)) ? 'inherit' : 'new'
}

/** What a plan does not hold is told always, the rest on request. */
function tellNotices(notices: readonly Notice[], verbose: boolean): void {
  for (const { code, message, hint } of notices) {
    if (code === 'plan-limits' || verbose) warn(`${message}${hint === undefined ? '' : ` (${hint})`}`)
  }
}

/** The command could give itself more for the next time. */
function warnOfOpenPolicyFile(sandbox: Sandbox, file: string): void {
  if (sandbox.explain(file).access === 'write') warn(`the command can change the policy file ${file}`)
}

function warn(message: string): void {
  say('stderr', `${painter('stderr')('yellow', 'castellan:')} ${printable(message)}`)
}

function showPlan(plan: Plan, output: Output): void {
  for (const text of renderPlan(plan)) say(output, printable(text))
}

/** Longer than 24 days is more than a timer can hold. */
function milliseconds(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined
  const value = /^\d*\.?\d+$/.test(seconds) ? Math.ceil(Number(seconds) * 1000) : Number.NaN
  if (value > 0 && value < 2 ** 31) return value
  throw new UsageError(`--timeout ${seconds}: give seconds, more than 0 and less than 2147483, for instance 2.5`)
}
