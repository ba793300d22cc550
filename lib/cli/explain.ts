/**
 * `castellan explain`: what a command could do with a path, which entry of the policy says so, and what holds it.
 */
import type { DecidedBy, Explanation, Sandbox } from '../index.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import type { Ending } from './ending.ts'
import { makeSandbox, sandboxOptions } from './sandbox-option.ts'
import { type Cell, table } from './table.ts'
import { type Colour, painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export const explain: Subcommand = {
  options: { ...sandboxOptions, json: { type: 'boolean' } },
  until: 'end',
  act,
}

/** @throws {UsageError}, and whatever `createSandbox` throws */
async function act(line: CommandLine): Promise<Ending> {
  if (line.words.length === 0) throw new UsageError('there is no path to explain')
  if (line.words.includes('')) throw new UsageError('a path is empty')
  const { sandbox, choice } = await makeSandbox(line)
  const paths = line.words.map(path => sandbox.explain(path))
  if (line.has('json')) say('stdout', json(sandbox, choice.name, paths))
  else for (const text of report(sandbox, choice.name, paths)) say('stdout', text)
  return 0
}

function json(sandbox: Sandbox, policy: string, paths: readonly Explanation[]): string {
  const { engine, digest, limits } = sandbox.plan
  const { network, cwd } = sandbox.policy
  return JSON.stringify({ policy, cwd, network, engine, planDigest: digest, limits, paths }, null, 2)
}

const accessColours: Readonly<Record<Explanation['access'], Colour>> = { write: 'green', read: 'yellow', none: 'red' }

function report(sandbox: Sandbox, policy: string, paths: readonly Explanation[]): string[] {
  const paint = painter('stdout')
  const { engine, limits } = sandbox.plan
  const { network, cwd } = sandbox.policy
  const rows = paths.map(path => [
    pathText(path),
    access(path),
    decidedBy(path.decidedBy),
    path.rule,
    path.planLine ?? '-',
  ])
  const held = limits.filter(({ code }) => paths.some(path => path.limits.some(limit => limit.code === code)))
  return [
    printable(`policy ${policy} in ${cwd}, held by the engine ${engine}, network ${network}`),
    '',
    ...table(['PATH', 'ACCESS', 'DECIDED BY', 'RULE', 'HELD BY'], rows, paint),
    ...(held.length === 0 ? [] : ['']),
    ...held.map(({ code, message }) => `${paint('yellow', 'not held here:')} ${message} (${code})`),
  ]
}

function pathText({ path, canonicalPath }: Explanation): string {
  return path === canonicalPath ? path : `${path} -> ${canonicalPath}`
}

function access({ access, policyAccess }: Explanation): Cell {
  const colour = accessColours[access]
  return access === policyAccess
    ? { text: access, colour }
    : { text: `${access}, asked: ${policyAccess}`, colour: 'red' }
}

function decidedBy(reason: DecidedBy): string {
  switch (reason.kind) {
    case 'entry':
      return `entry ${reason.index}: ${reason.spelled}`
    case 'protection':
      return `protection of ${reason.name} in ${reason.root}`
    case 'git':
      return `git ${reason.access} for ${reason.root}`
    case 'platform-default':
      return 'default of the platform'
    case 'no-rule':
      return 'nothing: closed'
    case 'open-policy':
      return 'a policy that closes nothing'
  }
}
