/**
 * `castellan auth logout`: removes the stored login here, then asks the server to forget its token.
 */
import type { LogoutResult } from '../auth/index.ts'
import type { AuthAction } from './auth-context.ts'
import { describe, headline } from './auth-status.ts'
import { painter, printable, say } from './terminal.ts'

/** 0, also when nobody was logged in: afterwards nothing is stored. */
export const logout: AuthAction = async context => {
  const { manager, json } = context
  const mode = manager.snapshot()?.mode
  const result = await manager.logout()
  const left = describe(context)
  if (json) say('stdout', JSON.stringify({ ...result, loggedIn: left.loggedIn }))
  else {
    say('stdout', printable(story(result, mode)))
    if (left.loggedIn) {
      const text = `still ${headline(left)}, from the environment of this shell`
      say('stderr', `${painter('stderr')('yellow', 'castellan:')} ${printable(text)}`)
    }
  }
  return 0
}

function story({ removed, revoked }: LogoutResult, mode: string | undefined): string {
  if (!removed) return 'nobody was logged in'
  if (revoked) return 'logged out; the server has forgotten the login'
  return mode === 'chatgpt' ? 'logged out here; the server did not confirm that it forgot the login' : 'logged out'
}
