/**
 * `castellan policy`: is a policy right, what does it mean here, how does it read in the other model, and its JSON Schema.
 */
import { inspectPolicy, PolicyError, type PolicyInspection } from '../index.ts'
import { policyJsonSchema, printFileSystemPolicy, printLegacyPolicy } from '../policy/index.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import { existingDirectory } from './directory.ts'
import type { Ending } from './ending.ts'
import { engineTable } from './engine-table.ts'
import { type PolicyText, readPolicy } from './policy-text.ts'
import { deniedPatterns, policyTree } from './policy-tree.ts'
import { gitAccessNamed } from './sandbox-option.ts'
import { suggestion } from './spelling.ts'
import { painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export const policyCommand: Subcommand = {
  options: {
    profile: { type: 'string' },
    cwd: { type: 'string', short: 'C' },
    git: { type: 'string' },
    to: { type: 'string' },
    json: { type: 'boolean' },
  },
  until: 'end',
  act,
}

type Action = (name: string, line: CommandLine) => Promise<Ending> | Ending

const actions: Readonly<Record<string, Action>> = { check, show, convert, schema }

/** The policy is wrong, or nothing here holds it. */
const WRONG = 1

/** @throws {UsageError} */
async function act(line: CommandLine): Promise<Ending> {
  const [action, name, ...rest] = line.words
  const names = Object.keys(actions)
  if (action === undefined) throw new UsageError(`policy needs one of ${names.join(', ')}`)
  const found = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (found === undefined) {
    throw new UsageError(
      `there is no policy ${JSON.stringify(action)}; use ${names.join(', ')}${suggestion(action, names)}`,
    )
  }
  if (rest.length > 0) throw new UsageError(`policy ${action} takes one policy, found ${JSON.stringify(rest[0])} too`)
  if (line.has('to') !== (action === 'convert')) {
    throw new UsageError(
      action === 'convert' ? 'convert needs --to legacy or --to split' : '--to belongs to policy convert',
    )
  }
  if (action === 'schema') {
    if (name !== undefined) throw new UsageError('policy schema takes no argument')
    return schema()
  }
  if (name === undefined && action === 'check')
    throw new UsageError('policy check needs a file, a preset, or - for standard input')
  return found(name ?? 'workspace-write', line)
}

function schema(): Ending {
  say('stdout', JSON.stringify(policyJsonSchema(), null, 2))
  return 0
}

async function inspected(text: PolicyText, line: CommandLine): Promise<PolicyInspection> {
  const [cwd, git] = [line.one('cwd'), line.one('git')]
  return inspectPolicy({
    policy: text.policy,
    ...(cwd === undefined ? {} : { cwd: existingDirectory('--cwd', cwd) }),
    ...(git === undefined ? {} : { git: gitAccessNamed(git) }),
  })
}

function printed({ policy }: PolicyInspection) {
  if (policy.form === 'legacy') return printLegacyPolicy(policy.legacy)
  return { fileSystem: printFileSystemPolicy(policy.fileSystem), network: policy.network }
}

/** 0: right, and held by an engine here; 1: wrong, or held by none. */
async function check(name: string, line: CommandLine): Promise<Ending> {
  let text: PolicyText
  let found: PolicyInspection
  try {
    text = readPolicy(name, line.one('profile'))
    found = await inspected(text, line)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    tellError(name, error, line.has('json'))
    return WRONG
  }
  const held = found.engines.some(({ state }) => state === 'held')
  const { resolved, engines } = found
  if (line.has('json')) {
    const { network, cwd, digest } = resolved
    const facts = { name, valid: true, enforceable: held, profile: text.profile ?? null, cwd, network, digest }
    say('stdout', JSON.stringify({ ...facts, policy: printed(found), warnings: text.notices, engines }, null, 2))
    return held ? 0 : WRONG
  }
  const paint = painter('stdout')
  const kind =
    found.policy.form === 'legacy' ? found.policy.legacy.type : `split, ${resolved.fileSystem.entries.length} entries`
  const profile = text.profile === undefined ? '' : `, profile ${text.profile}`
  say('stdout', `${paint('green', 'valid:')} ${printable(`${name}${profile} (${kind}), network ${resolved.network}`)}`)
  for (const { message, place } of text.notices) {
    const where = place === null ? '' : `${place.line}:${place.column}: `
    say('stdout', `${paint('yellow', 'warning:')} ${printable(`${where}${message}`)}`)
  }
  say('stdout', '')
  for (const row of engineTable(engines, paint)) say('stdout', row)
  say('stdout', '')
  say(
    'stdout',
    held ? paint('green', 'An engine of this machine holds it.') : paint('red', 'No engine of this machine holds it.'),
  )
  return held ? 0 : WRONG
}

function tellError(name: string, error: PolicyError, json: boolean): void {
  const { code, message, location, place, entry } = error
  if (json) {
    const details = { code, message, location, place: place ?? null, entry: entry ?? null }
    say('stdout', JSON.stringify({ name, valid: false, error: details }, null, 2))
    return
  }
  const where = place === undefined ? '' : `:${place.line}:${place.column}`
  say('stderr', `${painter('stderr')('red', 'castellan:')} ${printable(`${name}${where}: ${message}`)} (${code})`)
}

async function show(name: string, line: CommandLine): Promise<Ending> {
  const text = readPolicy(name, line.one('profile'))
  const found = await inspected(text, line)
  const { resolved } = found
  if (line.has('json')) {
    const { cwd, network, digest, rules, fullDiskRead, fullDiskWrite, platformDefaults } = resolved
    const facts = { name, cwd, network, digest, fullDiskRead, fullDiskWrite, platformDefaults }
    say('stdout', JSON.stringify({ ...facts, policy: printed(found), rules, engines: found.engines }, null, 2))
    return 0
  }
  const paint = painter('stdout')
  say('stdout', printable(`policy ${name}${text.profile === undefined ? '' : ` [${text.profile}]`} in ${resolved.cwd}`))
  say('stdout', '')
  for (const row of policyTree(resolved, paint)) say('stdout', row)
  say('stdout', '')
  const patterns = deniedPatterns(resolved)
  if (patterns.length > 0) {
    say('stdout', 'denied wherever they match')
    for (const pattern of patterns) say('stdout', `  ${pattern}`)
    say('stdout', '')
  }
  say('stdout', `network  ${paint(resolved.network === 'enabled' ? 'green' : 'red', resolved.network)}`)
  say('stdout', `digest   ${resolved.digest}`)
  return 0
}

/** The first place whose answer is another one afterwards is told; then nothing is printed. */
async function convert(name: string, line: CommandLine): Promise<Ending> {
  const to = line.one('to')!
  if (to !== 'legacy' && to !== 'split') {
    throw new UsageError(`--to ${JSON.stringify(to)}: use legacy or split${suggestion(to, ['legacy', 'split'])}`)
  }
  const found = await inspected(readPolicy(name, line.one('profile')), line)
  const { resolved } = found
  if (to === 'split') {
    const { fileSystem, network } = resolved
    say('stdout', JSON.stringify({ fileSystem: printFileSystemPolicy(fileSystem), network }, null, 2))
    return 0
  }
  const { legacy } = resolved
  if (legacy === null) {
    throw new PolicyError('ERR_POLICY_NO_ROUND_TRIP', noLegacy(found))
  }
  if (resolved.needsDirectEnforcement) {
    const changed = await firstChange(found, printLegacyPolicy(legacy), line)
    throw new PolicyError(
      'ERR_POLICY_NO_ROUND_TRIP',
      `cannot convert ${name} to legacy without changing it: ${changed}`,
    )
  }
  say('stdout', JSON.stringify(printLegacyPolicy(legacy), null, 2))
  return 0
}

function noLegacy({ resolved }: PolicyInspection): string {
  const written = resolved.writableRoots.map(({ root }) => root).find(root => root !== resolved.cwd)
  const what = written === undefined ? 'a temporary directory' : written
  return `cannot convert the policy to legacy: it opens ${what} for writing and not the working directory, for which the legacy model has no words`
}

async function firstChange(before: PolicyInspection, legacy: unknown, line: CommandLine): Promise<string> {
  const after = await inspected({ policy: legacy } as PolicyText, line)
  const places = [...before.resolved.rules, ...after.resolved.rules].map(({ path }) => path)
  for (const place of ['/', ...places]) {
    const [one, other] = [before.explain(place).access, after.explain(place).access]
    if (one !== other) return `${place} would be ${other} instead of ${one}`
  }
  return 'what its patterns deny would be open, or a later file would get another access'
}
