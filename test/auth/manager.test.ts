import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  AuthError,
  AuthManager,
  type AuthManagerOptions,
  type AuthStorage,
  codexProvider,
  fileStorage,
  type KeyringBackend,
  keyringStorage,
  memoryStorage,
  ownerFileLock,
} from '../../lib/auth/index.ts'
import { authNamespace, jwt, managedText, type TemporaryHome, temporaryHome } from './support.ts'

const start = Date.parse('2026-06-01T12:00:00Z')

/** A token endpoint as a function: counts what it is asked and answers what the test says. */
function fakeServer(answer: (token: string, count: number) => Response | Promise<Response>) {
  const sent: string[] = []
  const revoked: string[] = []
  const fetch = (async (url: string, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as { refresh_token: string; token: string }
    if (url.endsWith('/revoke')) {
      revoked.push(body.token)
      return new Response('{}')
    }
    sent.push(body.refresh_token)
    return answer(body.refresh_token, sent.length)
  }) as typeof globalThis.fetch
  return { sent, revoked, fetch }
}

const rotating = () =>
  fakeServer((_token, count) => Response.json({ access_token: `at-${count}`, refresh_token: `rt-${count}` }))
const refusing = (code = 'refresh_token_reused') =>
  fakeServer(() => Response.json({ error: { code } }, { status: 401 }))

function open(options: AuthManagerOptions): Promise<AuthManager> {
  return AuthManager.open({ env: {}, jitterMs: 0, now: () => start, ...options })
}

describe('options', () => {
  it.each([
    [{ forcedLoginMethods: 'api' }, 'forcedLoginMethods', 'Did you mean forcedLoginMethod?'],
    [{ timeoutMs: -1 }, 'timeoutMs', 'cannot use option timeoutMs'],
    [{ storage: 'disk' }, 'storage', 'cannot use option storage'],
    [{ origins: ['http://a.example'] }, 'origins', 'must be an origin'],
    [{ origins: ['https://a.example/path'] }, 'origins', 'must be an origin'],
  ])('refuses %j', (options, option, message) => {
    const make = () => new AuthManager(options as AuthManagerOptions)
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }))
    expect(make).toThrow(message)
  })
})

describe('two managers on one store', () => {
  it('share one request', async () => {
    const server = rotating()
    const storage = memoryStorage(managedText())
    const [a, b] = await Promise.all([open({ storage, fetch: server.fetch }), open({ storage, fetch: server.fetch })])
    await Promise.all([a, b, a, b].map(manager => manager.refreshToken()))
    expect(server.sent).toEqual(['rt-0'])
    expect([a.snapshot()?.token(), b.snapshot()?.token()]).toEqual(['at-1', 'at-1'])
  })

  it('both hear of the poison, once, and neither shows the token', async () => {
    const server = refusing()
    const storage = memoryStorage(managedText())
    const [a, b] = await Promise.all([open({ storage, fetch: server.fetch }), open({ storage, fetch: server.fetch })])
    const heard: string[] = []
    a.on('poisoned', ({ failure }) => heard.push(`a ${failure.reason}`))
    b.on('poisoned', ({ failure }) => heard.push(`b ${failure.reason}`))
    for (let poll = 0; poll < 3; poll++) await a.getAuthStatus({ refreshToken: true })
    expect(heard.sort()).toEqual(['a exhausted', 'b exhausted'])
    expect(await b.getAuthStatus({ includeToken: true })).toMatchObject({ authMethod: 'chatgpt', authToken: null })
    expect(server.sent).toHaveLength(1)
  })

  it('keep a poison that one of them has moved away from', async () => {
    const server = refusing()
    const storage = memoryStorage(managedText())
    const [a, b] = await Promise.all([open({ storage, fetch: server.fetch }), open({ storage, fetch: server.fetch })])
    await a.getAuthStatus({ refreshToken: true })
    await a.loginWithApiKey('sk-1')
    expect(await a.getAuthStatus({ includeToken: true })).toMatchObject({ authToken: 'sk-1' })
    expect(await b.getAuthStatus({ includeToken: true })).toMatchObject({ authMethod: 'chatgpt', authToken: null })
    await b.reload()
    expect(await b.getAuthStatus({ includeToken: true })).toMatchObject({ authToken: 'sk-1' })
  })
})

