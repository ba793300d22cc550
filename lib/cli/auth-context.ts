/**
 * What every `castellan auth` action is given.
 */
import type { AuthManager, AuthStorage } from '../auth/index.ts'
import type { CommandLine } from './command-line.ts'
import type { Ending } from './ending.ts'

export interface AuthContext {
  /** Over `storage`; the stored login has been loaded. */
  readonly manager: AuthManager
  readonly storage: AuthStorage
  /** The directory that holds the login. */
  readonly home: string
  readonly json: boolean
  /** What a user types to log in to the same place. */
  readonly loginCommand: string
}

export type AuthAction = (context: AuthContext, line: CommandLine) => Promise<Ending>

export const authExitCodes = { loggedIn: 0, notLoggedIn: 1, usage: 2 } as const
