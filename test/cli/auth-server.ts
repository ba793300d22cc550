/**
 * An authorization server with Codex's paths on loopback, whose only user agrees at once. Every token has a marker, so that
 * a test can look for it in whatever was printed.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { idToken } from '../auth/support.ts'

export const tokenMarker = 'SECRET-TOKEN'

export interface LoginServer {
  readonly issuer: string
  readonly asked: string[]
  /** What the next refreshes are answered with; nothing: new tokens. */
  refusal: { readonly status: number; readonly code: string } | undefined
  stop(): Promise<void>
}

export async function startLoginServer(): Promise<LoginServer> {
  let number = 0
  let polls = 0
  const tokens = () => {
    number++
    return {
      id_token: idToken('acct_1', 'ada@example.test'),
      access_token: `${tokenMarker}-access-${number}`,
      refresh_token: `${tokenMarker}-refresh-${number}`,
    }
  }
  const json = (response: ServerResponse, body: object, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

  const routes: Readonly<Record<string, (response: ServerResponse, url: URL, body: string) => void>> = {
    '/oauth/authorize': (response, url) => {
      const back = new URL(url.searchParams.get('redirect_uri')!)
      back.searchParams.set('code', `${tokenMarker}-code`)
      back.searchParams.set('state', url.searchParams.get('state')!)
      response.writeHead(302, { location: back.href }).end()
    },
    '/oauth/token': (response, _url, body) => {
      const refused = body.startsWith('{') ? server.refusal : undefined
      if (refused === undefined) json(response, tokens())
      else json(response, { error: { code: refused.code, message: tokenMarker } }, refused.status)
    },
    '/oauth/revoke': response => json(response, {}),
    '/api/accounts/deviceauth/usercode': response =>
      json(response, { device_auth_id: 'device', user_code: 'ABCD-1234', interval: '1' }),
    '/api/accounts/deviceauth/token': response => {
      if (polls++ === 0) json(response, {}, 403)
      else json(response, { authorization_code: 'code', code_verifier: 'verifier' })
    },
  }

  const listener = createServer((request, response) => void answer(request, response))
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const url = new URL(request.url!, server.issuer)
    server.asked.push(url.pathname)
    const route = routes[url.pathname]
    if (route === undefined) response.writeHead(404).end()
    else route(response, url, body)
  }
  await new Promise<void>(done => listener.listen(0, '127.0.0.1', done))
  const server: LoginServer = {
    issuer: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    asked: [],
    refusal: undefined,
    async stop() {
      listener.closeAllConnections()
      await new Promise(done => listener.close(done))
    },
  }
  return server
}
