/**
 * `castellan explain`: what a command could do with a path, which entry of the policy says so, what holds it, and what every
 * other engine would do, those of other systems too.
 */
import type { DecidedBy, Explanation, PathInspection, Sandbox } from '../index.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import type { Ending } from './ending.ts'
import { engineRow } from './engine-table.ts'
import { inspectSandbox, makeSandbox, sandboxOptions } from './sandbox-option.ts'
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
  const chosen = await makeSandbox(line)
  const { sandbox, choice } = chosen
  const inspection = await inspectSandbox(chosen, line)
  const paths = line.words.map(path => ({ ...sandbox.explain(path), engines: inspection.explain(path).engines }))
  if (line.has('json')) say('stdout', json(sandbox, choice.name, paths))
  else for (const text of report(sandbox, choice.name, paths)) say('stdout', text)
  return 0
}

/** What holds the path here, and what every engine would do with it. */
type ExplainedPath = Explanation & Pick<PathInspection, 'engines'>

function json(sandbox: Sandbox, policy: string, paths: readonly ExplainedPath[]): string {
  const { engine, digest, limits } = sandbox.plan
  const { network, cwd } = sandbox.policy
  return JSON.stringify({ policy, cwd, network, engine, planDigest: digest, limits, paths }, null, 2)
}

const accessColours: Readonly<Record<Explanation['access'], Colour>> = { write: 'green', read: 'yellow', none: 'red' }

function report(sandbox: Sandbox, policy: string, paths: readonly ExplainedPath[]): string[] {
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
    '',
    ...table(['SYSTEM', 'ENGINE', 'STATE', 'ACCESS', ''], engineRows(paths), paint),
  ]
}

/** One row per engine; its answers in the order of the paths. */
function engineRows(paths: readonly ExplainedPath[]): (Cell | string)[][] {
  return paths[0]!.engines.map((verdict, index) => {
    const limits = paths.flatMap(({ engines }) => engines[index]!.limits)
    const [system, engine, state, reason] = engineRow({ ...verdict, limits })
    const access = paths.map(({ engines }) => engines[index]!.access ?? '-').join(', ')
    return [system, engine, state, access, reason]
  })
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
