/**
 * Which proxies of the environment a command in proxy mode may reach, and what its environment says instead
 * (spec/linux 8). Pure; values may hold credentials, so none of them is ever part of a message.
 */

/** Names are compared without case. */
const names = new Set([
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'FTP_PROXY',
  'YARN_HTTP_PROXY',
  'YARN_HTTPS_PROXY',
  'NPM_CONFIG_HTTP_PROXY',
  'NPM_CONFIG_HTTPS_PROXY',
  'NPM_CONFIG_PROXY',
  'BUNDLE_HTTP_PROXY',
  'BUNDLE_HTTPS_PROXY',
  'PIP_PROXY',
  'DOCKER_HTTP_PROXY',
  'DOCKER_HTTPS_PROXY',
])

export interface ProxyEndpoint {
  readonly host: '127.0.0.1' | '::1'
  readonly port: number
}

export interface ProxyRoutes {
  /** What each port of the command's own loopback leads to. */
  readonly endpoints: ReadonlyMap<number, ProxyEndpoint>
  /** The variables that name a proxy, as the command gets them. */
  readonly environment: Readonly<Record<string, string>>
}

/** `none`: no variable names a proxy. `unusable`: some do, none of them one on loopback. */
export type ProxyObstacle = 'none' | 'unusable'

export function proxyRoutes(env: Readonly<Record<string, string | undefined>>): ProxyRoutes | ProxyObstacle {
  const given = Object.entries(env).flatMap(([name, value = '']) =>
    names.has(name.toUpperCase()) && value.trim() !== '' ? [{ name, value: value.trim() }] : [],
  )
  const routed = given.flatMap(({ name, value }) => {
    const address = loopbackAddress(value)
    return address === null ? [] : [{ name, value, ...address }]
  })
  if (routed.length === 0) return given.length === 0 ? 'none' : 'unusable'
  const ports = portsFor(routed.map(({ endpoint }) => endpoint))
  return {
    endpoints: new Map(routed.map(({ endpoint }) => [ports.get(keyOf(endpoint))!, endpoint])),
    environment: Object.fromEntries(
      routed.map(({ name, value, url, endpoint }) => [name, rewritten(value, url, ports.get(keyOf(endpoint))!)]),
    ),
  }
}

interface LoopbackAddress {
  readonly url: URL
  readonly endpoint: ProxyEndpoint
}

function loopbackAddress(value: string): LoopbackAddress | null {
  const text = hasScheme(value) ? value : `http://${value}`
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const host = loopbackHost(url.hostname.toLowerCase())
  const port = url.port === '' ? defaultPort(url.protocol) : Number(url.port)
  return host === null || port === 0 ? null : { url, endpoint: { host, port } }
}

const hasScheme = (value: string) => value.includes('://')

function loopbackHost(name: string): ProxyEndpoint['host'] | null {
  if (name === 'localhost' || name === '127.0.0.1') return '127.0.0.1'
  return name === '[::1]' ? '::1' : null
}

function defaultPort(protocol: string): number {
  if (protocol === 'https:') return 443
  return ['socks5:', 'socks5h:', 'socks4:', 'socks4a:'].includes(protocol) ? 1080 : 80
}

const keyOf = ({ host, port }: ProxyEndpoint) => `${host} ${port}`

/** Below the ports that the kernel gives to outgoing connections; every one is free in a network of its own. */
const firstPort = 20_080

function portsFor(endpoints: readonly ProxyEndpoint[]): ReadonlyMap<string, number> {
  const ports = new Map<string, number>()
  const taken = new Set(endpoints.map(({ port }) => port))
  let next = firstPort
  for (const endpoint of endpoints) {
    const key = keyOf(endpoint)
    if (ports.has(key)) continue
    // Never the proxy's own number: what still names that one must fail, not seem to work.
    while (taken.has(next)) next++
    ports.set(key, next++)
  }
  return ports
}

/** The same URL with another host and port; without the scheme or the closing slash that it did not have. */
function rewritten(value: string, url: URL, port: number): string {
  const changed = new URL(url.href)
  changed.hostname = '127.0.0.1'
  changed.port = String(port)
  let text = changed.href
  if (!hasScheme(value)) text = text.slice(text.indexOf('://') + 3)
  return text.endsWith('/') && !value.endsWith('/') ? text.slice(0, -1) : text
}
