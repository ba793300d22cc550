/**
 * `castellan auth watch`: a line now and with every change of the stored login, until it is interrupted. Looks, and changes
 * nothing: no token is refreshed.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { type AuthAction, type AuthContext, authExitCodes } from './auth-context.ts'
import { type Description, describe, headline } from './auth-status.ts'
import { untilInterrupted } from './interruption.ts'
import { printable, say } from './terminal.ts'

const intervalMs = 500

/** When interrupted, 0: somebody is logged in; 1: nobody. */
export const watch: AuthAction = async context => {
  let last = ''
  let login = describe(context)
  await untilInterrupted(async signal => {
    let version = await context.storage.version?.()
    for (;;) {
      login = describe(context)
      const text = changingPart(login)
      if (text !== last && !say('stdout', context.json ? json(login) : line(context, login, last))) break
      last = text
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) break
      version = await reloadIfChanged(context, version)
    }
    return 0
  })
  return login.loggedIn ? authExitCodes.loggedIn : authExitCodes.notLoggedIn
}

/** Only then: loading a personal access token asks the server who it belongs to. */
async function reloadIfChanged({ manager, storage }: AuthContext, before: string | undefined) {
  const version = await storage.version?.()
  if (version === undefined || version !== before) await manager.reload()
  return version
}

function changingPart({ loggedIn, mode, accountId, email, expiresAt, refreshedAt }: Description): string {
  return JSON.stringify([loggedIn, mode, accountId, email, expiresAt, refreshedAt])
}

const json = (login: Description) => JSON.stringify({ at: new Date().toISOString(), ...login })

function line({ loginCommand }: AuthContext, login: Description, before: string): string {
  const [, , account, email] = before === '' ? [] : (JSON.parse(before) as (string | null)[])
  const same = login.loggedIn && account === login.accountId && email === login.email
  const until = login.expiresAt === null ? '' : `, token until ${login.expiresAt}`
  const text = same
    ? `refreshed${until}`
    : `${headline(login)}${login.loggedIn ? until : `; log in with: ${loginCommand}`}`
  return printable(`${new Date().toISOString()}  ${text}`)
}
