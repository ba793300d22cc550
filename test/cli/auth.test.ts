/**
 * `castellan auth` as a user meets it, against a server on loopback.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { jwt, managedText } from '../auth/support.ts'
import { type LoginServer, startLoginServer, tokenMarker } from './auth-server.ts'
import { ended, ensureBuilt, type Place, printed, program, startCastellan, temporaryPlace } from './castellan.ts'

ensureBuilt()
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true

let place: Place
let server: LoginServer
let everything: string
const children: ChildProcess[] = []

beforeEach(async () => {
  place = temporaryPlace()
  server = await startLoginServer()
  everything = ''
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await ended(child)
  }
  await server.stop()
  place.remove()
  // Whatever a test did: no token may have been printed.
  expect(everything).not.toContain(tokenMarker)
})

const home = () => path.join(place.path, 'home')
const file = () => path.join(home(), 'auth.json')
const stored = () => readFileSync(file(), 'utf8')

function store(text: string): void {
  mkdirSync(home(), { recursive: true })
  writeFileSync(file(), text)
}

/** Nothing of this process's environment that names a login or shows a screen. */
const env = () => ({ PATH: process.env['PATH'], HOME: place.path })

function start(...words: string[]): ChildProcess {
  const child = startCastellan(['auth', ...words, '--home', home()], { env: env() })
  children.push(child)
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', chunk => {
      everything += chunk
    })
  }
  return child
}

async function auth(...words: string[]) {
  const child = start(...words)
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', chunk => {
      output[name] += chunk
    })
  }
  return { ...(await ended(child)), ...output }
}

/** Opens what was printed, as a browser would. */
async function visit(text: string): Promise<string> {
  const response = await fetch(/http:\/\/127\.0\.0\.1:\d+\/oauth\/authorize\S*/.exec(text)![0])
  return response.text()
}

const login = () => ['login', '--no-open', '--port', '0', '--issuer', server.issuer] as const

describe('castellan auth status', () => {
  it('says that nobody is logged in, and what to type', async () => {
    expect(await auth('status', '--issuer', server.issuer)).toEqual({
      code: 1,
      signal: null,
      stdout: `nobody is logged in\nlog in with: castellan auth login --home ${home()} --issuer ${server.issuer}\n`,
      stderr: '',
    })
    expect(existsSync(home())).toBe(false)
  })

  it.each([
    ['a managed login', managedText({ access: tokenMarker, refresh: tokenMarker }), 'as user@example.test', 'plan'],
    ['an API key', JSON.stringify({ OPENAI_API_KEY: tokenMarker }), 'with an API key', 'mode'],
  ])('tells of %s without asking anybody', async (_title, text, words, row) => {
    store(text)
    const { code, stdout, stderr } = await auth('status', '--issuer', server.issuer)
    expect([code, stderr, server.asked]).toEqual([0, '', []])
    expect(stdout).toMatch(new RegExp(`^logged in ${words}\\n`))
    expect(stdout).toMatch(new RegExp(`^${row} `, 'm'))
    expect(stored()).toBe(text)
  })

  it('tells of a file that is no login', async () => {
    store(`{"tokens": "${tokenMarker}`)
    const { code, stdout, stderr } = await auth('status')
    expect([code, stdout.split('\n')[0]]).toEqual([1, 'nobody is logged in'])
    expect(stderr).toContain('cannot use the auth.json')
  })

  it('prints JSON for programs', async () => {
    store(managedText({ access: tokenMarker }))
    const { code, stdout } = await auth('status', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      loggedIn: true,
      mode: 'chatgpt',
      email: 'user@example.test',
      accountId: 'acct_1',
      plan: 'pro',
      home: home(),
      refreshedAt: '2026-05-31T12:00:00.000Z',
      over: null,
    })
  })

  it.each([
    ['refresh_token_expired', 'the login is over: its refresh token has expired', 'expired'],
    ['refresh_token_reused', 'the login is over: its refresh token was used before', 'exhausted'],
    ['refresh_token_invalidated', 'the login is over: it was revoked', 'revoked'],
  ])('asks the server when told to: %s', async (code, words, reason) => {
    store(managedText({ access: tokenMarker, refresh: tokenMarker }))
    server.refusal = { status: 401, code }
    const asked = await auth('status', '--refresh', '--issuer', server.issuer)
    expect([asked.code, asked.stderr, server.asked]).toEqual([1, '', ['/oauth/token']])
    expect(asked.stdout).toContain(words)
    expect(asked.stdout).toContain('log in with: castellan auth login --home')
    const { code: exit, stdout } = await auth('status', '--refresh', '--json', '--issuer', server.issuer)
    expect([exit, JSON.parse(stdout)]).toMatchObject([1, { loggedIn: false, over: reason }])
  })

  it('shows no token to a server that the login did not come from', async () => {
    const record = JSON.parse(managedText({ access: tokenMarker, refresh: tokenMarker }))
    record.tokens.id_token = jwt({ email: 'ada@example.test', iss: 'https://auth.openai.com' })
    store(JSON.stringify(record))
    const { code, stderr } = await auth('status', '--refresh', '--issuer', server.issuer)
    expect([code, server.asked]).toEqual([0, []])
    expect(stderr).toContain(`https://auth.openai.com instead of ${server.issuer}`)
    expect(await auth('logout', '--issuer', server.issuer)).toMatchObject({ code: 0, stderr: '' })
    expect([existsSync(file()), server.asked]).toEqual([false, []])
  })

  it('prints no token where Node.js itself is asked to talk', async () => {
    store(managedText({ access: tokenMarker, refresh: tokenMarker }))
    const words = ['auth', 'status', '--refresh', '--home', home(), '--issuer', server.issuer]
    const child = startCastellan(words, { env: { ...env(), NODE_DEBUG: '*', NODE_DEBUG_NATIVE: 'http' } })
    children.push(child)
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (everything += chunk))
    await ended(child)
    // Node.js told of the request, and the check after each test finds no token in that.
    expect([server.asked, everything]).toEqual([['/oauth/token'], expect.stringMatching(/UNDICI|FETCH|NET /)])
  })

  it('keeps a login that the server cannot judge now, and renews one that it can', async () => {
    store(managedText({ access: tokenMarker, refresh: tokenMarker }))
    server.refusal = { status: 500, code: 'x' }
    const failed = await auth('status', '--refresh', '--issuer', server.issuer)
    expect([failed.code, failed.stderr]).toEqual([0, expect.stringContaining('the authorization server failed')])
    server.refusal = undefined
    expect(await auth('status', '--refresh', '--issuer', server.issuer)).toMatchObject({ code: 0, stderr: '' })
    expect(stored()).toContain(`${tokenMarker}-refresh-1`)
  })

  it('ends with 2 for a CODEX_HOME that is not there', async () => {
    const child = startCastellan(['auth', 'status'], { env: { ...env(), CODEX_HOME: `${place.path}/missing` } })
    let text = ''
    child.stderr?.on('data', chunk => {
      text += chunk
    })
    expect([(await ended(child)).code, text]).toEqual([2, expect.stringContaining('CODEX_HOME names this directory')])
  })
})