describe('a store that fails', () => {
  function failing(text: string): { storage: AuthStorage; failWrites: boolean; failReserve: boolean } {
    const inner = memoryStorage(text)
    const state = {
      failWrites: false,
      failReserve: false,
      storage: {
        ...inner,
        async reserve() {
          if (state.failReserve) throw new AuthError('store_write', { operation: 'reserve' })
          return { release: async () => undefined }
        },
        update: change =>
          inner.update(current => {
            const next = change(current)
            if (next !== undefined && state.failWrites) throw new AuthError('store_write', { operation: 'write' })
            return next
          }),
      } as AuthStorage,
    }
    return state
  }

  it('keeps new tokens for every manager of the process until they can be written', async () => {
    const server = rotating()
    const store = failing(managedText())
    const [a, b] = await Promise.all([
      open({ storage: store.storage, fetch: server.fetch }),
      open({ storage: store.storage, fetch: server.fetch }),
    ])
    const heard: string[] = []
    a.on('persistFailed', event => heard.push(event.type)).on('persisted', event => heard.push(event.type))
    store.failWrites = true
    expect(await a.refreshToken()).toEqual({ outcome: 'refreshed', persisted: false })
    expect(await b.refreshToken()).toEqual({ outcome: 'reloaded', persisted: true })
    expect(b.snapshot()?.token()).toBe('at-1')
    expect(await a.flush()).toBe(false)
    store.failWrites = false
    expect(await a.flush()).toBe(true)
    expect(JSON.parse((await store.storage.read())!).tokens.refresh_token).toBe('rt-1')
    expect([heard, server.sent]).toEqual([['persistFailed', 'persisted'], ['rt-0']])
  })

  it('lets no other process spend the old token while the new one waits in memory', async () => {
    const home = temporaryHome()
    home.write(managedText())
    const server = rotating()
    const files = fileStorage({ home: home.path, lock: ownerFileLock })
    let failWrites = true
    const process = (identity: string): AuthStorage => ({
      ...files,
      identity,
      async update(change, reservation) {
        if (failWrites) throw new AuthError('store_write', { operation: 'write' })
        return files.update(change, reservation)
      },
    })
    const [a, b] = await Promise.all(
      ['one', 'two'].map(name =>
        open({ storage: process(`${home.path} ${name}`), fetch: server.fetch, lockTimeoutMs: 50 }),
      ),
    )
    try {
      expect(await a!.refreshToken()).toEqual({ outcome: 'refreshed', persisted: false })
      await expect(b!.refreshToken()).rejects.toMatchObject({ kind: 'transient', reason: 'lock_timeout' })
      // The process that has the tokens goes on with them.
      expect(await a!.refreshToken()).toEqual({ outcome: 'refreshed', persisted: false })
      await expect(b!.refreshToken()).rejects.toMatchObject({ reason: 'lock_timeout' })
      failWrites = false
      expect(await a!.flush()).toBe(true)
      await expect.poll(() => b!.refreshToken().catch(() => undefined)).toMatchObject({ outcome: 'reloaded' })
      expect([b!.snapshot()?.token(), server.sent]).toEqual(['at-2', ['rt-0', 'rt-1']])

      failWrites = true
      await a!.refreshToken()
      await a![Symbol.asyncDispose]()
      expect(readdirSync(home.path).filter(name => name.includes('lock'))).toEqual([])
    } finally {
      home.remove()
    }
  })

  it('gives way when another program stores a login while tokens wait', async () => {
    const server = rotating()
    const store = failing(managedText())
    const manager = await open({ storage: store.storage, fetch: server.fetch })
    store.failWrites = true
    await manager.refreshToken()
    store.failWrites = false
    await store.storage.update(() => managedText({ access: 'theirs', refresh: 'rt-theirs' }))
    expect(await manager.refreshToken()).toMatchObject({ outcome: 'reloaded' })
    expect(manager.snapshot()?.token()).toBe('theirs')
  })

  it('spends nothing when it cannot be written, unless the host said that memory is enough', async () => {
    const server = rotating()
    const store = failing(managedText())
    store.failReserve = true
    store.failWrites = true
    const careful = await open({ storage: store.storage, fetch: server.fetch })
    await expect(careful.refreshToken()).rejects.toMatchObject({ reason: 'store_write' })
    expect(server.sent).toEqual([])
    const relaxed = await open({ storage: store.storage, fetch: server.fetch, onUnwritableStore: 'memory' })
    expect(await relaxed.refreshToken()).toEqual({ outcome: 'refreshed', persisted: false })
  })
})

