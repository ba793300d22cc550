/**
 * Against software that is not ours: `oidc-provider` as the server, Chromium as the user's browser, on loopback.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthManager, type AuthManagerOptions, type BrowserLogin } from '../../lib/auth/index.ts'
import { pageHeaders, pages, renderPage } from '../../lib/auth/login/pages.ts'
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts'
import { type Chromium, missingForChromium, startChromium } from './chromium.ts'
import { type CompiledAuth, compileAuth } from './compiled.ts'
import { type TemporaryHome, temporaryHome } from './support.ts'

let chromium: Chromium
let missing: string | undefined

beforeAll(async () => {
  missing = await missingForChromium()
  if (missing === undefined) chromium = await startChromium()
})
afterAll(() => chromium?.close())

describe('a login at a server that is not ours', () => {
  let compiled: CompiledAuth
  let server: AuthorizationServer
  let home: TemporaryHome
  let page: Page
  const homes: TemporaryHome[] = []
  const workers: ChildProcess[] = []
  const logins: BrowserLogin[] = []

  beforeAll(async () => {
    compiled = compileAuth()
    if (missing !== undefined) return
    // It warns of everything that makes it good for tests only.
    const warnings = vi.spyOn(console, 'warn').mockReturnValue()
    const started = await startAuthorizationServer().finally(() => warnings.mockRestore())
    if (started === undefined) missing = 'needs oidc-provider, found none'
    else server = started
  })
  afterAll(async () => {
    await server?.stop()
    compiled.remove()
  })

  beforeEach(async context => {
    if (missing !== undefined) return context.skip(missing)
    Object.assign(server.counts, { codes: 0, refreshes: 0, refused: 0, revoked: 0 })
    home = newHome()
    page = await chromium.context.newPage()
  })
  afterEach(async () => {
    for (const login of logins.splice(0)) login.cancel()
    await page?.close()
    await Promise.all(workers.splice(0).map(stop))
    for (const one of homes.splice(0)) one.remove()
  })

  function newHome(text?: string): TemporaryHome {
    const one = temporaryHome()
    if (text !== undefined) one.write(text)
    homes.push(one)
    return one
  }

  const open = ({ path } = home, options: AuthManagerOptions = {}) =>
    AuthManager.open({ home: path, env: {}, provider: server.provider, jitterMs: 0, proactive: 'off', ...options })

  /** Logs a user in as a person would; `decide` presses the last button. */
  async function logIn(manager: AuthManager, decide = 'button:has-text("Continue")', user = 'ada') {
    const login = await manager.startBrowserLogin({ ports: [0] })
    logins.push(login)
    await chromium.context.clearCookies()
    await page.goto(login.authUrl)
    await page.fill('input[name=login]', user)
    await page.fill('input[name=password]', 'any')
    await page.click('button[type=submit]')
    await page.click(decide)
    await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/(success|failure|auth\/callback\?error=.*)$/)
    return { login, result: await login.result }
  }

  interface Tokens {
    readonly id_token: string
    readonly access_token: string
    readonly refresh_token: string
  }
  const storedTokens = ({ authFile } = home) => {
    const text = homes.find(one => one.authFile === authFile)!.read()!
    return (JSON.parse(text) as { tokens: Tokens }).tokens
  }

  it('is completed in a browser with PKCE, and leaves nothing secret in it', async () => {
    const addresses: string[] = []
    page.on('request', request => addresses.push(request.url()))
    const manager = await open()
    const { login, result } = await logIn(manager)
    expect(result).toEqual({ success: true })
    expect(server.counts).toEqual({ codes: 1, refreshes: 0, refused: 0, revoked: 0 })
    expect(manager.snapshot()).toMatchObject({ mode: 'chatgpt', email: 'ada@example.test' })
    expect(statSync(home.authFile).mode & 0o777).toBe(0o600)

    const callback = new URL(addresses.find(address => address.includes('/auth/callback?'))!)
    const { id_token, access_token, refresh_token } = storedTokens()
    const secrets = [callback.searchParams.get('code')!, id_token, access_token, refresh_token]
    expect(secrets.filter(secret => secret.length < 20)).toEqual([])
    const shown = `${page.url()}\n${await page.content()}\n${await page.evaluate('document.referrer')}`
    expect(secrets.filter(secret => shown.includes(secret))).toEqual([])
    expect(page.url()).toBe(`http://127.0.0.1:${login.port}/success`)
    expect(await page.title()).toBe('You are logged in')
    // The server's own pages ask for a font; ours ask for nothing.
    const allowed = /^(http:\/\/127\.0\.0\.1:\d+|https:\/\/fonts\.googleapis\.com)\//
    expect(addresses.filter(address => !allowed.test(address))).toEqual([])
  })

  it('that the user refuses ends with a page and stores nothing', async () => {
    const { login, result } = await logIn(await open(), 'a:has-text("Cancel")')
    expect(result).toEqual({ success: false, reason: 'provider_error' })
    expect(new URL(page.url()).host).toBe(`127.0.0.1:${login.port}`)
    expect(await page.title()).toBe('Login failed')
    expect(home.read()).toBeUndefined()
  })

  it('whose code cannot be exchanged leaves no code in the address bar', async () => {
    const refusing = async () => new Response('', { status: 400 })
    const { login, result } = await logIn(await open(home, { fetch: refusing }))
    expect(result).toEqual({ success: false, reason: 'exchange_failed' })
    expect(page.url()).toBe(`http://127.0.0.1:${login.port}/failure`)
    expect(await page.title()).toBe('Login failed')
  })

  it('is refreshed once per rotation by two managers and two processes', { timeout: 60_000 }, async () => {
    const first = await open()
    await logIn(first)
    const second = await open()
    const before = storedTokens()
    const outcomes = await Promise.all([first.refreshToken(), second.refreshToken()])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['refreshed', 'refreshed'])
    expect(server.counts.refreshes).toBe(1)
    const after = storedTokens()
    expect(after.refresh_token).not.toBe(before.refresh_token)
    expect(after.access_token).not.toBe(before.access_token)
    expect([await first.accessToken(), await second.accessToken()]).toEqual([after.access_token, after.access_token])

    const reports = (await Promise.all([refreshElsewhere(8), refreshElsewhere(8), first.refreshToken()])).flat()
    expect(reports.filter(report => 'failure' in report)).toEqual([])
    expect(reports).toHaveLength(17)
    expect(server.counts).toEqual({
      codes: 1,
      refreshes: 1 + reports.filter(({ outcome }) => outcome === 'refreshed').length,
      refused: 0,
      revoked: 0,
    })
    expect((await second.refreshToken()).outcome).toBe('reloaded')
  })

  async function refreshElsewhere(refreshes: number) {
    const parameters = { url: compiled.url, home: home.path, refreshes, provider: server.provider }
    const child = fork(fileURLToPath(new URL('./worker.mjs', import.meta.url)), [], {
      env: { PATH: process.env['PATH'], CASTELLAN_TEST_WORKER: JSON.stringify(parameters) },
      execArgv: [],
    })
    workers.push(child)
    const reports: { readonly outcome?: string; readonly failure?: string }[] = []
    child.on('message', report => reports.push(report as (typeof reports)[number]))
    await new Promise(done => child.once('exit', done))
    return reports
  }

  it('is over for everyone once a refresh token is used again, and nobody asks after that', async () => {
    const owner = await open()
    await logIn(owner)
    const copy = await open(newHome(home.read()))
    const poisonings: unknown[] = []
    copy.on('poisoned', ({ failure }) => poisonings.push(failure))
    expect(await owner.refreshToken()).toMatchObject({ outcome: 'refreshed' })

    const failure = { kind: 'permanent', reason: 'other' }
    await expect(copy.refreshToken()).rejects.toMatchObject({ code: 'ERR_AUTH_REFRESH_PERMANENT', ...failure })
    expect(server.counts).toMatchObject({ refreshes: 1, refused: 1, revoked: 1 })
    expect([copy.refreshFailure(), poisonings]).toEqual([failure, [failure]])
    // The server ended the whole grant, so the newest token is dead, too.
    await expect(owner.refreshToken()).rejects.toMatchObject(failure)
    expect(server.counts).toMatchObject({ refreshes: 1, refused: 2 })

    for (const manager of [owner, copy]) {
      await expect(manager.refreshToken()).rejects.toMatchObject(failure)
      await expect(manager.accessToken()).rejects.toMatchObject(failure)
      const status = await manager.getAuthStatus({ includeToken: true, refreshToken: true })
      expect(status).toMatchObject({ authMethod: 'chatgpt', authToken: null })
    }
    expect(server.counts).toMatchObject({ refreshes: 1, refused: 2 })

    await logIn(owner)
    expect(owner.refreshFailure()).toBeNull()
    expect(await owner.refreshToken()).toMatchObject({ outcome: 'refreshed', persisted: true })
  })

  it('is never exchanged for one of another user of the same server', async () => {
    const ada = await open()
    await logIn(ada)
    const elsewhere = newHome()
    await logIn(await open(elsewhere), undefined, 'grace')
    home.write(elsewhere.read()!)
    await expect(ada.refreshToken()).rejects.toMatchObject({ reason: 'account_mismatch' })
    expect(ada.snapshot()).toMatchObject({ email: 'ada@example.test' })
    expect(home.read()).toBe(elsewhere.read())
  })

  it('is forgotten by the server at logout', async () => {
    const manager = await open()
    await logIn(manager)
    const copy = await open(newHome(home.read()))
    expect(await manager.logout()).toEqual({ removed: true, revoked: true })
    expect(home.read()).toBeUndefined()
    await expect(copy.refreshToken()).rejects.toMatchObject({ kind: 'permanent' })
  })
})

