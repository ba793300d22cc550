/**
 * Logins that an administrator allows (auth.md §19). Pure.
 */
import { AuthSnapshot } from './snapshot.ts'

export type LoginMethod = 'api' | 'chatgpt'

export interface Restrictions {
  readonly forcedLoginMethod?: LoginMethod
  /** Any of them is allowed. An empty list allows none. */
  readonly forcedWorkspaceIds?: readonly string[]
}

export type Violation = 'restricted_login_method' | 'restricted_workspace'

/** Which rule the login breaks, or nothing. Keys and personal access tokens belong to no workspace. */
export function violationOf(snapshot: AuthSnapshot, restrictions: Restrictions): Violation | undefined {
  const { forcedLoginMethod, forcedWorkspaceIds } = restrictions
  const method: LoginMethod = snapshot.mode === 'apikey' ? 'api' : 'chatgpt'
  if (forcedLoginMethod !== undefined && method !== forcedLoginMethod) return 'restricted_login_method'
  if (forcedWorkspaceIds === undefined || method === 'api' || snapshot.mode === 'personalAccessToken') return undefined
  // The claim, not the stored id: the file is the user's to edit, the token is the server's.
  const workspace = AuthSnapshot.recordOf(snapshot).tokens?.claims.accountId
  return workspace !== undefined && forcedWorkspaceIds.includes(workspace) ? undefined : 'restricted_workspace'
}
