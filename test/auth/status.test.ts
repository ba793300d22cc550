/**
 * Every cell of the table of `getAuthStatus` (auth.md §15.1), asked of a manager over a real `auth.json`: the answer, and
 * how many requests it took.
 */
import { afterEach, describe, expect, it } from 'vitest'

import { AuthManager, codexProvider } from '../../lib/auth/index.ts'
import { emptyRecord } from '../../lib/auth/record.ts'
import { AuthSnapshot } from '../../lib/auth/snapshot.ts'
import { authStatus } from '../../lib/auth/status.ts'
import { jwt, managedText, type TemporaryHome, temporaryHome } from './support.ts'

const homes: TemporaryHome[] = []
afterEach(() => {
  for (const home of homes.splice(0)) home.remove()
})

type Answer = 'permanent' | 'transient'

async function managerOf(text: string | undefined, answer: Answer, options: { requiresOpenaiAuth?: boolean } = {}) {
  const home = temporaryHome()
  homes.push(home)
  if (text !== undefined) home.write(text)
  const requests: string[] = []
  const fetch = async (url: unknown): Promise<Response> => {
    requests.push(String(url))
    if (answer === 'transient') return Response.json({}, { status: 500 })
    return Response.json({ error: 'invalid_grant' }, { status: 400 })
  }
  const now = () => Date.parse('2026-05-31T12:30:00Z')
  const manager = await AuthManager.open({ home: home.path, env: {}, fetch, now, jitterMs: 0, ...options })
  return { manager, requests, home }
}

const textOf = (change: object): string => JSON.stringify({ ...JSON.parse(managedText()), ...change })
const apiKey = (key: string): string => JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: key })
const hostTokens = textOf({ auth_mode: 'chatgptAuthTokens' })
const withoutBearer = managedText({ access: '' })
const withoutTokens = textOf({ tokens: null })
const withoutInstant = textOf({ last_refresh: null })

/** `shown` is the token where it is asked for; a string in place of null where the method is shown. */
const cells: [name: string, text: string | undefined, method: string | null, shown: string | null][] = [
  ['no login', undefined, null, null],
  ['an API key', apiKey('sk-1'), 'apikey', 'sk-1'],
  ['an empty API key', apiKey(''), null, null],
  ['managed tokens', managedText(), 'chatgpt', 'at-0'],
  ['tokens of the host', hostTokens, 'chatgptAuthTokens', 'at-0'],
  ['an empty bearer', withoutBearer, null, null],
  ['no tokens', withoutTokens, null, null],
  ['no instant of the last refresh', withoutInstant, null, null],
]

describe('getAuthStatus, not poisoned', () => {
  it.each(cells)('%s', async (_, text, authMethod, shown) => {
    const { manager, requests } = await managerOf(text, 'transient')
    for (const includeToken of [undefined, null, false, true]) {
      const authToken = includeToken === true ? shown : null
      const request = includeToken === undefined ? {} : { includeToken }
      expect(await manager.getAuthStatus(request)).toStrictEqual({ authMethod, authToken, requiresOpenaiAuth: true })
    }
    expect(requests).toEqual([])
  })

  it.each(['personalAccessToken', 'agentIdentity'] as const)('%s shows its method and never itself', authMode => {
    const record = { ...emptyRecord, authMode, personalAccessToken: 'at-pat-1' }
    for (const includeToken of [false, true]) {
      const status = authStatus(new AuthSnapshot(record, 'environment'), includeToken, false)
      expect(status).toStrictEqual({ authMethod: authMode, authToken: null, requiresOpenaiAuth: true })
    }
  })
})

describe('getAuthStatus, refused for good', () => {
  const poisoned: [name: string, text: string, withToken: string | null, withoutToken: string | null][] = [
    ['managed tokens', managedText(), 'chatgpt', 'chatgpt'],
    ['an empty bearer', withoutBearer, 'chatgpt', null],
    ['no instant of the last refresh', withoutInstant, 'chatgpt', null],
  ]
  it.each(poisoned)(
    '%s: one request, then none; the method stays and the token goes',
    async (_, text, asked, plain) => {
      const { manager, requests } = await managerOf(text, 'permanent')
      for (const refreshToken of [true, true, false, null]) {
        const status = await manager.getAuthStatus({ includeToken: true, refreshToken })
        expect(status).toStrictEqual({ authMethod: asked, authToken: null, requiresOpenaiAuth: true })
        const without = await manager.getAuthStatus({ refreshToken })
        expect(without).toStrictEqual({ authMethod: plain, authToken: null, requiresOpenaiAuth: true })
      }
      expect(requests).toHaveLength(1)
    },
  )
})

