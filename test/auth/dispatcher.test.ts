import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { Agent, interceptors, request, fetch as undiciFetch } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthManager, codexProvider, memoryStorage } from '../../lib/auth/index.ts'
import { managedText, type RotatingServer, startRotatingServer } from './support.ts'

interface Seen {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface Api {
  readonly url: string
  readonly seen: Seen[]
  readonly server: Server
}

async function startApi(answer: (seen: Seen, response: ServerResponse) => void): Promise<Api> {
  const seen: Seen[] = []
  const server = createServer(async (incoming, response) => {
    let body = ''
    for await (const chunk of incoming) body += chunk
    const one = { url: incoming.url ?? '', headers: incoming.headers, body }
    seen.push(one)
    answer(one, response)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server }
}

describe('requests through the interceptor', () => {
  let issuer: RotatingServer
  let api: Api
  let other: Api
  let agent: Agent
  let accepted: (bearer: string) => boolean

  beforeEach(async () => {
    accepted = () => true
    issuer = await startRotatingServer()
    agent = new Agent()
    api = await startApi(({ url, headers }, response) => {
      const bearer = headers.authorization?.replace('Bearer ', '') ?? ''
      if (url === '/redirect') response.writeHead(302, { location: `${other.url}/there` }).end()
      else response.writeHead(accepted(bearer) ? 200 : 401).end(accepted(bearer) ? bearer : 'refused')
    })
    other = await startApi((_seen, response) => response.end('other'))
  })

  afterEach(async () => {
    await agent.destroy()
    await issuer.stop()
    for (const { server } of [api, other]) {
      server.closeAllConnections()
      server.close()
    }
  })

  const open = (options = {}) =>
    AuthManager.open({
      storage: memoryStorage(managedText()),
      env: {},
      jitterMs: 0,
      now: () => Date.parse('2026-06-01T12:00:00Z'),
      provider: codexProvider({ issuer: issuer.issuer }),
      origins: [api.url],
      ...options,
    })

  it('carry bearer and account to a configured origin, in place of what the caller wrote', async () => {
    const dispatcher = (await open()).dispatcher(agent)
    const headers = { Authorization: 'Bearer mine', 'x-other': '1', 'ChatGPT-Account-Id': 'mine' }
    await (await request(api.url, { dispatcher, headers })).body.dump()
    expect(api.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer at-0',
      'chatgpt-account-id': 'acct_1',
      'x-other': '1',
    })
  })

  it('are left alone on every other origin', async () => {
    const dispatcher = (await open()).dispatcher(agent)
    await (await request(other.url, { dispatcher, headers: { authorization: 'mine' } })).body.dump()
    expect(other.seen[0]?.headers.authorization).toBe('mine')
    await (await request(other.url, { dispatcher })).body.dump()
    expect(other.seen[1]?.headers).not.toHaveProperty('authorization')
    expect(other.seen[1]?.headers).not.toHaveProperty('chatgpt-account-id')
  })

  it('do not carry the bearer along a redirect to another origin', async () => {
    const manager = await open()
    const dispatcher = agent.compose(manager.interceptor(), interceptors.redirect({ maxRedirections: 2 }))
    await (await request(`${api.url}/redirect`, { dispatcher })).body.dump()
    expect(other.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([['/there', undefined]])
  })

  it('refresh once when twenty are refused together, and repeat each once', async () => {
    accepted = bearer => bearer === 'at-1'
    const dispatcher = (await open()).dispatcher(agent)
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const answer = await request(api.url, { dispatcher, method: 'POST', body: `body ${index}` })
        return [answer.statusCode, await answer.body.text()]
      }),
    )
    expect(answers).toEqual(Array.from({ length: 20 }, () => [200, 'at-1']))
    expect(issuer.counts).toEqual({ refreshes: 1, revocations: 0, reused: 0 })
    expect(
      api.seen
        .filter(({ headers }) => headers.authorization === 'Bearer at-1')
        .map(({ body }) => body)
        .sort(),
    ).toEqual(Array.from({ length: 20 }, (_, index) => `body ${index}`).sort())
  })

  it('are not repeated when their body can be sent only once, but the next one has a new token', async () => {
    accepted = bearer => bearer === 'at-1'
    const manager = await open()
    const dispatcher = manager.dispatcher(agent)
    const once = () => request(api.url, { dispatcher, method: 'POST', body: Readable.from(['once']) })
    const answer = await once()
    expect([answer.statusCode, await answer.body.text()]).toEqual([401, 'refused'])
    expect(api.seen).toHaveLength(1)
    await expect.poll(() => manager.snapshot()?.token()).toBe('at-1')
    const next = await once()
    expect([next.statusCode, await next.body.text(), issuer.counts.refreshes]).toEqual([200, 'at-1', 1])
  })