describe('castellan auth login', () => {
  it('logs in with a browser', async () => {
    const child = start(...login())
    let rest = ''
    child.stdout?.on('data', chunk => {
      rest += chunk
    })
    expect(await visit(await printed(child, /Ctrl-C cancels/))).toContain('You are logged in')
    expect((await ended(child)).code).toBe(0)
    expect(rest).toMatch(/\nlogged in as ada@example\.test\n$/)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(stored()).toContain(`${tokenMarker}-refresh-1`)
    expect(await auth('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('as ada@example.test') })
  })

  it('logs in with a code', async () => {
    const { code, stdout } = await auth('login', '--device', '--issuer', server.issuer)
    expect(stdout).toContain(`Open ${server.issuer}/codex/device`)
    expect(stdout).toContain('\nABCD-1234\n')
    expect([code, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, 'logged in as ada@example.test'])
  })

  it('tells programs each step as JSON', async () => {
    const child = start(...login(), '--json')
    let text = ''
    child.stdout?.on('data', chunk => {
      text += chunk
    })
    await visit(await printed(child, /"event":"open".*\n/))
    await ended(child)
    const [opened, end] = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(opened).toEqual({ event: 'open', url: expect.stringContaining(`${server.issuer}/oauth/authorize?`) })
    expect(end).toMatchObject({ event: 'end', loggedIn: true, email: 'ada@example.test' })
  })

  it('keeps an API key from standard input', async () => {
    const child = start('login', '--with-api-key', '--json')
    const end = printed(child, /"event":"end"/)
    child.stdin!.end(`  ${tokenMarker}\n`)
    expect(JSON.parse(await end)).toMatchObject({ event: 'end', loggedIn: true, mode: 'apikey' })
    expect(await ended(child)).toEqual({ code: 0, signal: null })
    expect(JSON.parse(stored())).toEqual({ auth_mode: 'apikey', OPENAI_API_KEY: tokenMarker })
    expect((statSync(file()).mode & 0o777).toString(8)).toBe('600')
  })

  it.each([
    ['nothing', '\n', 'the API key is empty'],
    ['far too much', tokenMarker.repeat(10_000), 'there is no key of that length'],
  ])('takes %s for no key, and keeps the old login', async (_title, input, story) => {
    store(managedText())
    const child = start('login', '--with-api-key')
    child.stdin!.on('error', () => undefined).end(input)
    await ended(child)
    expect([everything, stored()]).toEqual([expect.stringContaining(story), managedText()])
  })

  it('waits for a key no longer than the user', async () => {
    const child = start('login', '--with-api-key')
    // Nothing tells that it reads; however early it is, the signal must end it.
    await new Promise(resolve => setTimeout(resolve, 500))
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: null, signal: 'SIGINT' })
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is cancelled by %s and leaves the old login', async signal => {
    store(managedText())
    const child = start(...login())
    const address = await printed(child, /Ctrl-C cancels/)
    let text = ''
    child.stderr?.on('data', chunk => {
      text += chunk
    })
    child.kill(signal)
    expect(await ended(child)).toEqual({ code: null, signal })
    expect(text).toBe('castellan: login cancelled, nothing was changed\n')
    expect(stored()).toBe(managedText())
    await expect(visit(address)).rejects.toThrow()
  })

  it.runIf(hasScript)('is cancelled by Ctrl-C at a terminal, which is left as it was', async () => {
    const words = [process.execPath, program, 'auth', ...login(), '--home', home()]
    const command = `trap : INT; stty -a; ${words.join(' ')}; echo "code $?"; stty -a`
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...env(), SHELL: '/bin/sh', TERM: 'xterm' },
      stdio: 'pipe',
    })
    children.push(child)
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
    })
    await printed(child, /Ctrl-C cancels/)
    child.stdin.write('\u0003')
    await ended(child)
    const [before, after] = [...text.matchAll(/^speed [\s\S]*?-?echoctl.*$/gm)].map(([settings]) => settings)
    expect(before).toMatch(/ icanon/)
    expect(after).toBe(before)
    expect(text).toMatch(/login cancelled[\s\S]*code 130/)
    everything += text
  })

  it.each([
    ['no device codes', ['--device', '--issuer'], '/nowhere', 'Leave out --device'],
    ['no server', ['--device', '--issuer'], '', 'cannot reach the authorization server'],
  ])('explains a server with %s', async (_title, words, suffix, story) => {
    const issuer = suffix === '' ? 'http://127.0.0.1:1' : `${server.issuer}${suffix}`
    const { code, signal, stderr } = await auth('login', ...words, issuer)
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(stderr).toContain(story)
  })
})

