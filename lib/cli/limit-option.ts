/**
 * The options of `run` that limit a command, and its environment.
 */
import type { InheritEnv, LimitName, Limits } from '../index.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import { UsageError } from './usage-error.ts'

export const limitOptions: OptionSpecs = {
  memory: { type: 'string' },
  processes: { type: 'string' },
  'cpu-time': { type: 'string' },
  'open-files': { type: 'string' },
  'file-size': { type: 'string' },
}

export const environmentOptions: OptionSpecs = {
  'inherit-env': { type: 'string' },
  env: { type: 'string', short: 'e', multiple: true },
}

/** What a person calls a limit that ended the command. */
export const limitWords: Readonly<Record<LimitName, string>> = {
  wallClock: 'it ran for too long',
  cpuTime: 'it used too much processor time',
  memory: 'it used too much memory',
  processes: 'it started too many processes',
  openFiles: 'it opened too many files',
  fileSize: 'it wrote too large a file',
  outputBytes: 'it printed too much',
}

/** @throws {UsageError} naming the option */
export function limitsOf(line: CommandLine): Limits {
  const limits: Partial<Record<LimitName, number>> = {}
  const read = (option: string, name: LimitName, parse: (option: string, text: string) => number) => {
    const text = line.one(option)
    if (text !== undefined) limits[name] = parse(option, text)
  }
  read('memory', 'memory', bytes)
  read('file-size', 'fileSize', bytes)
  read('processes', 'processes', count)
  read('open-files', 'openFiles', count)
  read('cpu-time', 'cpuTime', (option, text) => Math.ceil(seconds(option, text) * 1000))
  return limits
}

/** @throws {UsageError} for a variable without `=` */
export function environmentOf(line: CommandLine): { inheritEnv?: InheritEnv; env?: Record<string, string> } {
  const rule = line.one('inherit-env')
  const given = line.all('env')
  if (rule === undefined && given.length === 0) return {}
  const words = ['all', 'core', 'sanitized', 'none'] as const
  return {
    inheritEnv: words.find(word => word === rule) ?? rule?.split(',').filter(name => name !== '') ?? 'all',
    env: Object.fromEntries(given.map(variable)),
  }
}

function variable(text: string): [string, string] {
  const at = text.indexOf('=')
  // Not the text itself: it may be a secret.
  if (at < 1) throw new UsageError('--env: give NAME=VALUE')
  return [text.slice(0, at), text.slice(at + 1)]
}

const units = new Map([
  ['', 1],
  ['K', 2 ** 10],
  ['M', 2 ** 20],
  ['G', 2 ** 30],
  ['T', 2 ** 40],
])

function bytes(option: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/i.exec(text) ?? []
  const value = Math.floor(Number(number) * units.get(unit.toUpperCase())!)
  if (number !== '' && value > 0 && Number.isSafeInteger(value)) return value
  throw new UsageError(`--${option} ${text}: give bytes, with K, M, G or T behind them if you like, for instance 512M`)
}

function count(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`--${option} ${text}: give a whole number of at least 1`)
}

function seconds(option: string, text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value < 2 ** 31) return value
  throw new UsageError(`--${option} ${text}: give seconds, more than 0, for instance 2.5`)
}
