/**
 * The `stdio` option: the same words as `node:child_process`, as numbers for native code.
 *
 * `pipe` is a real pipe for descriptors 0 to 2 (never a socket pair: a Node program behind the socket filter prints
 * nothing into one) and a two-way socket pair above.
 */
import type { Stream } from 'node:stream'

import { OptionError } from '../errors.ts'
import { NativeStdio } from '../native/binding.ts'

export type StdioEntry = 'pipe' | 'ignore' | 'inherit' | number | Stream | null | undefined
export type StdioOption = 'pipe' | 'ignore' | 'inherit' | readonly StdioEntry[]

const maximum = 64

/** One number per descriptor of the child, at least three. Throws OptionError (`ERR_INVALID_OPTION`). */
export function nativeStdio(option: StdioOption | undefined): number[] {
  const entries = option === undefined || typeof option === 'string' ? [option, option, option] : [...option]
  while (entries.length < 3) entries.push('pipe')
  if (entries.length > maximum) throw new OptionError('stdio', `stdio has more than ${maximum} entries`)
  return entries.map(nativeEntry)
}

function nativeEntry(entry: StdioEntry, index: number): number {
  if (entry === 'pipe' || entry === undefined || entry === null) return pipeFor(index, entry)
  if (entry === 'ignore') return NativeStdio.ignore
  if (entry === 'inherit') return index
  if (typeof entry === 'number') return descriptor(entry, index)
  if (typeof entry === 'object') return descriptor(descriptorOf(entry), index)
  throw new OptionError(
    'stdio',
    `stdio[${index}] is ${JSON.stringify(entry)}; use 'pipe', 'ignore', 'inherit', a descriptor or a stream` +
      (entry === 'ipc' ? " ('ipc' channels do not cross the sandbox)" : ''),
  )
}

function pipeFor(index: number, entry: StdioEntry): number {
  if (index === 0) return NativeStdio.writePipe
  if (index <= 2) return NativeStdio.readPipe
  // As in Node: above 2 a missing entry means nothing, only the word asks for a pipe.
  return entry === 'pipe' ? NativeStdio.socket : NativeStdio.ignore
}

function descriptor(value: unknown, index: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
  throw new OptionError('stdio', `stdio[${index}] has no usable descriptor; a stream must be open and have one`)
}

function descriptorOf(stream: Stream): unknown {
  const { fd, _handle } = stream as Stream & { fd?: unknown; _handle?: { fd?: unknown } | null }
  return typeof fd === 'number' ? fd : _handle?.fd
}

/** The streams of a forked child, before its channel: this process's own unless something else is asked for. */
export function forkStreams(option: StdioOption | undefined, silent: boolean): readonly StdioEntry[] {
  const words = option ?? (silent ? 'pipe' : 'inherit')
  const entries: StdioEntry[] = typeof words === 'string' ? [words, words, words] : [...words]
  while (entries.length < 3) entries.push('pipe')
  return entries
}
