/**
 * Whether a rule that the firewall gives back is the one that was set. It spells addresses in its own way (`127.0.0.0/255.0.0.0`
 * for `127.0.0.0/8`), so lists are compared by the addresses that they stand for. Source: Microsoft, "INetFwRule::get_RemoteAddresses".
 */
import type { FirewallRule } from './network.ts'

/** The rule as it is set, and as it is found. */
export interface AccountFirewallRule extends Omit<FirewallRule, 'protocol'> {
  readonly protocol: number
  /** Security descriptor (SDDL) that names the account. */
  readonly localUsers: string
}

export interface FoundFirewallRule extends AccountFirewallRule {
  /** Enabled, outbound, blocking, in every profile, for every program and interface. */
  readonly isWhole: boolean
}

/** Addresses as numbers, both ends included. */
interface Range {
  readonly bits: 32 | 128
  readonly first: bigint
  readonly last: bigint
}

type Address = Omit<Range, 'last'>

function ipv4(text: string): Address | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return null
  return { bits: 32, first: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) }
}

function ipv6(text: string): Address | null {
  const halves = text.split('::').map(half => (half === '' ? [] : half.split(':')))
  const given = halves.flat()
  const missing = 8 - given.length
  if (halves.length > 2 || !given.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return null
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...halves[0]!, ...Array<string>(missing).fill('0'), ...(halves[1] ?? [])]
  return { bits: 128, first: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) }
}

const addressOf = (text: string) => (text.includes(':') ? ipv6(text) : ipv4(text))

/** How many bits of the front are fixed: `8`, or `255.0.0.0`. */
function prefixOf(text: string, bits: number): number | null {
  if (/^[0-9]{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : null
  const mask = ipv4(text)
  if (mask === null || bits !== 32) return null
  const ones = mask.first.toString(2).padStart(32, '0')
  return /^1*0*$/.test(ones) ? ones.lastIndexOf('1') + 1 : null
}

function rangeOf(text: string): Range | null {
  const [head = '', tail] = text.split(/[-/]/)
  const address = addressOf(head)
  if (address === null || text.split(/[-/]/).length > 2) return null
  const { bits, first } = address
  if (tail === undefined) return { ...address, last: first }
  if (text.includes('-')) {
    const end = addressOf(tail)
    return end?.bits === bits && end.first >= first ? { ...address, last: end.first } : null
  }
  const prefix = prefixOf(tail, bits)
  if (prefix === null) return null
  const free = (1n << BigInt(bits - prefix)) - 1n
  return { bits, first: first & ~free, last: first | free }
}

/** What a list stands for, in one spelling; null where it cannot be read. */
export function canonicalAddresses(list: string): string | null {
  const ranges = list.split(',').map(item => rangeOf(item.trim()))
  if (!ranges.every(range => range !== null)) return null
  const sorted = ranges.sort((left, right) => left.bits - right.bits || (left.first < right.first ? -1 : 1))
  const joined: Range[] = []
  for (const range of sorted) {
    const before = joined.at(-1)
    const touches = before?.bits === range.bits && range.first <= before.last + 1n
    if (!touches) joined.push(range)
    else if (range.last > before.last) joined[joined.length - 1] = { ...before, last: range.last }
  }
  return joined.map(({ bits, first, last }) => `${bits}:${first.toString(16)}-${last.toString(16)}`).join()
}

export function isRuleInForce(wanted: AccountFirewallRule, found: FoundFirewallRule | null): boolean {
  if (found === null || !found.isWhole) return false
  const addresses = canonicalAddresses(wanted.remoteAddresses)
  return (
    found.name === wanted.name &&
    found.protocol === wanted.protocol &&
    found.localUsers === wanted.localUsers &&
    found.remotePorts === wanted.remotePorts &&
    addresses !== null &&
    canonicalAddresses(found.remoteAddresses) === addresses
  )
}
