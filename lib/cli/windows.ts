/** `castellan windows setup|status|cleanup`: the elevated backend of Windows. */
import { cleanUpWindows, setUpWindows, windowsSetupStatus, windowsSetupSteps } from '../index.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import type { Ending } from './ending.ts'
import { suggestion } from './spelling.ts'
import { printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export const windowsCommand: Subcommand = {
  options: {
    'state-directory': { type: 'string' },
    'proxy-port': { type: 'string', multiple: true },
    'local-binding': { type: 'boolean' },
    payload: { type: 'string' },
    accounts: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  until: 'end',
  act,
}

const acts = { setup, status, cleanup } as const

/** 0: done, or ready; 1: not ready, or something is left. @throws {UsageError}, and what the library's calls throw */
async function act(line: CommandLine): Promise<Ending> {
  const [word, stranger] = line.words
  if (word === undefined) throw new UsageError('windows needs one of setup, status, cleanup')
  if (stranger !== undefined)
    throw new UsageError(`windows ${word} takes no argument, found ${JSON.stringify(stranger)}`)
  if (!Object.hasOwn(acts, word)) {
    throw new UsageError(`there is no command windows ${JSON.stringify(word)}${suggestion(word, Object.keys(acts))}`)
  }
  refuseStrays(word, line)
  return await acts[word as keyof typeof acts](line)
}

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  setup: ['proxy-port', 'local-binding', 'payload', 'dry-run'],
  status: ['proxy-port', 'local-binding'],
  cleanup: ['accounts', 'dry-run'],
}

function refuseStrays(word: string, line: CommandLine): void {
  const stray = ['proxy-port', 'local-binding', 'payload', 'accounts', 'dry-run'].find(
    name => line.has(name) && optionsOf[word]?.includes(name) !== true,
  )
  if (stray !== undefined) throw new UsageError(`windows ${word} has no option --${stray}`)
}

function settingsOf(line: CommandLine) {
  const stateDirectory = line.one('state-directory')
  const proxyPorts = line.all('proxy-port').map(text => {
    const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
    if (port < 1 || port > 65_535) throw new UsageError(`--proxy-port ${JSON.stringify(text)} is no port`)
    return port
  })
  return {
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
    ...(proxyPorts.length === 0 ? {} : { proxyPorts }),
    ...(line.has('local-binding') ? { localBinding: true } : {}),
  }
}

function tell(line: CommandLine, value: object, lines: readonly string[]): void {
  if (line.has('json')) say('stdout', JSON.stringify(value, null, 2))
  else for (const text of lines) say('stdout', printable(text))
}

async function setup(line: CommandLine): Promise<Ending> {
  const payload = line.one('payload')
  if (payload !== undefined) return await setUpAsAsked(line, payload)
  const settings = settingsOf(line)
  if (line.has('dry-run')) {
    const steps = windowsSetupSteps.map((step, index) => `${index + 1}. ${step}`)
    tell(line, { dryRun: true, steps: windowsSetupSteps }, ['This would be done, in this order:', ...steps])
    return 0
  }
  const told = line.has('json') ? undefined : (step: string) => say('stdout', step)
  const { stateDirectory, done, notices } = await setUpWindows({ ...settings, told })
  tell(line, { stateDirectory, done, notices }, [...notices, `The elevated backend is ready in ${stateDirectory}.`])
  return 0
}

/** Started with an administrator's rights, without a window: what it has to say stands in the state directory. */
async function setUpAsAsked(line: CommandLine, payload: string): Promise<Ending> {
  const other = ['state-directory', 'proxy-port', 'local-binding', 'dry-run'].find(name => line.has(name))
  if (other !== undefined) throw new UsageError(`--payload says everything, so --${other} cannot stand beside it`)
  await setUpWindows({ payload })
  return 0
}

async function status(line: CommandLine): Promise<Ending> {
  const report = windowsSetupStatus(settingsOf(line))
  const { stateDirectory, offline, online, notices, lastFailure } = report
  tell(line, report, [
    `state directory: ${stateDirectory}`,
    `commands without network: ${offline}`,
    `commands with network: ${online}`,
    ...notices,
    ...(lastFailure === null
      ? []
      : [`last setup failed at ${lastFailure.step}: ${lastFailure.message} (${lastFailure.code})`]),
  ])
  return offline === 'ready' && online === 'ready' ? 0 : 1
}

const cleanupSteps = ['take entries off access lists', 'empty the journal']
const accountSteps = [
  'see that no access list has an entry',
  'remove the ready marker',
  'remove accounts and group',
  'remove firewall rules',
  'remove directories',
]

async function cleanup(line: CommandLine): Promise<Ending> {
  const accounts = line.has('accounts')
  const settings = settingsOf(line)
  if (line.has('dry-run')) {
    const steps = accounts ? accountSteps : cleanupSteps
    const lines = steps.map((step, index) => `${index + 1}. ${step}`)
    tell(line, { dryRun: true, steps }, ['This would be done, in this order:', ...lines])
    return 0
  }
  const result = await cleanUpWindows({ ...settings, accounts })
  const { left, accountsRemoved } = result
  tell(line, result, [
    left.length === 0 ? 'No access list has an entry of castellan.' : 'These access lists still have an entry:',
    ...left.map(place => `  ${place}`),
    ...(accountsRemoved ? ['The accounts, their group and their firewall rules are gone.'] : []),
  ])
  return left.length === 0 ? 0 : 1
}