describe('a login that another program removes', () => {
  it.each([
    [false, 'account_mismatch', 'at-0'],
    [true, 'not_logged_in', undefined],
  ])('with followExternalLogout %s', async (followExternalLogout, reason, token) => {
    const storage = memoryStorage(managedText())
    const manager = await open({ storage, fetch: rotating().fetch, followExternalLogout })
    await storage.delete()
    await expect(manager.refreshToken()).rejects.toMatchObject({ kind: 'permanent', reason })
    expect(manager.snapshot()?.token()).toBe(token)
    expect(manager.refreshFailure()).toBeNull()
  })
})

describe('an answer that is too large', () => {
  const large = ' '.repeat(2 * 1024 * 1024)

  it.each([
    [200, 'transient', 'response_too_large'],
    [401, 'permanent', 'other'],
    [500, 'transient', 'server'],
  ])('with status %i is %s', async (status, kind, reason) => {
    const { fetch } = fakeServer(() => new Response(large, { status }))
    const manager = await open({ storage: memoryStorage(managedText()), fetch })
    await expect(manager.refreshToken()).rejects.toMatchObject({ kind, reason, status: status === 200 ? 200 : status })
  })
})

describe('a token that is about to expire', () => {
  const expiring = (seconds: number) => memoryStorage(managedText({ access: jwt({ exp: start / 1000 + seconds }) }))

  it('is answered at once and renewed behind the caller when the host wants that', async () => {
    const server = rotating()
    const manager = await open({ storage: expiring(60), fetch: server.fetch, proactive: 'background' })
    const first = await manager.auth()
    expect(first?.expiresAt).toBe(start + 60_000)
    await expect.poll(() => manager.snapshot()?.token()).toBe('at-1')
  })

  it('is waited for when it has expired already', async () => {
    const manager = await open({ storage: expiring(-60), fetch: rotating().fetch, proactive: 'background' })
    expect(await manager.accessToken()).toBe('at-1')
  })

  it('is left alone when the host wants that', async () => {
    const server = rotating()
    const manager = await open({ storage: expiring(60), fetch: server.fetch, proactive: 'off' })
    await manager.accessToken()
    expect(server.sent).toEqual([])
  })
})

describe('a bearer command', () => {
  let home: TemporaryHome

  beforeEach(() => {
    home = temporaryHome()
  })
  afterEach(() => home.remove())

  const counting = () => ({
    command: 'sh',
    args: ['-c', `echo x >> "${home.path}/runs"; echo " bearer-$(wc -l < "${home.path}/runs" | tr -d ' ') "`],
  })

  it('is run once per interval, however often the status is asked for', async () => {
    let now = start
    const bearerCommand = { ...counting(), refreshIntervalMs: 1_000 }
    const manager = await open({ storage: memoryStorage(managedText()), bearerCommand, now: () => now })
    for (let poll = 0; poll < 5; poll++) await manager.getAuthStatus({ includeToken: true, refreshToken: true })
    expect(await manager.getAuthStatus({ includeToken: true })).toMatchObject({
      authMethod: 'apikey',
      authToken: 'bearer-1',
    })
    now += 1_500
    expect(await manager.accessToken()).toBe('bearer-2')
  })

  it('is run again after a 401, once', async () => {
    const manager = await open({ storage: memoryStorage(), bearerCommand: counting() })
    await manager.auth()
    const recovery = manager.unauthorizedRecovery()
    expect([recovery.mode, recovery.step, recovery.hasNext]).toEqual(['external', 'external_refresh', true])
    await recovery.next()
    expect(await manager.accessToken()).toBe('bearer-2')
    expect(recovery.unavailableReason).toBe('recovery_exhausted')
  })

  it.each([
    ['fails', ['-c', 'echo SECRET; echo SECRET >&2; exit 1']],
    ['prints nothing', ['-c', 'echo " "']],
    ['does not end', ['-c', 'echo SECRET; sleep 60']],
  ])('is no login when it %s', async (_title, args) => {
    const bearerCommand = { command: 'sh', args, timeoutMs: 200 }
    const manager = await open({ storage: memoryStorage(), bearerCommand })
    const warnings: string[] = []
    manager.on('warning', ({ code }) => warnings.push(code))
    const error = await manager.accessToken().catch((thrown: unknown) => thrown)
    const refresh = await manager.refreshToken().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'not_logged_in' })
    expect(refresh).toMatchObject({ reason: 'external' })
    expect(inspect([error, refresh], { depth: Infinity })).not.toContain('SECRET')
    expect(warnings).toEqual(['bearer-command-failed'])
  })
})

