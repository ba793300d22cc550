/**
 * `castellan auth`: who is logged in, logging in and out, and watching. Thin: what a login is, the library knows. Prints who
 * and until when, never a token.
 */
import { AuthError, AuthManager, type AuthStorage, codexProvider, type Reason, resolveHome } from '../auth/index.ts'
import { OptionError } from '../index.ts'
import { type AuthAction, type AuthContext, authExitCodes } from './auth-context.ts'
import { login } from './auth-login.ts'
import { logout } from './auth-logout.ts'
import { status } from './auth-status.ts'
import { storageOf } from './auth-storage.ts'
import { watch } from './auth-watch.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import { possibleDirectory } from './directory.ts'
import type { Ending } from './ending.ts'
import { textOf } from './failure.ts'
import { suggestion } from './spelling.ts'
import { painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export const auth: Subcommand = {
  options: {
    home: { type: 'string' },
    issuer: { type: 'string' },
    'client-id': { type: 'string' },
    storage: { type: 'string' },
    'with-api-key': { type: 'boolean' },
    device: { type: 'boolean' },
    'no-open': { type: 'boolean' },
    port: { type: 'string' },
    refresh: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  until: 'end',
  act,
}

const actions: Readonly<Record<string, AuthAction>> = { status, login, logout, watch }

/** Options of some actions only. */
const owners: Readonly<Record<string, string>> = {
  device: 'login',
  'no-open': 'login',
  port: 'login',
  'with-api-key': 'login',
  refresh: 'status',
}

/** What to do about an error, where that is known. */
const hints: Readonly<Partial<Record<Reason, string>>> = {
  callback_unavailable: 'Other programs hold the ports 1455 and 1457; end them, or use --device.',
  device_unsupported: 'Leave out --device to log in with a browser on this machine.',
  login_timeout: 'Run the command again; a login may take ten minutes in a browser and fifteen with a code.',
  issuer_mismatch: 'Use the --issuer that the login came from, or another --home for this server.',
  keyring_missing: 'Install it where castellan is installed: npm install @napi-rs/keyring.',
  home_missing: 'CODEX_HOME names this directory; make it, unset the variable, or use --home.',
  home_not_a_directory: 'CODEX_HOME names it; correct the variable, or use --home.',
}

/** @throws {UsageError} */
async function act(line: CommandLine): Promise<Ending> {
  const [name, ...rest] = line.words
  if (name === undefined) throw new UsageError('auth needs one of status, login, logout and watch')
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action === undefined) {
    throw new UsageError(`there is no auth ${JSON.stringify(name)}${suggestion(name, Object.keys(actions))}`)
  }
  if (rest.length > 0) throw new UsageError(`auth ${name} takes no argument, found ${JSON.stringify(rest[0])}`)
  for (const [option, owner] of Object.entries(owners)) {
    if (line.has(option) && owner !== name) throw new UsageError(`--${option} belongs to auth ${owner}`)
  }
  return run(action, line)
}

async function run(action: AuthAction, line: CommandLine): Promise<Ending> {
  const json = line.has('json')
  try {
    return await action(await contextOf(line, json), line)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    const { code, reason, message, location } = error
    const hint = hints[reason]
    if (json) say('stdout', JSON.stringify({ error: { code, reason, message, location, hint } }))
    else for (const text of [`${textOf(error)}${location ? `: ${location}` : ''}`, hint ?? []].flat()) complain(text)
    return error.kind === 'config' ? authExitCodes.usage : authExitCodes.notLoggedIn
  }
}

function complain(text: string): void {
  say('stderr', `${painter('stderr')('red', 'castellan:')} ${printable(text)}`)
}

async function contextOf(line: CommandLine, json: boolean): Promise<AuthContext> {
  const given = line.one('home')
  const home = given === undefined ? resolveHome() : possibleDirectory('--home', given)
  const storage = storageOf(line.one('storage'), home)
  return { manager: await managerFor(line, storage), storage, home, json, loginCommand: loginCommand(line) }
}

async function managerFor(line: CommandLine, storage: AuthStorage): Promise<AuthManager> {
  const [issuer, clientId] = [line.one('issuer'), line.one('client-id')]
  const provider = codexProvider({
    ...(issuer && { issuer: issuer.replace(/\/+$/, '') }),
    ...(clientId && { clientId }),
  })
  try {
    // Nothing is refreshed unless it is asked for: looking must not spend a token.
    return await AuthManager.open({ storage, provider, proactive: 'off' })
  } catch (error) {
    if (issuer === undefined || !(error instanceof OptionError)) throw error
    throw new UsageError(`--issuer ${issuer}: give an address with https, or with http on this machine`)
  }
}

/** What to type to log in to the same place. */
function loginCommand(line: CommandLine): string {
  const options = ['home', 'issuer', 'client-id', 'storage'].flatMap(name => {
    const value = line.one(name)
    return value === undefined ? [] : [`--${name}`, quoted(value)]
  })
  return ['castellan auth login', ...options].join(' ')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