describe('the pages at the end of a login', () => {
  const names = Object.keys(pages) as readonly (keyof typeof pages)[]
  const views = [
    { width: 1280, height: 800, scheme: 'light' },
    { width: 1280, height: 800, scheme: 'dark' },
    { width: 320, height: 568, scheme: 'light' },
    { width: 320, height: 568, scheme: 'dark' },
  ] as const
  const server = createServer((request, response) => {
    response.writeHead(200, pageHeaders)
    response.end(renderPage(pages[request.url!.slice(1) as keyof typeof pages]))
  })
  let origin = ''

  beforeAll(async () => {
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  })
  beforeEach(async context => {
    if (missing !== undefined) context.skip(missing)
  })

  it.each(views)('can be read by everybody at $width × $height, $scheme', async ({ width, height, scheme }) => {
    const page = await chromium.context.newPage()
    try {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: scheme })
      for (const name of names) {
        const asked: string[] = []
        const complaints: string[] = []
        page.removeAllListeners()
        page.on('request', request => asked.push(request.url()))
        page.on('console', message => complaints.push(message.text()))
        await page.goto(`${origin}/${name}`)
        const seen = (await page.evaluate(lookAtPage)) as Seen
        expect({ name, ...seen, contrast: undefined }).toEqual({
          name,
          language: 'en',
          title: pages[name].title,
          headings: [pages[name].title],
          landmarks: 1,
          overflows: false,
          unnamed: 0,
          contrast: undefined,
        })
        expect(contrastOf(seen.contrast.text, seen.contrast.background)).toBeGreaterThan(7)
        // WCAG 1.4.11 asks for 3 where a graphic tells something.
        expect(contrastOf(seen.contrast.mark, seen.contrast.background)).toBeGreaterThan(4.5)
        expect(asked).toEqual([`${origin}/${name}`])
        expect(complaints).toEqual([])
      }
    } finally {
      await page.close()
    }
  })
})

