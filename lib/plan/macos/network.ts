/**
 * What a command may do on the network (spec/macos E.1). A `localhost` filter covers 127.0.0.1 and ::1 only, and the host part
 * of an address may only be `localhost` or `*`. Without any of these rules the default denies everything.
 */
import { type AbsolutePath, isAbsolute, normalizeAbsolute } from '../../policy/path.ts'
import type { ProfileParameters } from './parameters.ts'
import { allow, call, globalName, number, requireAll, type Sbpl, type SbplRule, symbol, tree } from './sbpl.ts'

export interface NetworkGrants {
  /** What the policy says. */
  readonly enabled: boolean
  /** Ports of proxies on this machine, where one is configured: then nothing else is reached, whatever the policy says. */
  readonly proxyPorts: readonly number[] | null
  /** The network is somebody's business: without a proxy it is closed. */
  readonly managed: boolean
  /** Servers on this machine, and connections to them. */
  readonly localBinding: boolean
  /** Canonical paths of unix sockets or of directories that hold them; `all` for every one. */
  readonly unixSockets: readonly string[] | 'all'
}

export const closedNetwork: NetworkGrants = {
  enabled: false,
  proxyPorts: null,
  managed: false,
  localBinding: false,
  unixSockets: [],
}

/** Names, certificates and routes: what a program asks for before it connects. */
const services = [
  'com.apple.bsd.dirhelper',
  'com.apple.system.opendirectoryd.membership',
  'com.apple.SecurityServer',
  'com.apple.networkd',
  'com.apple.ocspd',
  'com.apple.trustd.agent',
  'com.apple.SystemConfiguration.DNSConfiguration',
  'com.apple.SystemConfiguration.configd',
] as const

/** Closed, open, or only to what is on this machine. */
export function networkMode({ enabled, proxyPorts, managed, unixSockets }: NetworkGrants): 'off' | 'full' | 'local' {
  if (proxyPorts !== null || managed) return 'local'
  if (enabled) return 'full'
  return unixSockets === 'all' || unixSockets.length > 0 ? 'local' : 'off'
}

export function networkRules(grants: NetworkGrants, parameters: ProfileParameters): SbplRule[] {
  const mode = networkMode(grants)
  if (mode === 'off') return []
  return [
    ...(mode === 'full'
      ? [allow(['network-outbound']), allow(['network-inbound']), allow(['network-bind'])]
      : localRules(grants)),
    ...socketRules(grants.unixSockets, parameters),
    allow(
      ['system-socket'],
      [requireAll(call('socket-domain', symbol('AF_SYSTEM')), call('socket-protocol', number(2)))],
    ),
    allow(['mach-lookup'], services.map(globalName)),
    allow(['sysctl-read'], [call('sysctl-name-prefix', 'net.routetable')]),
  ]
}

/** The kernel's names of the sockets that a caller named. Relative ones mean no place and are passed over. */
export function socketPlaces(
  sockets: readonly string[] | 'all',
  canonical: (path: AbsolutePath) => AbsolutePath,
): NetworkGrants['unixSockets'] {
  return sockets === 'all' ? sockets : sockets.filter(isAbsolute).map(path => canonical(normalizeAbsolute(path)))
}

const remote = (address: string): Sbpl => call('remote', symbol('ip'), address)
const local = (address: string): Sbpl => call('local', symbol('ip'), address)

function localRules({ proxyPorts, localBinding }: NetworkGrants): SbplRule[] {
  const ports = [...new Set(proxyPorts ?? [])].sort((left, right) => left - right)
  const proxies =
    ports.length > 0
      ? [
          allow(
            ['network-outbound'],
            ports.map(port => remote(`localhost:${port}`)),
          ),
        ]
      : []
  if (!localBinding) return proxies
  return [
    ...proxies,
    allow(['network-bind'], [local('*:*')]),
    allow(['network-inbound'], [local('localhost:*')]),
    allow(['network-outbound'], [remote('localhost:*')]),
    // A proxy on this machine may leave the look-up of names to its clients.
    ...(ports.length > 0 ? [allow(['network-outbound'], [remote('*:53')])] : []),
  ]
}

function socketRules(sockets: NetworkGrants['unixSockets'], parameters: ProfileParameters): SbplRule[] {
  if (sockets !== 'all' && sockets.length === 0) return []
  const unix = symbol('unix-socket')
  const places: readonly (readonly Sbpl[])[] =
    sockets === 'all'
      ? [[]]
      : [...new Set(sockets)]
          .sort()
          .flatMap((path, index) => tree(parameters.add(`UNIX_SOCKET_PATH_${index}`, path)).map(place => [place]))
  return [
    allow(['system-socket'], [call('socket-domain', symbol('AF_UNIX'))]),
    allow(
      ['network-bind'],
      places.map(place => call('local', unix, ...place)),
    ),
    allow(
      ['network-outbound'],
      places.map(place => call('remote', unix, ...place)),
    ),
  ]
}