describe('a keyring', () => {
  const backend = (changes: Partial<KeyringBackend>): KeyringBackend => ({
    get: async () => undefined,
    set: async () => undefined,
    delete: async () => false,
    ...changes,
  })
  const store = (changes: Partial<KeyringBackend>) =>
    keyringStorage({ backend: backend(changes), account: 'a', file: memoryStorage('leftover'), timeoutMs: 50 })

  it('that hangs is given up on', async () => {
    const hanging = store({ get: () => new Promise(() => undefined) })
    await expect(hanging.read()).rejects.toMatchObject({ reason: 'store_read' })
  })

  it('that forgets what it saved is found out', async () => {
    await expect(store({}).update(() => '{}')).rejects.toMatchObject({ reason: 'store_write' })
  })

  it('that cannot delete says so, and the file is gone all the same', async () => {
    const file = memoryStorage('leftover')
    const broken = backend({ delete: async () => Promise.reject(new Error('SECRET')) })
    const error = await keyringStorage({ backend: broken, account: 'a', file })
      .delete()
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'store_write', operation: 'delete' })
    expect(inspect(error)).not.toContain('SECRET')
    expect(await file.read()).toBeUndefined()
  })
})

describe('secrets', () => {
  const markers = [
    'SECRET-ID',
    'SECRET-ACCESS',
    'SECRET-REFRESH',
    'SECRET-NEW',
    'SECRET-BODY',
    'SECRET-KEY',
    'SECRET-HOST',
  ]
  const channels = ['change', 'refreshed', 'poisoned', 'persistFailed', 'persisted', 'detached', 'warning']

  it('appear in nothing that leaves, whatever fails', async () => {
    const out: unknown[] = []
    const collect = (message: unknown) => out.push(message)
    for (const name of channels) subscribe(`castellan:auth:${name}`, collect)
    const text = managedText({ access: 'SECRET-ACCESS', refresh: 'SECRET-REFRESH' })
    const bodies = [
      Response.json({ access_token: 'SECRET-NEW', refresh_token: 'SECRET-NEW', id_token: 'SECRET-ID' }),
      new Response('{"access_token": "SECRET-BODY', { status: 200 }),
      new Response('SECRET-BODY', { status: 500 }),
      Response.json({ error: { code: 'SECRET-BODY', message: 'SECRET-BODY' } }, { status: 400 }),
      Response.json({ error: 'invalid_grant', error_description: 'SECRET-BODY' }, { status: 400 }),
    ]
    for (const body of bodies) {
      const storage = memoryStorage(text)
      const externalAuth = { refresh: async () => Promise.reject(new Error('SECRET-HOST')) }
      const { fetch } = fakeServer(() => body)
      const manager = await open({ storage, fetch, externalAuth })
      out.push(await manager.refreshToken().catch((error: unknown) => error))
      out.push(
        await manager.accessToken().then(
          () => undefined,
          (error: unknown) => error,
        ),
      )
      out.push(manager, manager.snapshot(), manager.refreshFailure(), manager.unauthorizedRecovery())
      out.push(
        await manager.loginWithExternalTokens({ accessToken: 'SECRET-HOST', chatgptAccountId: 'a' }).catch(e => e),
      )
      await manager.loginWithExternalTokens({ accessToken: jwt({ [authNamespace]: {} }), chatgptAccountId: 'a' })
      out.push(await manager.refreshToken().catch((error: unknown) => error))
      await manager.logout()
      await manager.loginWithApiKey('SECRET-KEY')
      out.push(manager, manager.snapshot())
    }
    for (const name of channels) unsubscribe(`castellan:auth:${name}`, collect)
    const texts = out.flatMap(one => [
      inspect(one, { depth: Infinity, showHidden: true, getters: true }),
      JSON.stringify(one) ?? '',
      String(one),
      one instanceof Error ? (one.stack ?? '') : '',
    ])
    expect(out.length).toBeGreaterThan(40)
    expect(markers.filter(marker => texts.some(text => text.includes(marker)))).toEqual([])
  })

  it.each(['SECRET\nX: y', 'SECRET\u00e9', 'SECRET x'])(
    'are not quoted by an HTTP client that cannot send %j',
    async access => {
      const manager = await open({ storage: memoryStorage(managedText({ access })), origins: ['http://127.0.0.1:9'] })
      const errors = [
        await manager.fetch('http://127.0.0.1:9').catch((error: unknown) => error),
        await manager.accessToken().catch((error: unknown) => error),
      ]
      expect(errors).toEqual([1, 2].map(() => expect.objectContaining({ kind: 'config', reason: 'unusable_token' })))
      expect(inspect(errors, { depth: Infinity, showHidden: true })).not.toContain('SECRET')
    },
  )

  it('are gone from a snapshot that was cloned', async () => {
    const manager = await open({ storage: memoryStorage(managedText({ access: 'SECRET-ACCESS' })) })
    expect(inspect(structuredClone(manager.snapshot()))).not.toContain('SECRET')
    expect(manager.snapshot()?.token()).toBe('SECRET-ACCESS')
  })
})

