import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  AuthManager,
  type AuthManagerOptions,
  type AuthStorage,
  type BrowserLogin,
  codexProvider,
  memoryStorage,
} from '../../lib/auth/index.ts'
import { createPkce } from '../../lib/auth/login/pkce.ts'
import { idToken, managedText } from './support.ts'

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
}

interface Asked {
  readonly method?: string
  readonly host?: string
}

function ask(port: number, path: string, { method = 'GET', host }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host }
    const asking = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, response => {
      let body = ''
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    asking.on('error', reject).end()
  })
}

const tokens = { id_token: idToken('acct_new'), access_token: 'SECRET-ACCESS', refresh_token: 'SECRET-REFRESH' }

describe('a browser login', () => {
  let storage: AuthStorage
  let login: BrowserLogin | undefined
  let exchanges: URLSearchParams[]
  let revocations: string[]
  let answer: () => Response

  beforeEach(() => {
    revocations = []
    storage = memoryStorage()
    exchanges = []
    answer = () => Response.json(tokens)
  })
  afterEach(() => login?.cancel())

  async function start(options: AuthManagerOptions = {}, timeoutMs = 60_000) {
    const fetch = (async (url: string, init: RequestInit) => {
      if (url.endsWith('/revoke')) {
        revocations.push(String(init.body))
        return new Response('{}')
      }
      exchanges.push(new URLSearchParams(String(init.body)))
      return answer()
    }) as typeof globalThis.fetch
    const provider = codexProvider({ issuer: 'https://issuer.example', exchangeApiKey: false })
    const manager = await AuthManager.open({ storage, env: {}, fetch, provider, ...options })
    login = await manager.startBrowserLogin({ ports: [0], timeoutMs })
    const url = new URL(login.authUrl)
    return { manager, login, query: url.searchParams, url }
  }

  const callback = (state: string | null, more = 'code=the-code') => `/auth/callback?state=${state}&${more}`

  it('stores the login of the good callback, and of no other', async () => {
    const { manager, login, query, url } = await start()
    expect(url.origin + url.pathname).toBe('https://issuer.example/oauth/authorize')
    expect((await ask(login.port, callback('wrong'))).status).toBe(400)
    expect((await ask(login.port, '/auth/callback?code=the-code')).status).toBe(400)
    const good = await ask(login.port, callback(query.get('state')))
    expect([good.status, good.headers['location']]).toEqual([302, '/success'])
    expect(await login.result).toEqual({ success: true })
    expect((await ask(login.port, '/success')).body).toContain('You are logged in')
    expect((await ask(login.port, callback(query.get('state')))).status).toBe(400)
    expect(manager.snapshot()).toMatchObject({ mode: 'chatgpt', accountId: 'acct_new' })
    expect(JSON.parse((await storage.read())!).tokens.refresh_token).toBe('SECRET-REFRESH')
  })

  it('proves with its verifier that it is the one who asked', async () => {
    const { login, query } = await start()
    await ask(login.port, callback(query.get('state')))
    const [sent] = exchanges
    expect(Object.fromEntries(sent!)).toMatchObject({
      grant_type: 'authorization_code',
      code: 'the-code',
      redirect_uri: `http://127.0.0.1:${login.port}/auth/callback`,
    })
    expect(query.get('redirect_uri')).toBe(sent!.get('redirect_uri'))
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(sent!.get('code_verifier')!))
    expect(Buffer.from(digest).toString('base64url')).toBe(query.get('code_challenge'))
  })

  it.each([
    ['another host name, as in DNS rebinding', '/cancel', { host: 'a.example' }, 421],
    ['another port in the host', '/cancel', { host: '127.0.0.1:1' }, 421],
    ['a POST', '/cancel', { method: 'POST' }, 405],
    ['an unknown path', '/', {}, 404],
    ['the last page before the end', '/success', {}, 404],
    ['the page of a failure before the end', '/failure', {}, 404],
  ])('is not touched by %s', async (_title, path, asked, status) => {
    const { login, query } = await start()
    expect((await ask(login.port, path, asked)).status).toBe(status)
    expect((await ask(login.port, callback(query.get('state')))).status).toBe(302)
  })

  it.each([
    [
      'the provider refuses',
      'error=access_denied&error_description=SECRET-TEXT',
      Response.json(tokens),
      'provider_error',
    ],
    ['the provider refuses and sends a code', 'error=x&code=c', Response.json(tokens), 'provider_error'],
    ['no code comes', 'x=1', Response.json(tokens), 'missing_code'],
    ['the exchange is refused', 'code=c', new Response('SECRET-TEXT', { status: 400 }), 'exchange_failed'],
    ['a token is missing', 'code=c', Response.json({ ...tokens, refresh_token: undefined }), 'exchange_failed'],
    ['the id_token cannot be read', 'code=c', Response.json({ ...tokens, id_token: 'x' }), 'exchange_failed'],
  ])(
    'ends when %s, with a page that quotes nothing and the old login in place',
    async (_title, parameters, response, reason) => {
      storage = memoryStorage(managedText())
      answer = () => response
      const { login, query } = await start()
      const end = await ask(login.port, callback(query.get('state'), parameters))
      expect(await login.result).toEqual({ success: false, reason })
      // Away from an address that holds a code.
      const moved = [302, '/failure'] as const
      expect([end.status, end.headers['location']]).toEqual(parameters.includes('code=') ? moved : [200, undefined])
      const page = end.status === 302 ? await ask(login.port, '/failure') : end
      expect(page.status).toBe(200)
      expect(page.body).toMatch(/<h1>Login failed/)
      expect(page.body).not.toContain('SECRET')
      expect(await storage.read()).toBe(managedText())
    },
  )

  it('refuses the account of a workspace that is not allowed', async () => {
    const { login, query } = await start({ forcedWorkspaceIds: ['acct_a', 'acct_b'] })
    expect(query.get('allowed_workspace_id')).toBe('acct_a,acct_b')
    await ask(login.port, callback(query.get('state')))
    expect(await login.result).toEqual({ success: false, reason: 'workspace_not_allowed' })
    expect(await storage.read()).toBeUndefined()
  })

  it('sends pages without scripts that load nothing and are kept by nobody', async () => {
    const { login } = await start()
    const { headers, body } = await ask(login.port, '/nope')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    expect(body).toMatch(/<html lang="en">[\s\S]*<title>[\s\S]*<h1/)
    expect(body).not.toMatch(/<script|http/)
  })

  it.each([
    ['an API key', (manager: AuthManager) => manager.loginWithApiKey('sk-1')],
    ['another login', (manager: AuthManager) => manager.startBrowserLogin({ ports: [0] }).then(next => next.cancel())],
    ['a logout', (manager: AuthManager) => manager.logout()],
  ])('is cancelled by %s', async (_title, act) => {
    const { manager, login } = await start()
    await act(manager)
    expect(await login.result).toEqual({ success: false, reason: 'cancelled' })
    expect(login.cancel()).toBe('notFound')
  })

  it('lets the server forget tokens that come after it was cancelled', async () => {
    const { login, query } = await start()
    answer = () => {
      login.cancel()
      return Response.json(tokens)
    }
    await ask(login.port, callback(query.get('state')))
    await expect.poll(() => JSON.parse(revocations[0] ?? '{}')).toMatchObject({ token: 'SECRET-REFRESH' })
    expect(await storage.read()).toBeUndefined()
  })

  it('ends when its time is over, and lets go of the port when it is cancelled', async () => {
    const short = await start({}, 20)
    expect(await short.login.result).toEqual({ success: false, reason: 'login_timeout' })
    const { login } = await start()
    login.cancel()
    await expect
      .poll(() =>
        ask(login.port, '/nope').then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed')
  })

  it('takes the next port when the first belongs to another program', async () => {
    const other = createServer((_request, response) => response.end())
    await new Promise<void>(done => other.listen(0, '127.0.0.1', done))
    const taken = (other.address() as AddressInfo).port
    const manager = await AuthManager.open({ storage, env: {} })
    login = await manager.startBrowserLogin({ ports: [taken, 0] })
    expect(login.port).not.toBe(taken)
    await new Promise(done => other.close(done))
  })

  it.each([[{ forcedLoginMethod: 'api' }, 'login_disabled']] as const)(
    'is refused with %j',
    async (options, reason) => {
      await expect(start(options)).rejects.toMatchObject({ code: 'ERR_AUTH_LOGIN', reason })
    },
  )
})

