/**
 * The options of `run`, `runSync` and `spawn`: checked by hand, because they are read for every command.
 */
import { OptionError } from '../errors.ts'
import type { CommandOptions } from './command.ts'
import { checkInheritEnv } from './inherited-environment.ts'
import { checkLimits } from './limit-options.ts'
import { checkNames } from './option-names.ts'
import { signalNumber } from './signals.ts'

export interface TerminationOptions {
  /** Milliseconds after which the command's tree is ended. Default: none. */
  readonly timeout?: number | undefined
  /** Sent first, to every process of the tree. Default: SIGTERM. */
  readonly killSignal?: NodeJS.Signals | number | undefined
  /** Milliseconds between `killSignal` and SIGKILL. Default: 2000; 0: SIGKILL at once. */
  readonly forceKillAfterDelay?: number | undefined
  /** Ends the command's tree when aborted. */
  readonly signal?: AbortSignal | undefined
}

export interface RunOptions extends CommandOptions, TerminationOptions {
  /** Written to the command's standard input, which is then closed. Default: nothing; the input is empty. */
  readonly input?: string | Uint8Array | undefined
  /** Bytes kept of stdout and of stderr, each. Default: 64 MiB. More is read and dropped; `isMaxBuffer` tells. */
  readonly maxBuffer?: number | undefined
  /** Default: 'utf8'. With 'buffer', stdout and stderr are Buffers. */
  readonly encoding?: 'utf8' | 'buffer' | undefined
  /** What happens to background processes when the command has ended. Default: 'command', they end with it. */
  readonly lifetime?: 'command' | 'session' | undefined
}

export interface SpawnOptions extends CommandOptions, TerminationOptions {
  readonly lifetime?: 'command' | 'session' | undefined
}

const common = [
  'cwd',
  'env',
  'stdio',
  'argv0',
  'session',
  'inheritEnv',
  'limits',
  'umask',
  'timeout',
  'killSignal',
  'forceKillAfterDelay',
  'signal',
  'lifetime',
]
const runNames = new Set([...common, 'input', 'maxBuffer', 'encoding'])
const spawnNames = new Set(common)

export const defaultMaxBuffer = 64 * 1024 * 1024
export const defaultForceKillAfterDelay = 2000

/** Throws OptionError (`ERR_INVALID_OPTION`) for an unknown option or an unusable value. */
export function checkRunOptions(options: RunOptions): void {
  checkNames(options, runNames)
  checkCommon(options)
  checkCount(options.maxBuffer, 'maxBuffer')
  const { encoding, input } = options
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'buffer') {
    throw new OptionError('encoding', `encoding is ${JSON.stringify(encoding)}; use 'utf8' or 'buffer'`)
  }
  if (input !== undefined && typeof input !== 'string' && !(input instanceof Uint8Array)) {
    throw new OptionError('input', 'input must be a string or a Uint8Array')
  }
}

/** Throws OptionError (`ERR_INVALID_OPTION`) for an unknown option or an unusable value. */
export function checkSpawnOptions(options: SpawnOptions): void {
  checkNames(options, spawnNames)
  checkCommon(options)
}

function checkCommon(options: SpawnOptions): void {
  const { cwd, argv0, session, signal, lifetime, env } = options
  if (cwd !== undefined && (typeof cwd !== 'string' || cwd === '' || cwd.includes('\0'))) {
    throw new OptionError('cwd', 'cwd must be a path without a NUL character')
  }
  if (argv0 !== undefined && (typeof argv0 !== 'string' || argv0.includes('\0'))) {
    throw new OptionError('argv0', 'argv0 must be a string without a NUL character')
  }
  if (env !== undefined && (typeof env !== 'object' || env === null)) {
    throw new OptionError('env', 'env must be an object of strings')
  }
  if (session !== undefined && session !== 'new' && session !== 'inherit') {
    throw new OptionError('session', `session is ${JSON.stringify(session)}; use 'new' or 'inherit'`)
  }
  if (lifetime !== undefined && lifetime !== 'command' && lifetime !== 'session') {
    throw new OptionError('lifetime', `lifetime is ${JSON.stringify(lifetime)}; use 'command' or 'session'`)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError('signal', "signal must be an AbortSignal; a signal's name belongs into killSignal")
  }
  checkInheritEnv(options.inheritEnv)
  checkLimits(options.limits)
  checkUmask(options.umask)
  checkCount(options.timeout, 'timeout')
  checkCount(options.forceKillAfterDelay, 'forceKillAfterDelay')
  signalNumber(options.killSignal, 'killSignal')
}

/** Throws OptionError (`ERR_INVALID_OPTION`). */
export function checkUmask(value: unknown): void {
  if (value === undefined || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o777)) return
  throw new OptionError('umask', 'umask must be a whole number from 0 to 0o777')
}

function checkCount(value: unknown, name: string): void {
  if (value === undefined) return
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > Number.MAX_SAFE_INTEGER) {
    throw new OptionError(name, `${name} must be a number that is not negative`)
  }
}