describe('getAuthStatus that refreshes', () => {
  it('shows the old token after a failure that may pass, with a request for each call', async () => {
    const { manager, requests } = await managerOf(managedText(), 'transient')
    for (let call = 1; call <= 2; call++) {
      expect(await manager.getAuthStatus({ includeToken: true, refreshToken: true })).toMatchObject({
        authToken: 'at-0',
      })
      expect(requests).toHaveLength(call)
    }
  })

  const elsewhere: [name: string, change: (home: TemporaryHome) => void][] = [
    ['another account', home => home.write(managedText({ account: 'acct_2', access: 'at-2' }))],
    ['nothing', home => home.remove()],
    ['no JSON', home => home.write('{')],
  ]
  it.each(elsewhere)('shows the old token when the store holds %s, without a request', async (_, change) => {
    const { manager, requests, home } = await managerOf(managedText(), 'permanent')
    change(home)
    expect(await manager.getAuthStatus({ includeToken: true, refreshToken: true })).toMatchObject({ authToken: 'at-0' })
    expect([requests, manager.refreshFailure()]).toEqual([[], null])
  })

  it('sends the request also for a provider that needs no login', async () => {
    const { manager, requests } = await managerOf(managedText(), 'permanent', { requiresOpenaiAuth: false })
    const nothing = { authMethod: null, authToken: null, requiresOpenaiAuth: false }
    expect(await manager.getAuthStatus({ includeToken: true, refreshToken: true })).toStrictEqual(nothing)
    expect(requests).toHaveLength(1)
  })

  it('asks nobody for an API key', async () => {
    const { manager, requests } = await managerOf(apiKey('sk-1'), 'permanent')
    expect(await manager.getAuthStatus({ includeToken: true, refreshToken: true })).toMatchObject({ authToken: 'sk-1' })
    expect(requests).toEqual([])
  })
})

describe('readAccount', () => {
  it('names the account, and instead of a refused one the reason', async () => {
    const { manager, requests } = await managerOf(managedText(), 'permanent')
    const account = { type: 'chatgpt', email: 'user@example.test', planType: 'pro' }
    expect(await manager.readAccount()).toStrictEqual({ account, requiresOpenaiAuth: true })
    const refused = { account: null, refreshFailure: 'other', requiresOpenaiAuth: true }
    expect(await manager.readAccount({ refreshToken: true })).toStrictEqual(refused)
    expect(await manager.readAccount()).toStrictEqual(refused)
    expect(requests).toHaveLength(1)
  })

  it('names no account for none and for a key, and fails for tokens that tell no address', async () => {
    expect(await (await managerOf(undefined, 'permanent')).manager.readAccount()).toMatchObject({ account: null })
    const key = await managerOf(apiKey('sk-1'), 'permanent')
    expect(await key.manager.readAccount()).toMatchObject({ account: { type: 'apiKey' } })
    const tokens = { ...JSON.parse(managedText()).tokens, id_token: jwt({}) }
    const nameless = await managerOf(textOf({ tokens }), 'permanent')
    await expect(nameless.manager.readAccount()).rejects.toMatchObject({ reason: 'missing_account_details' })
  })
})

describe('refreshToken', () => {
  it.each([
    [{}, 'forced'],
    [{ reason: 'scheduled' as const }, 'scheduled'],
  ])('%j tells the provider the reason %s, where it wants to know', async (options, expected) => {
    const bodies: unknown[] = []
    const home = temporaryHome()
    homes.push(home)
    home.write(managedText())
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      bodies.push(JSON.parse(String(init?.body)))
      return Response.json({}, { status: 500 })
    }
    const provider = { ...codexProvider(), sendRefreshReason: true }
    const manager = await AuthManager.open({ home: home.path, env: {}, fetch, provider })
    await expect(manager.refreshToken(options)).rejects.toMatchObject({ kind: 'transient' })
    expect(bodies).toMatchObject([{ refresh_reason: expected }])
  })
})
