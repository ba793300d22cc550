/**
 * The environment of a command: the caller's, with what the plan adds on top.
 */
import { OptionError } from '../errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The member of an environment that holds its lines as bytes, for a command that gets exactly these (`verbatim`). */
const lines = Symbol('lines')

/**
 * `environment`, given to a command as these lines: byte for byte, in this order, with nothing added or left out. The named
 * members still tell where programs are looked for.
 */
export function verbatim(environment: Environment, exactly: readonly Uint8Array[]): Environment {
  return Object.assign({ ...environment }, { [lines]: exactly })
}

/** Variables with which Node passes a channel to a child; a confined child gets none, so the name must not promise one. */
export const channelVariables = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']

/**
 * `NAME=value` lines. `undefined` values are left out. Throws OptionError (`ERR_INVALID_OPTION`, naming the variable and
 * never its value) for a name or value that cannot be passed on.
 */
export function environmentLines(
  environment: Environment & { readonly [lines]?: readonly Uint8Array[] },
  added: Readonly<Record<string, string>>,
): readonly (string | Uint8Array)[] {
  if (environment[lines] !== undefined) return environment[lines]
  const made: string[] = []
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || Object.hasOwn(added, name)) continue
    refuseChannel(name)
    made.push(line(name, value))
  }
  for (const [name, value] of Object.entries(added)) made.push(line(name, value))
  return made
}

function refuseChannel(name: string): void {
  if (!channelVariables.includes(name)) return
  throw new OptionError(
    'env',
    `the environment has ${name}: an IPC channel of Node does not cross the sandbox; use a pipe, and leave the variable out`,
  )
}

function line(name: string, value: string): string {
  if (name === '' || name.includes('=') || name.includes('\0')) {
    throw new OptionError('env', `the environment has a variable with the unusable name ${JSON.stringify(name)}`)
  }
  if (typeof value !== 'string') {
    throw new OptionError('env', `the environment variable ${name} is not a string`)
  }
  if (value.includes('\0')) throw new OptionError('env', `the environment variable ${name} holds a NUL character`)
  return `${name}=${value}`
}
