/**
 * The authorization server of the auth cases, on loopback: token, revocation, whoami and device endpoints and a protected
 * API, each answering from a script and remembering what it was asked.
 */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export async function startServer(script) {
  const log = { refreshes: [], revoked: [], apiRequests: 0, exchanges: 0 }
  const answer = responder(script, log)
  const server = createServer((request, response) => {
    handle(request, response, answer).catch(() => request.socket.destroy())
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  return {
    log,
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
}

async function handle(request, response, answer) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const reply = answer(request, Buffer.concat(chunks).toString())
  if (reply.delayMs) await sleep(reply.delayMs)
  if (reply.drop) return request.socket.destroy()
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? '')
  if (!reply.truncate) {
    response.writeHead(reply.status, reply.headers)
    return response.end(text)
  }
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(text) })
  response.write(text.slice(0, Math.ceil(text.length / 2)))
  await sleep(50)
  request.socket.destroy()
}

function responder(script, log) {
  const token = Array.isArray(script.token) ? scripted(script.token) : rotating(script.token?.rotating)
  const revoke = scripted(script.revoke ?? [{ status: 200, body: {} }])
  const poll = scripted(script.login?.polls ?? [])
  return (request, body) => {
    const { pathname } = new URL(request.url, 'http://server')
    const fields = parseBody(request, body)
    if (pathname === '/oauth/token') return tokenReply(script, log, token, fields)
    if (pathname === '/oauth/revoke') {
      log.revoked.push(fields.token)
      return revoke()
    }
    if (pathname.endsWith('/whoami')) return script.whoami ?? { status: 404 }
    if (pathname === '/api/accounts/deviceauth/usercode') return script.login?.usercode ?? { status: 404 }
    if (pathname === '/api/accounts/deviceauth/token') return poll() ?? { status: 404 }
    if (pathname.startsWith('/api/')) return apiReply(script.api ?? {}, log, request, body)
    return { status: 404, body: '' }
  }
}

function tokenReply(script, log, token, fields) {
  if (fields.grant_type === 'refresh_token') {
    log.refreshes.push(fields.refresh_token)
    return token(fields.refresh_token)
  }
  log.exchanges++
  const reply = fields.grant_type === 'authorization_code' ? script.login?.exchange : script.login?.apiKey
  return reply ?? { status: 400, body: { error: 'unsupported_grant_type' } }
}

/** Entries in order, the last one again and again. */
function scripted(entries) {
  let next = 0
  return () => entries[Math.min(next++, entries.length - 1)]
}

/** Single-use refresh tokens: a second use is refused, as by servers that detect reuse. */
function rotating(settings) {
  if (settings === undefined) return () => ({ status: 500, body: 'no script' })
  let valid = settings.first
  let count = 0
  return sent => {
    const { delayMs } = settings
    if (sent !== valid) return { status: 401, body: { error: { code: 'refresh_token_reused' } }, delayMs }
    count++
    valid = `rt-${count}`
    return { status: 200, body: { access_token: `at-${count}`, refresh_token: valid, ...settings.extra }, delayMs }
  }
}

function apiReply({ accept = [], anonymousOk }, log, request, body) {
  log.apiRequests++
  const bearer = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? null
  const ok = bearer === null ? anonymousOk === true : accept === '*' || accept.includes(bearer)
  const account = request.headers['chatgpt-account-id'] ?? null
  return { status: ok ? 200 : 401, body: { bearer, account, received: body } }
}

function parseBody(request, body) {
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(body))
  }
  try {
    return JSON.parse(body)
  } catch {
    return {}
  }
}
