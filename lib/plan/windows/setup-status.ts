/** Whether the elevated backend is set up for what is asked of it (spec/windows H.1). Marker last: without one nothing is ready. */
import type { Identity } from './network.ts'

/** Of the marker and of the users file. */
export const SETUP_VERSION = 5

export interface SetupMarker {
  readonly version: typeof SETUP_VERSION
  readonly offline_username: string
  readonly online_username: string
  readonly created_at?: string
  readonly proxy_ports: readonly number[]
  readonly allow_local_binding: boolean
  /** What the setup could not do, and does not need. */
  readonly notices: readonly string[]
}

export interface SetupUser {
  readonly username: string
  /** Base64 of a protected blob; never the password. */
  readonly password: string
}

export interface SetupUsers {
  readonly version: typeof SETUP_VERSION
  readonly offline: SetupUser
  readonly online: SetupUser
}

export type SetupStatus =
  | 'ready'
  | 'marker-missing-or-incompatible'
  | 'offline-network-settings-changed'
  | 'users-missing-or-incompatible'

/** What is no object has no members. */
function membersOf(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(text ?? 'null') }
  } catch {
    return {}
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Null for a text that is no marker of this version. */
export function readSetupMarker(text: string | null): SetupMarker | null {
  const given = membersOf(text)
  if (given['version'] !== SETUP_VERSION) return null
  const {
    offline_username,
    online_username,
    created_at,
    proxy_ports = [],
    allow_local_binding = false,
    notices = [],
  } = given
  if (!isName(offline_username) || !isName(online_username) || typeof allow_local_binding !== 'boolean') return null
  if (!Array.isArray(proxy_ports) || !proxy_ports.every(port => Number.isInteger(port))) return null
  return {
    version: SETUP_VERSION,
    offline_username,
    online_username,
    ...(typeof created_at === 'string' ? { created_at } : {}),
    proxy_ports,
    allow_local_binding,
    notices: Array.isArray(notices) ? notices.filter(notice => typeof notice === 'string') : [],
  }
}

function readUser(value: unknown): SetupUser | null {
  if (typeof value !== 'object' || value === null) return null
  const { username, password } = value as Readonly<Record<string, unknown>>
  return isName(username) && isName(password) ? { username, password } : null
}

/** Null for a text that is no users file of this version. */
export function readSetupUsers(text: string | null): SetupUsers | null {
  const given = membersOf(text)
  if (given['version'] !== SETUP_VERSION) return null
  const offline = readUser(given['offline'])
  const online = readUser(given['online'])
  return offline === null || online === null ? null : { version: SETUP_VERSION, offline, online }
}

export interface SetupStatusQuestion {
  /** The files' texts; null where there is none. */
  readonly marker: string | null
  readonly users: string | null
  readonly identity: Identity
  readonly proxyPorts: readonly number[]
  readonly localBinding: boolean
}

function samePorts(left: readonly number[], right: readonly number[]): boolean {
  const sorted = (ports: readonly number[]) => [...new Set(ports)].sort((one, other) => one - other).join()
  return sorted(left) === sorted(right)
}

export function setupStatus(question: SetupStatusQuestion): SetupStatus {
  const marker = readSetupMarker(question.marker)
  if (marker === null) return 'marker-missing-or-incompatible'
  const sameNetwork =
    samePorts(marker.proxy_ports, question.proxyPorts) && marker.allow_local_binding === question.localBinding
  if (question.identity === 'offline' && !sameNetwork) return 'offline-network-settings-changed'
  const users = readSetupUsers(question.users)
  // The rules of the firewall are for the accounts that the marker names.
  const sameUsers =
    users?.offline.username === marker.offline_username && users.online.username === marker.online_username
  return sameUsers ? 'ready' : 'users-missing-or-incompatible'
}
