/** The ports of proxies on this machine, from the variables that programs read (spec/macos E.1). Pure. */

const names = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'WS_PROXY',
  'WSS_PROXY',
  'ALL_PROXY',
  'FTP_PROXY',
  'YARN_HTTP_PROXY',
  'YARN_HTTPS_PROXY',
  'NPM_CONFIG_PROXY',
  'NPM_CONFIG_HTTP_PROXY',
  'NPM_CONFIG_HTTPS_PROXY',
  'BUNDLE_HTTP_PROXY',
  'BUNDLE_HTTPS_PROXY',
  'PIP_PROXY',
  'DOCKER_HTTP_PROXY',
  'DOCKER_HTTPS_PROXY',
]

const defaultPorts: Readonly<Record<string, number>> = {
  https: 443,
  wss: 443,
  socks: 1080,
  socks4: 1080,
  socks4a: 1080,
  socks5: 1080,
  socks5h: 1080,
}

const loopbackHosts = new Set(['localhost', '127.0.0.1', '::1'])

export interface ProxyFindings {
  /** At least one variable has a value. */
  readonly configured: boolean
  /** Sorted, without repeats. */
  readonly ports: readonly number[]
}

export function findProxyPorts(env: Readonly<Record<string, string | undefined>>): ProxyFindings {
  const values = names
    .flatMap(name => [env[name], env[name.toLowerCase()]])
    .map(value => value?.trim())
    .filter((value): value is string => value !== undefined && value !== '')
  const ports = values.map(loopbackPort).filter(port => port !== null)
  return { configured: values.length > 0, ports: [...new Set(ports)].sort((left, right) => left - right) }
}

/** The port of a proxy address when its host is this machine: `http://user@[::1]:8080/`, `localhost:3128`. */
export function loopbackPort(address: string): number | null {
  const found = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#[\]]*)(?::(\d*))?(?:[/?#]|$)/i.exec(
    address,
  )
  if (found === null) return null
  const [, scheme = 'http', host = '', digits = ''] = found
  if (!loopbackHosts.has(host.replace(/^\[(.*)\]$/, '$1').toLowerCase())) return null
  const port = digits === '' ? (defaultPorts[scheme.toLowerCase()] ?? 80) : Number(digits)
  return port >= 1 && port <= 65535 ? port : null
}