interface Seen {
  readonly language: string
  readonly title: string
  readonly headings: readonly string[]
  readonly landmarks: number
  readonly overflows: boolean
  /** Graphics that a screen reader would meet without a name. */
  readonly unnamed: number
  readonly contrast: { readonly text: string; readonly mark: string; readonly background: string }
}

/** Runs in the page. */
const lookAtPage = `(() => {
  const root = document.documentElement
  const colour = selector => getComputedStyle(document.querySelector(selector)).color
  return {
    language: root.lang,
    title: document.title,
    headings: [...document.querySelectorAll('h1')].map(heading => heading.textContent),
    landmarks: document.querySelectorAll('main').length,
    overflows: root.scrollWidth > root.clientWidth,
    unnamed: document.querySelectorAll('img:not([alt]), svg:not([aria-hidden=true])').length,
    contrast: { text: colour('p'), mark: colour('svg'), background: getComputedStyle(root).backgroundColor },
  }
})()`

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrastOf(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red, green, blue, alpha] = colour.match(/[\d.]+/g)!.map(Number) as [number, number, number, number?]
  if (alpha === 0) throw new Error(`no colour: ${colour}`)
  const linear = (channel: number) => {
    const value = channel / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(done => child.once('exit', done))
  child.kill('SIGKILL')
  await ended
}
