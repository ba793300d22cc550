/**
 * The listener that a browser comes back to: on 127.0.0.1 only, for one login, for GET requests that name it as their host.
 *
 * Codex's ports are fixed, because its authorization server knows them. A port that is taken is most often held by an older
 * login, which is asked to cancel; then the next port is tried.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuthError } from '../errors.ts'
import { type Page, pageHeaders, pages, renderPage } from './pages.ts'

export interface Reply {
  readonly status: number
  readonly page?: Page
  readonly location?: string
}

/** Answers a request that passed the checks. */
export type Respond = (url: URL) => Promise<Reply> | Reply

export interface CallbackServer {
  readonly port: number
  /** Stops listening and ends open connections. */
  close(): void
}

const host = '127.0.0.1'
const tries = 10
const pauseMs = 200

/** @throws AuthError `callback_unavailable` when no port of the list could be had. */
export async function startCallbackServer(
  ports: readonly number[],
  respond: Respond,
  signal?: AbortSignal,
): Promise<CallbackServer> {
  for (const port of ports) {
    for (let attempt = 0; attempt < tries; attempt++) {
      const server = await listen(port, respond)
      if (server !== undefined) return wrap(server)
      if (signal?.aborted) throw new AuthError('cancelled')
      if (attempt === 0) await askToCancel(port)
      await sleep(pauseMs)
    }
  }
  throw new AuthError('callback_unavailable')
}

function listen(port: number, respond: Respond): Promise<Server | undefined> {
  const server = createServer((incoming, response) => {
    handle(incoming, response, respond).catch(() => response.destroy())
  })
  // A browser keeps its connection; a login has few requests and a long wait.
  server.keepAliveTimeout = 1_000
  return new Promise(resolve => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}

function wrap(server: Server): CallbackServer {
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeIdleConnections()
      // A browser that holds a request open must not hold the port.
      setTimeout(() => server.closeAllConnections(), 1_000).unref()
    },
  }
}

async function handle(incoming: IncomingMessage, response: ServerResponse, respond: Respond): Promise<void> {
  incoming.resume()
  const reply = isOurs(incoming) ? await respond(new URL(incoming.url ?? '/', `http://${host}`)) : refusal(incoming)
  if (reply.location !== undefined) {
    response.writeHead(302, { location: reply.location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    response.end()
    return
  }
  response.writeHead(reply.status, { ...pageHeaders, connection: 'close' })
  response.end(renderPage(reply.page ?? pages.notFound))
}

/** A page elsewhere can make the browser ask here under another name (DNS rebinding); its host gives it away. */
function isOurs({ method, headers, socket }: IncomingMessage): boolean {
  const names = [`${host}:${socket.localPort}`, `localhost:${socket.localPort}`]
  return method === 'GET' && names.includes(headers.host ?? '')
}

function refusal({ method }: IncomingMessage): Reply {
  return { status: method === 'GET' ? 421 : 405, page: pages.notFound }
}

function askToCancel(port: number): Promise<void> {
  return new Promise(resolve => {
    const asking = request({ host, port, path: '/cancel', timeout: 1_000 }, response => {
      response.resume()
      response.on('close', resolve)
    })
    asking.on('timeout', () => asking.destroy())
    asking.on('error', () => resolve())
    asking.end()
  })
}
