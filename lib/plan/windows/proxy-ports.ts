/** The ports of proxies on this machine that the offline account may reach, from the command's variables (spec/windows H.3). */
import { type Variables, variableKey } from './environment-names.ts'

const names = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'WS_PROXY', 'WSS_PROXY'])

/** An opened port is a hole, so nothing is guessed: the address names its scheme, a host that is this machine, and the port. */
const address =
  /^\s*[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(?:localhost|127\.0\.0\.1|\[::1\]):([0-9]{1,5})(?:[/?#]\S*)?\s*$/i

/** Sorted, without repeats. */
export function loopbackProxyPorts(variables: Variables): number[] {
  const ports = Object.entries(variables).flatMap(([name, value]) => {
    const found = names.has(variableKey(name)) ? address.exec(value ?? '') : null
    const port = Number(found?.[1] ?? 0)
    return port >= 1 && port <= 65_535 ? port : []
  })
  return [...new Set(ports)].sort((left, right) => left - right)
}
