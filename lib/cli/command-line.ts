/**
 * Reads the words of one subcommand. Anything that is not understood is refused with the right spelling where there is
 * one: an option of a sandbox that was ignored would weaken it silently.
 */
import { parseArgs } from 'node:util'

import type { Ending } from './ending.ts'
import { suggestion } from './spelling.ts'
import { UsageError } from './usage-error.ts'

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given more than once. Default: false. */
  readonly multiple?: boolean
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** A subcommand: what it reads, and what it does with it. */
export interface Subcommand {
  readonly options: OptionSpecs
  /** `command`: the first word that is no option, or `--`, begins a command whose options are not ours. */
  readonly until: 'command' | 'end'
  act(line: CommandLine): Promise<Ending>
}

export interface CommandLine {
  /** Whether a flag was given. */
  has(name: string): boolean
  /** The value of an option that is given at most once. */
  one(name: string): string | undefined
  /** The values of an option in the order given. */
  all(name: string): readonly string[]
  /** What is no option. With `command`, everything from the first of them on. */
  readonly words: readonly string[]
}

type Tokens = NonNullable<ReturnType<typeof tokensOf>>
type OptionToken = Extract<Tokens[number], { kind: 'option' }>

/** @throws {UsageError} */
export function readCommandLine(args: readonly string[], { options, until }: Omit<Subcommand, 'act'>): CommandLine {
  const specs: OptionSpecs = { ...options, help: { type: 'boolean', short: 'h' } }
  const tokens = tokensOf(args, specs)
  const start = until === 'command' ? tokens.find(token => token.kind !== 'option') : undefined
  const own = start === undefined ? tokens : tokens.filter(({ index }) => index < start.index)
  const given = new Map<string, string[]>()
  for (const token of own) if (token.kind === 'option') take(token, specs, given)
  return {
    has: name => given.has(name),
    one: name => given.get(name)?.[0],
    all: name => given.get(name) ?? [],
    words:
      start === undefined
        ? own.flatMap(token => (token.kind === 'positional' ? [token.value] : []))
        : args.slice(start.index + (start.kind === 'option-terminator' ? 1 : 0)),
  }
}

// Not strict: its messages do not know the right spelling, and it would judge the options of the command too.
function tokensOf(args: readonly string[], specs: OptionSpecs) {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  )
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function take(token: OptionToken, specs: OptionSpecs, given: Map<string, string[]>): void {
  const { name, rawName, value, inlineValue } = token
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
  if (spec === undefined) throw new UsageError(`there is no option ${rawName}${correctOption(name, rawName, specs)}`)
  const before = given.get(name)
  if (before !== undefined && spec.multiple !== true && spec.type === 'string') {
    throw new UsageError(`the option ${rawName} was given twice`)
  }
  given.set(name, [...(before ?? []), spec.type === 'string' ? needed(rawName, value, inlineValue) : ''])
  if (spec.type === 'boolean' && value !== undefined) throw new UsageError(`the option ${rawName} takes no value`)
}

function needed(rawName: string, value: string | undefined, inline: boolean | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`the option ${rawName} needs a value`)
  if (inline !== true && value.length > 1 && value.startsWith('-')) {
    throw new UsageError(`the option ${rawName} needs a value; if ${value} is one, write ${rawName}=${value}`)
  }
  return value
}

function correctOption(name: string, rawName: string, specs: OptionSpecs): string {
  if (!rawName.startsWith('--')) return ''
  return suggestion(
    `--${name}`,
    Object.keys(specs).map(known => `--${known}`),
  )
}
