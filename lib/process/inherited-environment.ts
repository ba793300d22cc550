/**
 * Which variables of the host a command gets: `inheritEnv`. Names alone decide, but for values that hold a password in a URL.
 */
import { OptionError } from '../errors.ts'
import type { Environment } from './environment.ts'

/**
 * `all`: everything. `core`: what programs need to find their way (`PATH`, `HOME`, the locale, the terminal). `sanitized`:
 * everything but what looks like a secret, reaches an agent or a daemon, or makes programs load code. `none`: nothing. Or
 * the names themselves; `*` stands for any characters: `['PATH', 'LC_*', 'npm_config_*']`.
 */
export type InheritEnv = 'all' | 'core' | 'sanitized' | 'none' | readonly string[]

const core = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TERM',
  'COLORTERM',
  'NO_COLOR',
  'LANG',
  'LANGUAGE',
  'LC_*',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
]

/** Upper case; the name is compared in upper case. */
const secretWords =
  /KEY|SECRET|TOKEN|PASS(WORD|WD|PHRASE)?($|_)|CREDENTIAL|AUTH|COOKIE|SESSION|BEARER|PRIVATE|SIGNATURE|CERT/
/** They lead to whoever answers outside the sandbox. */
const doors = /_SOCK$|_SOCKET$|^DBUS_|^DOCKER_|^CONTAINER_HOST$|^KUBECONFIG$|^GPG_|^SSH_|^WAYLAND_DISPLAY$|^DISPLAY$/
/** They make programs load or run something. */
const loaders =
  /^LD_|^DYLD_|^NODE_OPTIONS$|^NODE_PATH$|^PYTHON(STARTUP|PATH|HOME)$|^PERL5(OPT|LIB)$|^RUBY(OPT|LIB)$|^BASH_ENV$|^BASH_FUNC|^ENV$|^GIT_(ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND|SSH|SSH_COMMAND|CONFIG.*)$|^(JAVA_TOOL|_JAVA)_OPTIONS$|^PROMPT_COMMAND$/
const passwordInUrl = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*:[^/?#\s]*@/i

function looksHarmless(name: string, value: string): boolean {
  const upper = name.toUpperCase()
  return !secretWords.test(upper) && !doors.test(upper) && !loaders.test(upper) && !passwordInUrl.test(value)
}

/** Throws OptionError (`ERR_INVALID_OPTION`) for anything but a word of `InheritEnv` or a list of names. */
export function checkInheritEnv(rule: unknown): void {
  if (rule === undefined || (typeof rule === 'string' && ['all', 'core', 'sanitized', 'none'].includes(rule))) return
  if (!Array.isArray(rule)) {
    throw new OptionError('inheritEnv', "inheritEnv must be 'all', 'core', 'sanitized', 'none' or an array of names")
  }
  for (const [index, name] of rule.entries()) {
    if (typeof name === 'string' && name !== '' && !/[=\0]/.test(name)) continue
    throw new OptionError(`inheritEnv[${index}]`, `inheritEnv[${index}] is not the name of a variable`)
  }
}

/** The variables of `host` that the rule lets through. */
export function inheritedEnvironment(rule: InheritEnv, host: Environment): Environment {
  if (rule === 'all') return host
  if (rule === 'none') return {}
  const entries = Object.entries(host).filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (rule === 'sanitized') return Object.fromEntries(entries.filter(([name, value]) => looksHarmless(name, value)))
  const wanted = (rule === 'core' ? core : rule).map(matcher)
  return Object.fromEntries(entries.filter(([name]) => wanted.some(matches => matches(name))))
}

function matcher(pattern: string): (name: string) => boolean {
  if (!pattern.includes('*')) return name => name === pattern
  const expression = new RegExp(
    `^${pattern
      .split('*')
      .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  )
  return name => expression.test(name)
}
