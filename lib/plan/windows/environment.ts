/**
 * The command's environment on Windows (spec/windows G.1): POSIX habits translated, pagers that do not wait, and, where nothing but
 * variables closes the network, the variables and stub programs that keep well-behaved programs from trying.
 */
import { getVariable, type Variables, variableKey } from './environment-names.ts'
import type { WindowsBackend } from './gate.ts'

export interface EnvironmentQuestion {
  readonly command: Variables
  /** Where PATH and PATHEXT come from when the command has none. */
  readonly host: Variables
  readonly backend: WindowsBackend
  /** The network is closed by variables and stubs. */
  readonly closesNetwork: boolean
  /** Proxies that the command names are the host's own and stay. */
  readonly managedProxy: boolean
  /** The directory of the stubs for `ssh` and `scp`. */
  readonly stubs: string | null
  /** The worktree's root, when git must be told that it may trust another owner's directory. */
  readonly gitRoot: string | null
}

export type Environment = Readonly<Record<string, string>>

/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9'
const DEFAULT_PATHEXT = '.COM;.EXE;.BAT;.CMD'

const proxies: readonly (readonly [string, string])[] = [
  ['HTTP_PROXY', NOWHERE],
  ['HTTPS_PROXY', NOWHERE],
  ['ALL_PROXY', NOWHERE],
  ['GIT_HTTP_PROXY', NOWHERE],
  ['GIT_HTTPS_PROXY', NOWHERE],
  ['NO_PROXY', 'localhost,127.0.0.1,::1'],
]

const offline: readonly (readonly [string, string])[] = [
  ['SBX_NONET_ACTIVE', '1'],
  ['PIP_NO_INDEX', '1'],
  ['PIP_DISABLE_PIP_VERSION_CHECK', '1'],
  ['NPM_CONFIG_OFFLINE', 'true'],
  ['CARGO_NET_OFFLINE', 'true'],
  ['GIT_SSH_COMMAND', 'cmd /c exit 1'],
  ['GIT_ALLOW_PROTOCOLS', ''],
  // The one that git reads: git(1), GIT_ALLOW_PROTOCOL.
  ['GIT_ALLOW_PROTOCOL', 'file'],
]

/** Variables by their names without case. Each keeps the spelling it came with; of two spellings the first stays. */
class VariableTable {
  readonly #byKey = new Map<string, readonly [string, string]>()

  constructor(given: Variables) {
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined && !this.#byKey.has(variableKey(name))) this.#byKey.set(variableKey(name), [name, value])
    }
  }

  get(name: string): string | undefined {
    return this.#byKey.get(variableKey(name))?.[1]
  }

  set(name: string, value: string): void {
    this.#byKey.set(variableKey(name), [this.#byKey.get(variableKey(name))?.[0] ?? name, value])
  }

  setMissing(name: string, value: string | undefined): void {
    if (value !== undefined && this.get(name) === undefined) this.set(name, value)
  }

  translate(change: (value: string) => string): void {
    for (const [key, [name, value]] of this.#byKey) this.#byKey.set(key, [name, change(value)])
  }

  toObject(): Environment {
    return Object.fromEntries(this.#byKey.values())
  }
}

function isNullDevice(value: string): boolean {
  return value.trim().toLowerCase() === '/dev/null'
}

/** Batch files come first, or a program on the path would be found before the stub of its name. */
function stubsFirst(extensions: string): string {
  const list = extensions.split(';').filter(extension => extension !== '')
  const isBatch = (extension: string) => /^\.(bat|cmd)$/i.test(extension)
  const batch = list.filter(isBatch).sort((left, right) => (left.toLowerCase() < right.toLowerCase() ? -1 : 1))
  return [...batch, ...list.filter(extension => !isBatch(extension))].join(';')
}

function addTrust(variables: VariableTable, gitRoot: string): void {
  const given = variables.get('GIT_CONFIG_COUNT') ?? ''
  const count = /^[0-9]{1,6}$/.test(given) ? Number(given) : 0
  variables.set('GIT_CONFIG_COUNT', String(count + 1))
  variables.set(`GIT_CONFIG_KEY_${count}`, 'safe.directory')
  variables.set(
    `GIT_CONFIG_VALUE_${count}`,
    gitRoot.replaceAll('\\', '/').replace(/^\/\/\?\/(?:UNC\/)?/i, withoutVerbatim),
  )
}

function withoutVerbatim(prefix: string): string {
  return prefix.length > 4 ? '//' : ''
}

function closeNetwork(variables: VariableTable, managedProxy: boolean, stubs: string | null): void {
  for (const [name, value] of proxies) {
    if (managedProxy) variables.setMissing(name, value)
    else variables.set(name, value)
  }
  for (const [name, value] of offline) variables.set(name, value)
  variables.set('PATHEXT', stubsFirst(variables.get('PATHEXT') ?? DEFAULT_PATHEXT))
  if (stubs === null) return
  const path = variables.get('PATH')
  if (path?.split(';')[0]?.toLowerCase() === stubs.toLowerCase()) return
  variables.set('PATH', path === undefined || path === '' ? stubs : `${stubs};${path}`)
}

export function windowsEnvironment(question: EnvironmentQuestion): Environment {
  const { command, host, backend, closesNetwork, managedProxy, stubs, gitRoot } = question
  const variables = new VariableTable(command)
  variables.translate(value => (isNullDevice(value) ? 'NUL' : value))
  variables.setMissing('GIT_PAGER', 'more.com')
  variables.setMissing('PAGER', 'more.com')
  variables.setMissing('LESS', '')
  variables.setMissing('PATH', getVariable(host, 'PATH'))
  variables.setMissing('PATHEXT', getVariable(host, 'PATHEXT'))
  if (backend === 'elevated') {
    if (gitRoot !== null) addTrust(variables, gitRoot)
  } else if (closesNetwork) closeNetwork(variables, managedProxy, stubs)
  return variables.toObject()
}
