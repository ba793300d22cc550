/**
 * `castellan auth login`: with a browser on this machine, with a code that is typed on another one, or with an API key. The
 * stored login stays until the new one is stored. The terminal is left as it is: nothing is read from it and no mode is changed.
 */
import { isatty } from 'node:tty'

import { AuthError, type BrowserLogin, type DeviceLogin, type LoginResult } from '../auth/index.ts'
import { readApiKey } from './api-key-input.ts'
import { type AuthAction, type AuthContext, authExitCodes } from './auth-context.ts'
import { describe, headline } from './auth-status.ts'
import type { CommandLine } from './command-line.ts'
import type { Ending } from './ending.ts'
import { untilInterrupted } from './interruption.ts'
import { openBrowser } from './open-browser.ts'
import { painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** 0: logged in; 1: not; the signal when it was interrupted. */
export const login: AuthAction = (context, line) =>
  untilInterrupted(async signal => {
    if (line.has('with-api-key')) return storeApiKey(context, signal, line)
    const started = line.has('device') ? await startDevice(context, signal) : await startBrowser(context, signal, line)
    return tell(context, await started.result)
  })

/** @throws {UsageError} */
async function storeApiKey(context: AuthContext, signal: AbortSignal, line: CommandLine): Promise<Ending> {
  const other = ['device', 'no-open', 'port'].find(option => line.has(option))
  if (other !== undefined) throw new UsageError(`--with-api-key and --${other} are two ways to log in`)
  await context.manager.loginWithApiKey(await readApiKey(signal))
  return tell(context, { success: true })
}

async function startBrowser(
  { manager, json }: AuthContext,
  signal: AbortSignal,
  line: CommandLine,
): Promise<BrowserLogin> {
  const started = await manager.startBrowserLogin({ signal, ...portOption(line.one('port')) })
  if (json) say('stdout', JSON.stringify({ event: 'open', url: started.authUrl }))
  else {
    say('stdout', `Open this address in a browser on this machine to log in:\n\n${printable(started.authUrl)}\n`)
    say(
      'stdout',
      painter('stdout')('dim', 'Waiting for the browser. Ctrl-C cancels; --device logs in from another machine.'),
    )
  }
  if (!line.has('no-open')) openBrowser(started.authUrl)
  return started
}

/** @throws {UsageError} */
function portOption(text: string | undefined): { ports?: readonly number[] } {
  if (text === undefined) return {}
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return { ports: [Number(text)] }
  throw new UsageError(`--port ${text}: give a number below 65536; 0 takes any free port`)
}

async function startDevice({ manager, json }: AuthContext, signal: AbortSignal): Promise<DeviceLogin> {
  const started = await manager.startDeviceLogin({ signal })
  const { verificationUrl: url, userCode: code } = started
  if (json) say('stdout', JSON.stringify({ event: 'code', url, code }))
  else {
    const paint = painter('stdout')
    say('stdout', `Open ${printable(url)} in any browser and type this code:\n\n${paint('bold', printable(code))}\n`)
    say('stdout', paint('dim', 'Waiting for the code. Never type one that you did not ask for. Ctrl-C cancels.'))
  }
  return started
}

function tell(context: AuthContext, result: LoginResult): Ending {
  const described = describe(context)
  const { json } = context
  if (result.success) {
    say(
      'stdout',
      json ? JSON.stringify({ event: 'end', ...described }) : painter('stdout')('green', headline(described)),
    )
    return authExitCodes.loggedIn
  }
  const { reason } = result
  if (json) say('stdout', JSON.stringify({ event: 'end', loggedIn: false, reason }))
  // The terminal has shown ^C without ending its line.
  else if (reason === 'cancelled')
    say('stderr', `${isatty(2) ? '\n' : ''}castellan: login cancelled, nothing was changed`)
  else throw new AuthError(reason)
  return authExitCodes.notLoggedIn
}