  it('get a large 401 as it comes', async () => {
    const large = 'x'.repeat(1024 * 1024)
    api.server.removeAllListeners('request').on('request', (_request, response) => response.writeHead(401).end(large))
    const dispatcher = (await open()).dispatcher(agent)
    const answer = await request(api.url, { dispatcher })
    expect([answer.statusCode, (await answer.body.text()).length]).toEqual([401, large.length])
  })

  it('get the server’s own answer, body included, when recovering fails for now', async () => {
    accepted = () => false
    const provider = codexProvider({ issuer: issuer.issuer, tokenEndpoint: 'http://127.0.0.1:9/none' })
    const dispatcher = (await open({ provider })).dispatcher(agent)
    const answer = await request(api.url, { dispatcher })
    expect([answer.statusCode, await answer.body.text()]).toEqual([401, 'refused'])
  })

  it('do not leave the process when nobody is logged in', async () => {
    const dispatcher = (await open({ storage: memoryStorage() })).dispatcher(agent)
    await expect(request(api.url, { dispatcher })).rejects.toMatchObject({ reason: 'not_logged_in' })
    expect(api.seen).toEqual([])
  })

  it('work through the fetch of Node.js, too', async () => {
    const dispatcher = (await open()).dispatcher(agent)
    const answer = await fetch(api.url, { dispatcher } as object)
    expect([answer.status, await answer.text()]).toEqual([200, 'at-0'])
  })

  it('work through fetch', async () => {
    accepted = bearer => bearer === 'at-1'
    const dispatcher = (await open()).dispatcher(agent)
    const answer = await undiciFetch(api.url, { dispatcher })
    expect([answer.status, await answer.text()]).toEqual([200, 'at-1'])
  })

  describe('made with auth.fetch', () => {
    it.each([
      ['nothing', undefined, ''],
      ['text', 'a body', 'a body'],
      ['bytes', new TextEncoder().encode('a body'), 'a body'],
      ['form fields', new URLSearchParams({ a: 'b' }), 'a=b'],
    ])('are repeated with a body of %s', async (_title, body, received) => {
      accepted = bearer => bearer === 'at-1'
      const manager = await open()
      const answer = await manager.fetch(`${api.url}/x`, body === undefined ? {} : { method: 'POST', body })
      expect([answer.status, await answer.text()]).toEqual([200, 'at-1'])
      expect(api.seen.map(one => [one.headers.authorization, one.body])).toEqual([
        ['Bearer at-0', received],
        ['Bearer at-1', received],
      ])
    })

    it('are not repeated with a stream, but the next one has a new token', async () => {
      accepted = bearer => bearer === 'at-1'
      const manager = await open()
      const body = new Blob(['once']).stream()
      const answer = await manager.fetch(api.url, { method: 'POST', body, duplex: 'half' } as RequestInit)
      expect([answer.status, api.seen.length]).toEqual([401, 1])
      await expect.poll(() => manager.snapshot()?.token()).toBe('at-1')
    })

    it('carry nothing of the login elsewhere', async () => {
      const manager = await open()
      await (await manager.fetch(other.url)).text()
      await (await manager.fetch(`${api.url}/redirect`)).text()
      expect(other.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
    })

    it('replace what the caller wrote, also in a Request', async () => {
      const manager = await open()
      const input = new Request(api.url, {
        headers: { authorization: 'mine', 'x-openai-fedramp': 'true', 'x-other': '1' },
      })
      await (await manager.fetch(input)).text()
      expect(api.seen[0]?.headers).toMatchObject({ authorization: 'Bearer at-0', 'x-other': '1' })
      expect(api.seen[0]?.headers).not.toHaveProperty('x-openai-fedramp')
    })

    it('fail with the reason when the login is over, and then do not leave the process', async () => {
      accepted = () => false
      const storage = memoryStorage(managedText({ refresh: 'rt-used' }))
      const manager = await open({ storage })
      for (let attempt = 0; attempt < 3; attempt++) {
        await expect(manager.fetch(api.url)).rejects.toMatchObject({ kind: 'permanent', reason: 'exhausted' })
      }
      expect([api.seen.length, issuer.counts.refreshes]).toEqual([1, 1])
    })
  })
})
