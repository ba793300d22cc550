/** What the elevated setup helper is told, as the one argument it is started with: base64 of JSON (spec/windows H.2). */
import type { WindowsPlan } from './plan.ts'
import { SETUP_VERSION } from './setup-status.ts'
import type { SetupMode } from './setup-steps.ts'
import { windowsPathOrNull } from './windows-path.ts'

export interface SetupPayload {
  readonly version: typeof SETUP_VERSION
  readonly mode: SetupMode
  readonly offline_username: string
  readonly online_username: string
  readonly state_directory: string
  readonly command_cwd: string
  readonly read_roots: readonly string[]
  readonly write_roots: readonly string[]
  readonly deny_read_paths: readonly string[]
  readonly deny_write_paths: readonly string[]
  readonly proxy_ports: readonly number[]
  readonly allow_local_binding: boolean
  /** Who may use the accounts. */
  readonly real_user: string
}

export const accountNames = {
  offline: 'CastellanOffline',
  online: 'CastellanOnline',
  group: 'CastellanSandbox',
} as const

export interface PayloadQuestion {
  /** Whose access lists the setup changes too; null for a setup that changes none. */
  readonly plan: WindowsPlan | null
  readonly mode: SetupMode
  readonly stateDirectory: string
  readonly proxyPorts: readonly number[]
  readonly localBinding: boolean
  readonly realUser: string
}

export function makeSetupPayload(question: PayloadQuestion): SetupPayload {
  const { plan, mode, stateDirectory, proxyPorts, localBinding, realUser } = question
  return {
    version: SETUP_VERSION,
    mode,
    offline_username: accountNames.offline,
    online_username: accountNames.online,
    state_directory: stateDirectory,
    command_cwd: plan?.cwd ?? stateDirectory,
    read_roots: plan?.readRoots ?? [],
    write_roots: plan?.allowWrite ?? [],
    deny_read_paths: plan?.denyRead ?? [],
    deny_write_paths: plan?.denyWrite ?? [],
    proxy_ports: proxyPorts,
    allow_local_binding: localBinding,
    real_user: realUser,
  }
}

export function encodeSetupPayload(payload: SetupPayload): string {
  const bytes = new TextEncoder().encode(JSON.stringify(payload))
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
}

type Members = Readonly<Record<string, unknown>>

function jsonOf(argument: string): Members | null {
  try {
    const bytes = Uint8Array.from(atob(argument), character => character.charCodeAt(0))
    // What is no object has none of the members that are asked for.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Members | null
  } catch {
    return null
  }
}

const pathLists = ['read_roots', 'write_roots', 'deny_read_paths', 'deny_write_paths'] as const
const paths = ['state_directory', 'command_cwd'] as const
const names = ['offline_username', 'online_username', 'real_user'] as const
const modes: readonly unknown[] = ['full', 'provision-only', 'refresh'] satisfies SetupMode[]

function isPath(value: unknown): boolean {
  return typeof value === 'string' && windowsPathOrNull(value) === value
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536
}

function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is)
}

/** Null for anything that is not exactly a payload: the helper acts with all rights, so it guesses nothing. */
export function readSetupPayload(argument: string): SetupPayload | null {
  const given = jsonOf(argument)
  if (given?.['version'] !== SETUP_VERSION || !modes.includes(given['mode'])) return null
  const known = new Set<string>([
    'version',
    'mode',
    'proxy_ports',
    'allow_local_binding',
    ...pathLists,
    ...paths,
    ...names,
  ])
  const right =
    Object.keys(given).every(name => known.has(name)) &&
    pathLists.every(name => isListOf(given[name], isPath)) &&
    paths.every(name => isPath(given[name])) &&
    names.every(name => typeof given[name] === 'string' && given[name] !== '') &&
    isListOf(given['proxy_ports'], isPort) &&
    typeof given['allow_local_binding'] === 'boolean'
  return right ? (given as unknown as SetupPayload) : null
}

/** The account that a run of the plan works as. */
export function accountOf(plan: WindowsPlan): string | null {
  if (plan.identity === null) return null
  return accountNames[plan.identity]
}
