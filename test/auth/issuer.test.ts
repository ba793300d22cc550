import { describe, expect, it } from 'vitest'
import { AuthManager, codexProvider, memoryStorage, type OAuthProvider } from '../../lib/auth/index.ts'
import { exchangeCode } from '../../lib/auth/login/exchange.ts'
import { authNamespace, jwt, managedText } from './support.ts'

const codex = 'https://auth.openai.com'
const claims = { email: 'user@example.test', [authNamespace]: { chatgpt_account_id: 'acct_1' } }

/** A managed login whose id_token has this `iss`; without the member where it is undefined. */
function loginFrom(iss: unknown): string {
  const record = JSON.parse(managedText())
  record.tokens.id_token = jwt({ ...claims, ...(iss !== undefined && { iss }) })
  return JSON.stringify(record)
}

async function world(text: string, provider: OAuthProvider, answered: object = {}) {
  const asked: { url: string; body: string }[] = []
  const fetch = (async (url: string, { body }: RequestInit) => {
    asked.push({ url: String(url), body: String(body) })
    return Response.json({ access_token: 'at-1', refresh_token: 'rt-1', ...answered })
  }) as typeof globalThis.fetch
  const storage = memoryStorage(text)
  const now = () => Date.parse('2026-06-01T12:00:00Z')
  const manager = await AuthManager.open({ storage, fetch, provider, env: {}, jitterMs: 0, now })
  return { manager, asked, storage }
}

describe('a login of another server', () => {
  const other = codexProvider({ issuer: 'https://login.example.com', origins: ['https://api.example.com'] })

  it('is not refreshed here: its token would be shown to that server', async () => {
    const { manager, asked } = await world(loginFrom(codex), other)
    const error = await manager.refreshToken().catch(reason => reason)
    expect(error).toMatchObject({
      code: 'ERR_AUTH_INVALID',
      kind: 'config',
      reason: 'issuer_mismatch',
      issuers: { login: codex, configured: 'https://login.example.com' },
    })
    expect(error.message).toContain(`${codex} instead of https://login.example.com`)
    expect(await manager.getAuthStatus({ includeToken: true, refreshToken: true })).toMatchObject({ authToken: 'at-0' })
    expect([asked, manager.refreshFailure()]).toEqual([[], null])
  })

  it('replaces a refused bearer neither, and the caller learns why', async () => {
    const { manager, asked } = await world(loginFrom(codex), other)
    const recovery = manager.unauthorizedRecovery()
    await recovery.next()
    await expect(recovery.next()).rejects.toMatchObject({ reason: 'issuer_mismatch' })
    expect(asked).toEqual([])
  })

  it('is logged out here, and nothing is told to that server', async () => {
    const { manager, asked, storage } = await world(loginFrom(codex), other)
    expect(await manager.logout()).toEqual({ removed: true, revoked: false })
    expect([asked, await storage.read()]).toEqual([[], undefined])
  })

  it('shows neither the user nor the query of an address', async () => {
    const { manager } = await world(loginFrom('https://user:SECRET@a.example/x?SECRET#SECRET'), other)
    const error = await manager.refreshToken().catch(reason => reason)
    expect(error.issuers.login).toBe('https://a.example/x')
    const bare = await world(loginFrom('SECRET'), other)
    const again = await bare.manager.refreshToken().catch(reason => reason)
    expect(JSON.stringify([error, again, error.message, again.message])).not.toContain('SECRET')
  })

  it('does not come from a login here', async () => {
    const exchange = (iss: string) => {
      const answer = { id_token: jwt({ ...claims, iss }), access_token: 'at', refresh_token: 'rt' }
      const fetch = (async () => Response.json(answer)) as typeof globalThis.fetch
      const transport = { fetch, provider: other, timeoutMs: 1_000 }
      const options = { transport, now: 0, allowedWorkspaces: undefined, withApiKey: false }
      return exchangeCode({ code: 'c', verifier: 'v', redirectUri: 'http://127.0.0.1/' }, options)
    }
    await expect(exchange(codex)).rejects.toMatchObject({ reason: 'issuer_mismatch' })
    expect((await exchange('https://login.example.com')).tokens?.accessToken).toBe('at')
  })
})

describe('a login is refreshed', () => {
  it.each([
    ['of this server', codex, codex],
    ['whose issuer ends with a slash', `${codex}/`, codex],
    ['of a server that is configured with a slash', codex, `${codex}/`],
    ['that does not say who issued it', undefined, codex],
    ['whose issuer has a form that Codex ignores', 7, codex],
    ['whose issuer is null', null, codex],
  ])('%s', async (_title, iss, issuer) => {
    const { manager, asked } = await world(loginFrom(iss), { ...codexProvider(), issuer })
    expect(await manager.refreshToken()).toMatchObject({ outcome: 'refreshed' })
    expect(asked).toHaveLength(1)
  })

  it('at the address that the environment names, whatever it is', async () => {
    const storage = memoryStorage(loginFrom(codex))
    const asked: string[] = []
    const fetch = (async (url: string) => {
      asked.push(url)
      return Response.json({ access_token: 'at-1' })
    }) as typeof globalThis.fetch
    const env = { CODEX_REFRESH_TOKEN_URL_OVERRIDE: 'https://elsewhere.example/token' }
    await (await AuthManager.open({ storage, fetch, env })).refreshToken()
    expect(asked).toEqual(['https://elsewhere.example/token'])
  })

  it('and keeps its id_token when the new one names another issuer', async () => {
    const answered = { id_token: jwt({ ...claims, iss: 'https://other.example' }) }
    const { manager, storage } = await world(loginFrom(codex), codexProvider(), answered)
    const warnings: string[] = []
    manager.on('warning', ({ code }) => warnings.push(code))
    await manager.refreshToken()
    const { tokens } = JSON.parse((await storage.read())!)
    expect(tokens).toMatchObject({ id_token: JSON.parse(loginFrom(codex)).tokens.id_token, refresh_token: 'rt-1' })
    expect(warnings).toEqual(['unreadable-id-token'])
    expect(await manager.refreshToken()).toMatchObject({ outcome: 'refreshed' })
  })
})
