/**
 * The helper's command line (spec/linux 2): what every caller of `codex-linux-sandbox` may write, in any version of the
 * model. Nothing is ignored: an option that is not known, given twice, or without its value is refused.
 */
import { PolicyError } from '../errors.ts'
import { parseFileSystemPolicy, parseLegacyPolicy, parseNetworkPolicy } from '../policy/parse.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy } from '../policy/policy.ts'
import { parseRuntimeProfile, policyOfProfile } from '../policy/runtime-profile.ts'

export interface SplitPolicies {
  readonly fileSystem: FileSystemSandboxPolicy
  readonly network: NetworkSandboxPolicy
}

export interface HelperCommandLine {
  /** As given. */
  readonly policyDirectory: string
  readonly commandDirectory: string | undefined
  readonly legacy: LegacySandboxPolicy | undefined
  readonly fileSystem: FileSystemSandboxPolicy | undefined
  readonly network: NetworkSandboxPolicy | undefined
  /** The later form, in place of the three above. */
  readonly profile: SplitPolicies | undefined
  readonly legacyLandlock: boolean
  readonly innerStage: boolean
  readonly proxied: boolean
  /** JSON, as given. */
  readonly routeSpec: string | undefined
  readonly noProc: boolean
  readonly inheritPidNamespace: boolean
  readonly command: readonly string[]
}

/** A command line that cannot be read; the program ends with 2. */
export class HelperUsageError extends Error {
  override get name(): string {
    return 'HelperUsageError'
  }
}

const valued = [
  '--sandbox-policy-cwd',
  '--command-cwd',
  '--sandbox-policy',
  '--file-system-sandbox-policy',
  '--network-sandbox-policy',
  '--permission-profile',
  '--proxy-route-spec',
] as const
const flags = [
  '--use-legacy-landlock',
  '--apply-seccomp-then-exec',
  '--allow-network-for-proxy',
  '--no-proc',
  '--inherit-pid-namespace',
] as const
const oldPolicies = ['--sandbox-policy', '--file-system-sandbox-policy', '--network-sandbox-policy'] as const

type ValuedOption = (typeof valued)[number]
type Flag = (typeof flags)[number]

interface Words {
  readonly values: ReadonlyMap<ValuedOption, string>
  readonly flags: ReadonlySet<Flag>
  readonly command: readonly string[]
}

/** `help`: the text was asked for. Throws HelperUsageError. */
export function readHelperCommandLine(args: readonly string[]): HelperCommandLine | 'help' {
  const words = splitWords(args)
  if (words === 'help') return words
  const { values, flags: given, command } = words
  const policyDirectory = values.get('--sandbox-policy-cwd')
  if (policyDirectory === undefined) throw new HelperUsageError('the option --sandbox-policy-cwd DIR is required')
  const other = oldPolicies.find(option => values.has(option))
  if (values.has('--permission-profile') && other !== undefined) {
    throw new HelperUsageError(`--permission-profile cannot be used with ${other}`)
  }
  return {
    policyDirectory,
    commandDirectory: values.get('--command-cwd'),
    legacy: policy(values, '--sandbox-policy', json => parseLegacyPolicy(json, exactly)),
    fileSystem: policy(values, '--file-system-sandbox-policy', json => parseFileSystemPolicy(json, exactly)),
    network: policy(values, '--network-sandbox-policy', parseNetworkPolicy),
    profile: policy(values, '--permission-profile', json => policyOfProfile(parseRuntimeProfile(json, exactly))),
    legacyLandlock: given.has('--use-legacy-landlock'),
    innerStage: given.has('--apply-seccomp-then-exec'),
    proxied: given.has('--allow-network-for-proxy'),
    routeSpec: values.get('--proxy-route-spec'),
    noProc: given.has('--no-proc'),
    inheritPidNamespace: given.has('--inherit-pid-namespace'),
    command,
  }
}

// A member that this version does not know may take something away: it is refused, not passed over.
const exactly = { unknownMembers: 'refuse' } as const

function splitWords(args: readonly string[]): Words | 'help' {
  const values = new Map<ValuedOption, string>()
  const given = new Set<Flag>()
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!
    if (word === '--') return { values, flags: given, command: args.slice(at + 1) }
    // A lone dash is no option, and the first word that is none begins the command.
    if (!word.startsWith('-') || word === '-') return { values, flags: given, command: args.slice(at) }
    if (word === '--help' || word === '-h') return 'help'
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    if (isFlag(name)) {
      if (equals >= 0) throw new HelperUsageError(`the option ${name} takes no value`)
      if (given.has(name)) throw new HelperUsageError(`the option ${name} was given twice`)
      given.add(name)
    } else if (isValued(name)) {
      if (values.has(name)) throw new HelperUsageError(`the option ${name} was given twice`)
      values.set(name, required(name, equals < 0 ? nextWord(args[++at]) : word.slice(equals + 1)))
    } else throw new HelperUsageError(`there is no option ${JSON.stringify(name)}`)
  }
  return { values, flags: given, command: [] }
}

const isFlag = (name: string): name is Flag => flags.some(flag => flag === name)
const isValued = (name: string): name is ValuedOption => valued.some(option => option === name)

/** A word that looks like an option is none's value: `--command-cwd --no-proc` is a forgotten value. */
function nextWord(word: string | undefined): string {
  return word === undefined || (word.startsWith('-') && word !== '-') ? '' : word
}

function required(name: string, value: string): string {
  if (value === '') throw new HelperUsageError(`the option ${name} needs a value`)
  return value
}

function policy<Value>(
  values: Words['values'],
  option: ValuedOption,
  read: (json: unknown) => Value,
): Value | undefined {
  const text = values.get(option)
  if (text === undefined) return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new HelperUsageError(`the value of ${option} is not JSON`)
  }
  try {
    return read(json)
  } catch (error) {
    if (error instanceof PolicyError) throw new HelperUsageError(`the value of ${option}: ${error.message}`)
    throw error
  }
}
