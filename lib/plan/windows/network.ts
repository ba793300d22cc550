/** How the network is closed, and for which account (spec/windows H.3). */
import type { NetworkSandboxPolicy } from '../../policy/policy.ts'
import type { WindowsBackend } from './gate.ts'

/** `env-stubs`: variables and stub programs, which a command may pass by. `account-filter`: rules for the account. */
export type NetworkMode = 'open' | 'env-stubs' | 'account-filter'

export type Identity = 'offline' | 'online'

export interface NetworkAnswer {
  readonly network: NetworkMode
  /** Null where the command runs as the user. */
  readonly identity: Identity | null
}

export function networkAnswer(
  network: NetworkSandboxPolicy,
  backend: WindowsBackend,
  proxyEnforced: boolean,
): NetworkAnswer {
  const open = network === 'enabled' && !proxyEnforced
  if (backend === 'elevated') {
    return open ? { network: 'open', identity: 'online' } : { network: 'account-filter', identity: 'offline' }
  }
  return { network: open ? 'open' : 'env-stubs', identity: null }
}

/** A rule of the Windows firewall: outbound, blocking, for one account. */
export interface FirewallRule {
  readonly name: string
  /** IP protocol number: 6 TCP, 17 UDP, 256 any. */
  readonly protocol: 6 | 17 | 256
  readonly remoteAddresses: string
  /** Null: all. */
  readonly remotePorts: string | null
}

/** LocalUserAuthorizedList of a rule for one account. */
export function firewallAccount(sid: string): string {
  return `O:LSD:(A;;CC;;;${sid})`
}

const loopback = '127.0.0.0/8,::1'
const elsewhere = '0.0.0.0-126.255.255.255,128.0.0.0-255.255.255.255,::,::2-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'

export interface FirewallQuestion {
  /** Ports of proxies on this machine that stay reachable. */
  readonly proxyPorts: readonly number[]
  /** Servers on this machine, and connections to them. */
  readonly localBinding: boolean
}

/** The rules for the offline account, in the order in which they are made: what is closed first is closed for certain. */
export function firewallRules({ proxyPorts, localBinding }: FirewallQuestion): FirewallRule[] {
  const name = 'castellan_offline_block'
  const outside: FirewallRule = { name, protocol: 256, remoteAddresses: elsewhere, remotePorts: null }
  if (localBinding) return [outside]
  const ports = blockedPorts(proxyPorts)
  return [
    { name: `${name}_loopback_udp`, protocol: 17, remoteAddresses: loopback, remotePorts: null },
    ...(ports === null
      ? []
      : [{ name: `${name}_loopback_tcp`, protocol: 6 as const, remoteAddresses: loopback, remotePorts: ports }]),
    outside,
  ]
}

const LAST_PORT = 65_535

/** Every port but the allowed ones, as ranges: `1-8079,8081-65535`. Null when none is left. */
export function blockedPorts(allowed: readonly number[]): string | null {
  const kept = [...new Set(allowed)].filter(isPort).sort((left, right) => left - right)
  const ranges: string[] = []
  let next = 1
  for (const port of [...kept, LAST_PORT + 1]) {
    if (port > next) ranges.push(port - 1 === next ? String(next) : `${next}-${port - 1}`)
    next = port + 1
  }
  return ranges.length === 0 ? null : ranges.join(',')
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= LAST_PORT
}
