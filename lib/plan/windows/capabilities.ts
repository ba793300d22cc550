/**
 * Capabilities: made-up security identifiers, one per place or per purpose, that a restricted token holds and access lists name
 * (spec/windows F, H.1). The plan knows them by role; the store gives each role its identifier.
 */
import type { AbsolutePath } from '../../policy/path.ts'
import { windowsPathOf } from './places.ts'
import { pathKey } from './windows-path.ts'

/** `readonly`, `workspace`, `cwd:KEY` or `root:KEY`. */
export type CapabilityRole = 'readonly' | 'workspace' | `cwd:${string}` | `root:${string}`

/** Besides capabilities: the group of the sandbox's accounts. */
export type Role = CapabilityRole | 'group'

/**
 * `per-root`: one for every writable root, so that no workspace can write another's. `shared`: one for the working directory, one
 * for everything else (the reference until 2026-03).
 */
export type CapabilityScheme = 'per-root' | 'shared'

export function capabilityKey(path: AbsolutePath): string {
  const plain = windowsPathOf(path)
  return plain === null ? path : pathKey(plain)
}

/** The capability that a grant for this root names. */
export function roleOfRoot(root: AbsolutePath, cwd: AbsolutePath, scheme: CapabilityScheme): CapabilityRole {
  if (root === cwd) return `cwd:${capabilityKey(root)}`
  return scheme === 'shared' ? 'workspace' : `root:${capabilityKey(root)}`
}

/** What the token holds. */
export function rolesOfToken(
  roots: readonly AbsolutePath[],
  cwd: AbsolutePath,
  scheme: CapabilityScheme,
): CapabilityRole[] {
  if (roots.length === 0) return ['readonly']
  if (scheme === 'shared') return ['workspace', `cwd:${capabilityKey(cwd)}`]
  return roots.map(root => roleOfRoot(root, cwd, scheme))
}

/**
 * `S-1-5-21-a-b-c-d` with four random numbers. Accounts have this form too (a domain's three numbers and one of their own), so
 * nothing but 128 random bits keeps an account from being named; the helper refuses what lies in a domain that it knows.
 */
export type Sid = `S-1-${string}`

export interface CapabilityStore {
  readonly version: 1
  readonly sids: Readonly<Record<string, Sid>>
}

export const emptyCapabilityStore: CapabilityStore = Object.freeze({ version: 1, sids: Object.freeze({}) })

const capabilitySid = /^S-1-5-21(-(?:0|[1-9][0-9]{0,9})){4}$/

export function isCapabilitySid(text: unknown): text is Sid {
  if (typeof text !== 'string' || !capabilitySid.test(text)) return false
  return text.split('-').every((part, index) => index < 4 || Number(part) <= 0xffff_ffff)
}

/** The identifier that sixteen random bytes give. */
export function sidFromBytes(bytes: Uint8Array): Sid {
  if (bytes.length !== 16) throw new RangeError(`a capability takes 16 random bytes, found ${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const numbers = [0, 4, 8, 12].map(offset => view.getUint32(offset, true))
  return `S-1-5-21-${numbers.join('-')}`
}

/**
 * Reads the store. Null for anything that is not one: whoever asks must stop then, since new identifiers would leave the entries
 * of the old ones on the disk with nobody to remove them.
 */
export function readCapabilityStore(text: string): CapabilityStore | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return null
  const sids = 'sids' in value ? value.sids : null
  if (typeof sids !== 'object' || sids === null || Array.isArray(sids)) return null
  const entries = Object.entries(sids)
  const distinct = new Set(entries.map(([, sid]) => sid))
  if (!entries.every(([, sid]) => isCapabilitySid(sid)) || distinct.size !== entries.length) return null
  return { version: 1, sids: Object.freeze(Object.fromEntries(entries)) }
}

/** The store with an identifier for each role; what is there stays. `random` gives sixteen bytes from a cryptographic source. */
export function withRoles(
  store: CapabilityStore,
  roles: readonly CapabilityRole[],
  random: () => Uint8Array,
): CapabilityStore {
  const sids: Record<string, Sid> = { ...store.sids }
  const taken = new Set<string>(Object.values(sids))
  for (const role of roles) {
    if (Object.hasOwn(sids, role)) continue
    let sid = sidFromBytes(random())
    while (taken.has(sid)) sid = sidFromBytes(random())
    taken.add(sid)
    sids[role] = sid
  }
  return { version: 1, sids: Object.freeze(sids) }
}