describe('a token from the environment', () => {
  const whoami = (status: number) =>
    (async () =>
      Response.json(
        { email: 'p@example.test', chatgpt_account_id: 'acct_p', chatgpt_plan_type: 'pro' },
        { status },
      )) as typeof fetch

  it.each([
    ['a personal access token that the server knows', 'at-1', 200, 'personalAccessToken', 'at-1'],
    ['a personal access token that it does not know', 'at-1', 401, undefined, undefined],
    ['the identity of an agent, which signs instead', 'e.e30.s', 200, 'agentIdentity', undefined],
  ])('%s', async (_title, token, status, mode, bearer) => {
    const storage = memoryStorage(managedText())
    const manager = await open({ storage, env: { CODEX_ACCESS_TOKEN: token }, fetch: whoami(status) })
    expect(manager.snapshot()?.mode).toBe(mode)
    expect(await manager.accessToken().catch((error: AuthError) => error.reason)).toBe(bearer ?? 'not_logged_in')
    expect(await manager.getAuthStatus({ includeToken: true })).toMatchObject({
      authMethod: mode ?? null,
      authToken: null,
    })
  })

  it('may also be stored, and never comes out of a status call', async () => {
    const storage = memoryStorage('{"personal_access_token":"at-1"}')
    const manager = await open({ storage, fetch: whoami(200) })
    expect(await manager.readAccount()).toMatchObject({
      account: { type: 'chatgpt', email: 'p@example.test', planType: 'pro' },
    })
    expect(await manager.getAuthStatus({ includeToken: true })).toMatchObject({
      authMethod: 'personalAccessToken',
      authToken: null,
    })
  })
})

describe('the keyring with the file behind it', () => {
  it('keeps a login that the keyring will not take in the file, and says so', async () => {
    const home = temporaryHome()
    home.write(managedText())
    const refuse = () => Promise.reject(new Error('too large'))
    const keyring: KeyringBackend = { get: async () => undefined, set: refuse, delete: async () => false }
    const warnings: string[] = []
    const manager = await open({ home: home.path, storage: 'auto', keyring, fetch: rotating().fetch })
    manager.on('warning', ({ code }) => warnings.push(code))
    expect(await manager.refreshToken()).toEqual({ outcome: 'refreshed', persisted: true })
    expect(JSON.parse(home.read()!).tokens.refresh_token).toBe('rt-1')
    expect(warnings).toContain('keyring-fallback')
    home.remove()
  })

  it('never writes to the file what an older text in the keyring would hide', async () => {
    const home = temporaryHome()
    const refuse = () => Promise.reject(new Error('locked'))
    const keyring: KeyringBackend = { get: async () => managedText(), set: refuse, delete: async () => false }
    const manager = await open({ home: home.path, storage: 'auto', keyring, fetch: rotating().fetch })
    expect(await manager.refreshToken()).toEqual({ outcome: 'refreshed', persisted: false })
    expect([home.read(), manager.snapshot()?.token()]).toEqual([undefined, 'at-1'])
    home.remove()
  })
})

describe('origins', () => {
  it('of another issuer are none, unless the host names them', () => {
    expect(codexProvider().origins).toEqual(['https://chatgpt.com', 'https://api.openai.com'])
    expect(codexProvider({ issuer: 'https://login.example.com' }).origins).toEqual([])
  })
})

describe('restrictions', () => {
  it('only stop using a login when the host wants that', async () => {
    const storage = memoryStorage(managedText())
    const manager = await open({ storage, forcedLoginMethod: 'api', onViolation: 'ignore' })
    await expect(manager.enforce()).rejects.toMatchObject({ reason: 'restricted_login_method' })
    expect(manager.snapshot()).toBeNull()
    expect(await storage.read()).toBeDefined()
  })

  it.each([
    [['acct_1'], undefined],
    [['acct_2'], 'restricted_workspace'],
    [[], 'restricted_workspace'],
  ])('allow the workspaces %j only', async (forcedWorkspaceIds, reason) => {
    const storage = memoryStorage(managedText())
    const manager = await open({ storage, forcedWorkspaceIds })
    expect(await manager.enforce().catch((error: AuthError) => error.reason)).toBe(reason)
    expect((await storage.read()) === undefined).toBe(reason !== undefined)
  })
})
