// A host that survives an expired, a reused and a revoked login: node examples/auth-host.mjs
//
// It starts an authorization server of its own on this machine, whose only user agrees to everything at once, so that the
// example runs by itself. What a host needs is in `ask`, `logIn` and the options of `AuthManager.open`.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { AuthError, AuthManager, codexProvider } from 'castellan/auth'

/** Asks the API with the stored login. What may pass is tried again, what needs the user goes to the user. */
async function ask(auth, url) {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const response = await auth.fetch(url)
      return await response.text()
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      if (error.kind === 'transient') await sleep(error.retryAfterMs ?? 1_000)
      else if (error.kind === 'permanent') await logIn(auth, error.reason)
      else throw error
    }
  }
  throw new Error('the API could not be asked')
}

async function logIn(auth, reason) {
  console.log(`please log in (${reason})`)
  const login = await auth.startBrowserLogin({ ports: [0] })
  openInBrowser(login.authUrl)
  const result = await login.result
  if (!result.success) throw new Error(`nobody logged in: ${result.reason}`)
}

/** A real host starts the user's browser here. */
function openInBrowser(url) {
  fetch(url).then(
    response => response.text(),
    () => {},
  )
}

const server = await startServer()
const home = mkdtempSync(path.join(tmpdir(), 'castellan-example-'))
try {
  const auth = await AuthManager.open({
    home,
    env: {},
    provider: codexProvider({ issuer: server.origin, exchangeApiKey: false, origins: [server.origin] }),
  })
  auth.on('poisoned', ({ failure }) => console.log(`the login is over: ${failure.reason}`))

  console.log(await ask(auth, `${server.origin}/api`))

  server.endAccessTokens()
  console.log(`after an hour: ${await ask(auth, `${server.origin}/api`)}`)

  for (const refusal of ['refresh_token_expired', 'refresh_token_reused', 'refresh_token_invalidated']) {
    server.endAccessTokens()
    server.refuseRefreshes(refusal)
    const before = server.refreshes()
    // A client that polls keeps showing who is logged in, gets no dead token, and costs one request in all.
    for (let poll = 0; poll < 100; poll++) {
      const status = await auth.getAuthStatus({ includeToken: true, refreshToken: true })
      if (status.authToken !== null || status.authMethod !== 'chatgpt') throw new Error('a dead token was handed out')
    }
    console.log(`100 polls made ${server.refreshes() - before} request`)
    console.log(`then: ${await ask(auth, `${server.origin}/api`)}`)
  }

  const { removed, revoked } = await auth.logout()
  console.log(`logged out: removed ${removed}, revoked ${revoked}`)
} finally {
  server.stop()
  rmSync(home, { recursive: true, force: true })
}

/** Rotates refresh tokens, counts refreshes, and refuses what it is told to. */
async function startServer() {
  let access = 0
  let refresh = 0
  let refreshes = 0
  let refusal
  const idToken = ['{"alg":"none"}', '{"email":"ada@example.test"}', 'signature']
    .map(part => Buffer.from(part).toString('base64url'))
    .join('.')
  const grant = more => ({ ...more, access_token: `access-${++access}`, refresh_token: `refresh-${++refresh}` })

  const routes = {
    '/oauth/authorize': ({ url, response }) => {
      const back = new URL(url.searchParams.get('redirect_uri'))
      back.searchParams.set('code', 'code')
      back.searchParams.set('state', url.searchParams.get('state'))
      response.writeHead(302, { location: back.href }).end()
    },
    '/oauth/token': ({ body, response }) => {
      if (body.startsWith('grant_type=authorization_code')) {
        refusal = undefined
        return response.end(JSON.stringify(grant({ id_token: idToken })))
      }
      refreshes++
      const error = refusal ?? (JSON.parse(body).refresh_token === `refresh-${refresh}` ? undefined : 'invalid_grant')
      if (error !== undefined) return response.writeHead(401).end(JSON.stringify({ error: { code: error } }))
      return response.end(JSON.stringify(grant({})))
    },
    '/oauth/revoke': ({ response }) => response.end('{}'),
    '/api': ({ request, response }) => {
      const known = request.headers.authorization === `Bearer access-${access}`
      response.writeHead(known ? 200 : 401).end(known ? 'the API answers' : '')
    },
  }
  const listener = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const url = new URL(request.url, 'http://127.0.0.1')
    const route = routes[url.pathname]
    if (route === undefined) response.writeHead(404).end()
    else route({ request, response, url, body })
  })
  await new Promise(done => listener.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${listener.address().port}`,
    refreshes: () => refreshes,
    endAccessTokens: () => void access++,
    refuseRefreshes(error) {
      refusal = error
    },
    stop() {
      listener.close()
      listener.closeAllConnections()
    },
  }
}