describe('castellan auth logout', () => {
  it('removes the login, tells the server, and is content when there is none', async () => {
    store(managedText({ refresh: tokenMarker }))
    const out = { code: 0, stdout: 'logged out; the server has forgotten the login\n', stderr: '' }
    expect(await auth('logout', '--issuer', server.issuer)).toMatchObject(out)
    expect([existsSync(file()), server.asked]).toEqual([false, ['/oauth/revoke']])
    expect(await auth('logout', '--issuer', server.issuer)).toMatchObject({ code: 0, stdout: 'nobody was logged in\n' })
    expect(server.asked).toHaveLength(1)
  })

  it('tells when the server did not confirm', async () => {
    store(managedText())
    const { code, stdout } = await auth('logout', '--json', '--issuer', 'http://127.0.0.1:1')
    expect([code, JSON.parse(stdout)]).toEqual([0, { removed: true, revoked: false, loggedIn: false }])
  })
})

describe('castellan auth watch', () => {
  it('prints each change, changes nothing, and ends with what is true', async () => {
    const child = start('watch', '--issuer', server.issuer)
    await printed(child, /nobody is logged in; log in with: castellan auth login --home .*\n/)
    store(managedText({ access: tokenMarker }))
    await printed(child, /logged in as user@example\.test\n/)
    store(managedText({ access: `${tokenMarker}-2`, lastRefresh: '2026-06-01T12:00:00Z' }))
    await printed(child, /refreshed\n/)
    rmSync(file())
    await printed(child, /nobody is logged in/)
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: 1, signal: null })
    expect(server.asked).toEqual([])
  })

  it('prints JSON lines', async () => {
    store(managedText())
    const child = start('watch', '--json')
    const text = await printed(child, /\n/)
    expect(JSON.parse(text)).toMatchObject({ loggedIn: true, email: 'user@example.test', at: expect.any(String) })
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: 0, signal: null })
  })
})
