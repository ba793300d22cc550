/**
 * The `fetch` that managers use unless they are given another one.
 *
 * Node's own, unless the environment names a proxy or further certificates (auth.md §5): then undici's, loaded at the first
 * request. A named certificate file that cannot be read fails the request: trusting less than asked for would only look
 * like a broken network.
 */
import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
import type { Fetch } from './refresh/http.ts'
import type { Environment } from './storage/home.ts'

export function defaultFetch(environment: Environment): Fetch {
  const first = (...names: readonly string[]) => names.map(name => environment[name]).find(Boolean)
  const certificates = first('CODEX_CA_CERTIFICATE', 'SSL_CERT_FILE')
  // Codex runs commands under Seatbelt without a network; a proxy would only hide that.
  const direct = environment['CODEX_SANDBOX'] === 'seatbelt'
  const proxies = {
    httpProxy: direct ? undefined : first('http_proxy', 'HTTP_PROXY'),
    httpsProxy: direct ? undefined : first('https_proxy', 'HTTPS_PROXY'),
    noProxy: first('no_proxy', 'NO_PROXY'),
  }
  if (!certificates && !proxies.httpProxy && !proxies.httpsProxy) return globalThis.fetch

  let dispatcher: Promise<Dispatcher> | undefined
  return (async (input, init) => {
    dispatcher ??= makeDispatcher(proxies, certificates)
    const { fetch } = await import('undici')
    return fetch(input as string, { ...(init as object), dispatcher: await dispatcher })
  }) as Fetch
}

async function makeDispatcher(
  { httpProxy, httpsProxy, noProxy }: Readonly<Record<'httpProxy' | 'httpsProxy' | 'noProxy', string | undefined>>,
  certificates: string | undefined,
): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici')
  const ca = certificates && [...rootCertificates, await readFile(certificates, 'utf8')]
  return new EnvHttpProxyAgent({
    // Empty, not absent: what is absent here would be taken from the environment of the process.
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy ?? '',
    ...(ca && { connect: { ca }, requestTls: { ca } }),
  })
}
