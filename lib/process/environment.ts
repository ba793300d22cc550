/**
 * The environment of a command: the caller's, with what the plan adds on top.
 */
import { OptionError } from '../errors.ts'
import { type TextBlock, textBlock } from '../native/image-text.ts'
import type { HostEnvironment } from './host-environment.ts'

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

/** The member of an environment that promises a channel on this descriptor. */
const channel = Symbol('channel')

/** `environment`, for a Node.js child whose descriptor `fd` is one end of a channel (`node-channel.ts`). */
export function withChannel(environment: Environment, fd: number): Environment {
  const others = Object.entries(environment).filter(([name]) => !channelVariables.includes(name))
  return Object.assign(Object.fromEntries(others), { [channel]: fd })
}

/** Variables with which Node passes a channel to a child; a confined child gets none, so the name must not promise one. */
export const channelVariables = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']

type Added = Readonly<Record<string, string>>

/** Some lines, made of these members. */
interface Made {
  readonly names: readonly string[]
  readonly values: readonly unknown[]
  readonly added: Added
  readonly block: TextBlock
}

/** The block that was made last: commands in a row mostly get the same environment. */
let last: Made | undefined

/**
 * `NAME=value` lines, encoded. `undefined` values are left out. Throws OptionError (`ERR_INVALID_OPTION`, naming the
 * variable and never its value) for a name or value that cannot be passed on. `host`: spares reading this process's own
 * environment while it does not change.
 */
export function environmentBlock(
  environment: Environment & { readonly [lines]?: readonly Uint8Array[]; readonly [channel]?: number },
  added: Added,
  host?: HostEnvironment,
): TextBlock {
  if (host?.is(environment)) return host.block(added, () => blockOf(environment, added))
  if (environment[lines] !== undefined) return textBlock(environment[lines])
  const names = namesOf(environment)
  const values = names.map(name => environment[name])
  if (environment[channel] !== undefined) {
    return textBlock([...linesOf(names, values, added), ...channelLines(environment[channel])])
  }
  if (last?.added === added && sameMembers(names, last.names) && sameMembers(values, last.values)) return last.block
  const block = textBlock(linesOf(names, values, added))
  last = { names, values, added, block }
  return block
}

function blockOf(environment: Environment, added: Added): TextBlock {
  const names = namesOf(environment)
  return textBlock(
    linesOf(
      names,
      names.map(name => environment[name]),
      added,
    ),
  )
}

/** The same lines one by one, and not encoded yet. */
export function environmentLines(
  environment: Environment & { readonly [lines]?: readonly Uint8Array[]; readonly [channel]?: number },
  added: Added,
): readonly (string | Uint8Array)[] {
  if (environment[lines] !== undefined) return environment[lines]
  const names = namesOf(environment)
  const values = names.map(name => environment[name])
  const made = linesOf(names, values, added)
  return environment[channel] === undefined ? made : [...made, ...channelLines(environment[channel])]
}

function channelLines(fd: number): string[] {
  return [line('NODE_CHANNEL_FD', String(fd)), line('NODE_CHANNEL_SERIALIZATION_MODE', 'json')]
}

/** Of the host's own environment all names count, and asking for each whether it does takes as long as its value. */
function namesOf(environment: Environment): string[] {
  return environment === process.env ? Object.getOwnPropertyNames(environment) : Object.keys(environment)
}

function sameMembers(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((member, index) => member === other[index])
}

function linesOf(names: readonly string[], values: readonly (string | undefined)[], added: Added): string[] {
  const made: string[] = []
  for (const [index, name] of names.entries()) {
    const value = values[index]
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
