/**
 * What the auth tests share: records with readable tokens, a home that goes away, and an authorization server on loopback
 * with strictly rotating refresh tokens that detects reuse and counts what it is asked.
 */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export function jwt(payload: object | string): string {
  const part = (text: string) => Buffer.from(text).toString('base64url')
  return `${part('{"alg":"none"}')}.${part(typeof payload === 'string' ? payload : JSON.stringify(payload))}.c2ln`
}

export const authNamespace = 'https://api.openai.com/auth'

export function idToken(accountId: string | null = 'acct_1', email = 'user@example.test'): string {
  return jwt({ email, [authNamespace]: { chatgpt_plan_type: 'pro', chatgpt_account_id: accountId } })
}

export interface RecordOptions {
  readonly access?: string
  readonly refresh?: string
  readonly account?: string
  readonly lastRefresh?: string
}

/** The text of a managed login. */
export function managedText(options: RecordOptions = {}): string {
  const { access = 'at-0', refresh = 'rt-0', account = 'acct_1', lastRefresh = '2026-05-31T12:00:00Z' } = options
  return JSON.stringify(
    {
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: { id_token: idToken(account), access_token: access, refresh_token: refresh, account_id: account },
      last_refresh: lastRefresh,
    },
    null,
    2,
  )
}

export interface TemporaryHome {
  readonly path: string
  readonly authFile: string
  write(text: string): void
  read(): string | undefined
  remove(): void
}

export function temporaryHome(parent = tmpdir()): TemporaryHome {
  const path = realpathSync(mkdtempSync(join(parent, 'castellan-auth-')))
  const authFile = join(path, 'auth.json')
  return {
    path,
    authFile,
    write: text => writeFileSync(authFile, text),
    read() {
      try {
        return readFileSync(authFile, 'utf8')
      } catch {
        return undefined
      }
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

export interface RotatingServer {
  readonly issuer: string
  /** Refresh requests, revocations, and how many sent a token that was used before. */
  readonly counts: { refreshes: number; revocations: number; reused: number }
  /** The only refresh token that is good now. */
  validToken(): string
  /** How often it was replaced. */
  rotations(): number
  /** Requests of these senders (by `user-agent`) are dropped, as if they had never come. */
  readonly dead: Set<string>
  stop(): Promise<void>
}

export async function startRotatingServer(delayMs = 0): Promise<RotatingServer> {
  const counts = { refreshes: 0, revocations: 0, reused: 0 }
  const dead = new Set<string>()
  let number = 0
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const sender = request.headers['user-agent'] ?? ''
    if (dead.has(sender)) return request.socket.destroy()
    if (request.url === '/oauth/revoke') {
      counts.revocations++
      return response.end('{}')
    }
    counts.refreshes++
    if (JSON.parse(body).refresh_token !== `rt-${number}`) {
      counts.reused++
      response.statusCode = 401
      return response.end(JSON.stringify({ error: { code: 'refresh_token_reused' } }))
    }
    number++
    const answer = JSON.stringify({ access_token: `at-${number}`, refresh_token: `rt-${number}` })
    if (delayMs > 0) await sleep(delayMs)
    return response.end(answer)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    dead,
    validToken: () => `rt-${number}`,
    rotations: () => number,
    async stop() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
}
