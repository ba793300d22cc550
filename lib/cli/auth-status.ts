/**
 * `castellan auth status`: who is logged in here, and until when.
 */
import { AuthError, type AuthSnapshot } from '../auth/index.ts'
import { type AuthAction, type AuthContext, authExitCodes } from './auth-context.ts'
import { placeOf } from './auth-storage.ts'
import { table } from './table.ts'
import { painter, printable, say } from './terminal.ts'

/** 0: somebody is logged in; 1: nobody, or the server refused the login for good. */
export const status: AuthAction = async (context, line) => {
  if (line.has('refresh')) await refresh(context)
  const now = Date.now()
  const described = describe(context)
  if (described.mode === null) await lookCloser(context)
  if (context.json) say('stdout', JSON.stringify(described, null, 2))
  else for (const text of report(described, context.loginCommand, now)) say('stdout', text)
  return described.loggedIn ? authExitCodes.loggedIn : authExitCodes.notLoggedIn
}

/** What may pass is told and changes nothing; what is final shows in the description. */
async function refresh({ manager }: AuthContext): Promise<void> {
  try {
    await manager.refreshToken()
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    if (error.kind === 'transient' || error.reason === 'issuer_mismatch')
      say('stderr', `${painter('stderr')('yellow', 'castellan:')} ${error.message}`)
  }
}

/** The library takes what cannot be read for no login; whoever asks wants to know. @throws {AuthError} */
async function lookCloser({ storage, home }: AuthContext): Promise<void> {
  const fromEnvironment = (process.env['CODEX_ACCESS_TOKEN'] ?? '').trim() !== ''
  if (!fromEnvironment && (await storage.read()) === undefined) return
  const place = fromEnvironment
    ? 'CODEX_ACCESS_TOKEN'
    : storage.kind === 'file'
      ? `the auth.json in ${home}`
      : `what is stored in ${placeOf(storage, home)}`
  const text = `cannot use ${place}: it is damaged, or its token could not be checked with the server`
  say('stderr', `${painter('stderr')('yellow', 'castellan:')} ${printable(text)}`)
}

/** One login in words that may be shown: never a token. Instants are ISO 8601. */
export interface Description {
  readonly loggedIn: boolean
  readonly mode: string | null
  readonly email: string | null
  readonly accountId: string | null
  readonly plan: string | null
  /** Where it comes from: `store` or `environment`. */
  readonly origin: string | null
  readonly home: string
  /** For people: the home, or the keyring. */
  readonly place: string
  readonly expiresAt: string | null
  readonly refreshedAt: string | null
  /** Why the server will not refresh this login again. */
  readonly over: string | null
}

export function describe({ manager, home, storage }: AuthContext): Description {
  const snapshot = manager.snapshot()
  const failure = manager.refreshFailure()
  const over = failure?.kind === 'permanent' ? failure.reason : null
  const { mode = null, email = null, accountId = null, origin = null } = snapshot ?? {}
  return {
    loggedIn: snapshot !== null && usable(snapshot) && over === null,
    mode,
    email,
    accountId,
    plan: snapshot === null || snapshot.planType === 'unknown' ? null : snapshot.planType,
    origin,
    home,
    place: placeOf(storage, home),
    expiresAt: instant(snapshot?.expiresAt),
    refreshedAt: instant(snapshot?.lastRefreshAt),
    over,
  }
}

/** Agents sign their requests and have no bearer. */
function usable(snapshot: AuthSnapshot): boolean {
  return snapshot.mode === 'agentIdentity' || snapshot.token() !== undefined
}

function instant(milliseconds: number | undefined): string | null {
  const date = new Date(milliseconds ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** The whole story, for a person. */
export function report(login: Description, loginCommand: string, now: number): string[] {
  const paint = painter('stdout')
  const needed = `log in with: ${printable(loginCommand)}`
  if (!login.loggedIn) return [paint('yellow', whyNot(login)), needed]
  const rows = [
    ['mode', login.mode],
    ['account', login.accountId],
    ['plan', login.plan],
    ['kept in', login.origin === 'environment' ? 'the environment' : login.place],
    ['token', login.refreshedAt === null ? null : expiry(login.expiresAt, now)],
    ['refreshed', login.refreshedAt],
  ].flatMap(([name, value]) => (name && value ? [[name, value]] : []))
  return [paint('green', headline(login)), ...table(['', ''], rows, paint).slice(1)]
}

/** One line without the hour: the same as long as nothing happens. */
export function headline(login: Description): string {
  if (!login.loggedIn) return whyNot(login)
  return printable(
    `logged in${login.email === null ? ` with ${modes[login.mode ?? ''] ?? 'a login'}` : ` as ${login.email}`}`,
  )
}

const modes: Readonly<Record<string, string>> = {
  apikey: 'an API key',
  chatgpt: 'tokens that name no e-mail address',
  chatgptAuthTokens: 'tokens of a host program',
  agentIdentity: 'the identity of an agent',
  personalAccessToken: 'a personal access token',
}

function whyNot({ over, mode }: Description): string {
  if (over !== null) return `the login is over: ${endings[over] ?? 'the server refused it for good'}`
  return mode === null ? 'nobody is logged in' : 'the stored login holds no token'
}

const endings: Readonly<Record<string, string>> = {
  expired: 'its refresh token has expired',
  exhausted: 'its refresh token was used before, by another program or a copy',
  revoked: 'it was revoked',
}

function expiry(expiresAt: string | null, now: number): string {
  if (expiresAt === null) return 'does not tell when it expires'
  const left = Date.parse(expiresAt) - now
  return left <= 0 ? `expired ${expiresAt}, renewed at the next use` : `expires ${expiresAt}, in ${duration(left)}`
}

function duration(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000)
  if (minutes < 120) return plural(minutes, 'minute')
  return minutes < 48 * 60 ? plural(Math.round(minutes / 60), 'hour') : plural(Math.round(minutes / 1440), 'day')
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