describe('a device login', () => {
  function provider(answers: Record<string, () => Response>) {
    const asked: string[] = []
    const fetch = (async (url: string) => {
      const { pathname } = new URL(url)
      asked.push(pathname)
      return answers[pathname]?.() ?? new Response('', { status: 404 })
    }) as typeof globalThis.fetch
    return { asked, fetch }
  }
  const usercode = (code: object) => ({ '/api/accounts/deviceauth/usercode': () => Response.json(code) })

  it('is told apart from a provider that has none', async () => {
    const manager = await AuthManager.open({ storage: memoryStorage(), env: {}, fetch: provider({}).fetch })
    await expect(manager.startDeviceLogin()).rejects.toMatchObject({ reason: 'device_unsupported' })
  })

  it('stops asking when it is cancelled', async () => {
    const { asked, fetch } = provider(usercode({ device_auth_id: 'd', usercode: 'CODE', interval: 1 }))
    const manager = await AuthManager.open({ storage: memoryStorage(), env: {}, fetch })
    const controller = new AbortController()
    const login = await manager.startDeviceLogin({ signal: controller.signal })
    expect(login.userCode).toBe('CODE')
    controller.abort()
    expect(await login.result).toEqual({ success: false, reason: 'cancelled' })
    const before = asked.length
    await new Promise(resolve => setTimeout(resolve, 1_200))
    expect(asked.length).toBe(before)
  })

  it('ends when the user refuses', async () => {
    const { fetch } = provider({
      ...usercode({ device_auth_id: 'd', user_code: 'CODE', interval: '1' }),
      '/api/accounts/deviceauth/token': () => new Response('SECRET', { status: 410 }),
    })
    const manager = await AuthManager.open({ storage: memoryStorage(), env: {}, fetch })
    const login = await manager.startDeviceLogin()
    expect(await login.result).toEqual({ success: false, reason: 'device_refused' })
  })
})

describe('PKCE', () => {
  it('has a verifier of 86 characters that is never the same', () => {
    const [one, other] = [createPkce(), createPkce()]
    expect(one.verifier).toMatch(/^[A-Za-z0-9_-]{86}$/)
    expect(one.verifier).not.toBe(other.verifier)
  })
})
