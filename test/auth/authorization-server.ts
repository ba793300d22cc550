/**
 * An authorization server that is not ours: `oidc-provider` on loopback and in memory, with refresh tokens that rotate and
 * whose reuse ends the grant. Counts what it grants and what it refuses.
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { codexProvider, type OAuthProvider } from '../../lib/auth/index.ts'

/** What is used of the package, which has no types of its own. */
interface Provider {
  callback(): RequestListener
  on(event: string, listener: (...details: unknown[]) => void): this
}
type ProviderClass = new (issuer: string, configuration: object) => Provider

export interface AuthorizationServer {
  readonly issuer: string
  readonly provider: OAuthProvider
  /** Token requests that were granted and refused, by grant type, and tokens that were revoked. */
  readonly counts: { codes: number; refreshes: number; refused: number; revoked: number }
  stop(): Promise<void>
}

// Computed: the package has no types.
const packageName: string = 'oidc-provider'

async function providerClass(): Promise<ProviderClass | undefined> {
  try {
    return ((await import(packageName)) as { Provider: ProviderClass }).Provider
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** Nothing when the package is not installed. */
export async function startAuthorizationServer(): Promise<AuthorizationServer | undefined> {
  const Provider = await providerClass()
  if (Provider === undefined) return undefined
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const authorization = new Provider(issuer, configuration)
  const counts = { codes: 0, refreshes: 0, refused: 0, revoked: 0 }
  authorization.on('grant.success', context => {
    if (grantOf(context) === 'refresh_token') counts.refreshes++
    else counts.codes++
  })
  authorization.on('grant.error', () => counts.refused++)
  authorization.on('grant.revoked', () => counts.revoked++)
  server.on('request', authorization.callback())
  return {
    issuer,
    provider: providerFor(issuer),
    counts,
    async stop() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
}

const grantOf = (context: unknown) => (context as { oidc: { params: { grant_type?: string } } }).oidc.params.grant_type

const clientId = 'castellan-test'

const configuration = {
  clients: [
    {
      client_id: clientId,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      // RFC 8252 §7.3: any port of the loopback address.
      redirect_uris: ['http://127.0.0.1/auth/callback'],
    },
  ],
  claims: { openid: ['sub'], email: ['email'] },
  conformIdTokenClaims: false,
  features: { revocation: { enabled: true, allowedPolicy: () => true } },
  rotateRefreshToken: true,
  cookies: { keys: ['only-for-tests'] },
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 60,
    IdToken: 3600,
    Interaction: 600,
    Session: 600,
    Grant: 3600,
    RefreshToken: 3600,
  },
  findAccount: (_context: unknown, accountId: string) => ({
    accountId,
    claims: () => ({ sub: accountId, email: `${accountId}@example.test` }),
  }),
}

function providerFor(issuer: string): OAuthProvider {
  return codexProvider({
    issuer,
    clientId,
    authorizationEndpoint: `${issuer}/auth`,
    tokenEndpoint: `${issuer}/token`,
    revocationEndpoint: `${issuer}/token/revocation`,
    refreshFormat: 'form',
    sendRefreshReason: false,
    scopes: ['openid', 'email', 'offline_access'],
    // OpenID Connect Core §11: offline access needs the user's consent.
    authorizationParameters: { prompt: 'consent' },
    exchangeApiKey: false,
    originator: 'castellan-test',
  })
}
