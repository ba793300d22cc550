/**
 * Which login counts, when several are there (auth.md §5): an enabled environment key, the host's tokens, the environment's
 * access token, the store. What cannot be read is no login; it is never replaced by the next in line.
 */

import { externalLogins } from './external.ts'
import type { Endpoints } from './provider.ts'
import { emptyRecord } from './record.ts'
import type { Transport } from './refresh/request.ts'
import type { StoreReader } from './refresh/store-reader.ts'
import { AuthSnapshot } from './snapshot.ts'
import type { Environment } from './storage/home.ts'
import { whoami } from './whoami.ts'

export interface LoadContext {
  readonly environment: Environment
  readonly externalKey: string
  readonly reader: StoreReader
  readonly transport: Transport
  endpoints(): Endpoints
}

export async function loadLogin(
  context: LoadContext,
  apiKeyFromEnvironment: boolean,
): Promise<AuthSnapshot | undefined> {
  const { environment, externalKey, reader } = context
  const apiKey = apiKeyFromEnvironment ? environment['CODEX_API_KEY']?.trim() : undefined
  if (apiKey) return new AuthSnapshot({ ...emptyRecord, authMode: 'apikey', apiKey }, 'environment')
  const external = externalLogins.get(externalKey)
  if (external !== undefined) return external
  const accessToken = environment['CODEX_ACCESS_TOKEN']?.trim()
  if (accessToken) return fromAccessToken(context, accessToken, 'environment')

  const state = await reader.read().catch(() => undefined)
  if (state?.kind !== 'record') return undefined
  const { personalAccessToken } = state.record
  const snapshot = new AuthSnapshot(state.record, 'store')
  if (snapshot.mode !== 'personalAccessToken' || !personalAccessToken) return snapshot
  return fromAccessToken(context, personalAccessToken, 'store')
}

/** `at-…` is a personal access token and must be known to the server; anything else is an agent's identity. */
async function fromAccessToken(
  { transport, endpoints }: LoadContext,
  token: string,
  origin: 'environment' | 'store',
): Promise<AuthSnapshot | undefined> {
  if (!token.startsWith('at-')) {
    return new AuthSnapshot({ ...emptyRecord, authMode: 'agentIdentity', agentIdentity: token }, origin)
  }
  const url = endpoints().whoami
  const details = url === undefined ? undefined : await whoami(transport, url, token)
  if (details === undefined) return undefined
  const record = { ...emptyRecord, authMode: 'personalAccessToken' as const, personalAccessToken: token }
  return new AuthSnapshot(record, origin, details)
}
