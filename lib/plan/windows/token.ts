/** The token that the command runs with (spec/windows E, K.4), and what the helper checks it against before anything runs. */
import type { CapabilityRole } from './capabilities.ts'
import type { WindowsBackend } from './gate.ts'

/** DISABLE_MAX_PRIVILEGE 0x1, LUA_TOKEN 0x4, WRITE_RESTRICTED 0x8. */
export const restrictedTokenFlags = 0xd

/** Well-known identifiers that the helper looks up: the logon session's, the account's, `S-1-1-0`. */
export type TokenPrincipal = CapabilityRole | 'logon' | 'account' | 'everyone'

export interface TokenPlan {
  readonly flags: number
  /** In this order. Writing needs a grant to one of them, besides the usual one. */
  readonly restricting: readonly TokenPrincipal[]
  /** GENERIC_ALL for each, so that a command can open the pipes and threads that it made itself. */
  readonly defaultDacl: readonly TokenPrincipal[]
  /** Label of the token. `low` writes nowhere but in places that are labelled low. */
  readonly integrity: 'low' | 'medium'
  /** Enabled; all others are gone. */
  readonly privileges: readonly string[]
}

export interface TokenQuestion {
  readonly capabilities: readonly CapabilityRole[]
  readonly backend: WindowsBackend
  readonly writes: boolean
  /** Lets programs start that need it (PowerShell's runtime); everything that everyone may write is then open. */
  readonly everyone: boolean
}

export function makeTokenPlan({ capabilities, backend, writes, everyone }: TokenQuestion): TokenPlan {
  // The user's own identifier satisfies nearly every list. Of an account that nobody else has it may be there.
  const account: readonly TokenPrincipal[] = backend === 'elevated' ? ['account'] : []
  const world: readonly TokenPrincipal[] = everyone ? ['everyone'] : []
  return {
    flags: restrictedTokenFlags,
    restricting: [...capabilities, ...account, 'logon', ...world],
    defaultDacl: ['logon', ...world, ...capabilities],
    integrity: backend === 'unelevated' && !writes ? 'low' : 'medium',
    privileges: ['SeChangeNotifyPrivilege'],
  }
}
