/**
 * Encodes one run for native code: the byte layout of native/linux/image.h (RequestHeader), in the byte order of this
 * machine, as the addon reads it. Made for each command: one buffer, filled once.
 */
import { type TextBlock, textBlock } from './image-text.ts'

const magic = 0x51455243
const version = 1
const headerSize = 104
const word = 4
const allBits = 0xffff_ffff

export const RequestFlag = { newSession: 1, newGroup: 2, tagged: 4 } as const

export interface RequestImage {
  readonly flags: number
  /** Programs to try, in order: absolute, or relative to the working directory. */
  readonly candidates: readonly string[]
  readonly argv: readonly string[]
  /** `NAME=value` */
  readonly environment: TextBlock
  readonly workingDirectory: string
  /** umask(2) of the command. Default: the host's. */
  readonly fileModeMask?: number | undefined
  /** In the order of `enum Limit`: seconds, bytes, tasks, descriptors, bytes. undefined: none. */
  readonly limits?: readonly (number | undefined)[]
  /** At least this /proc/self/oom_score_adj. Default: 0, and the host's own where that is more. */
  readonly oomScoreAdjust?: number
}

export const noEnvironment: TextBlock = textBlock([])

export function encodeRequestImage(request: RequestImage): Uint8Array {
  const { candidates, argv, environment } = request
  const own = textBlock([...candidates, ...argv, request.workingDirectory])
  const ownAt = headerSize + (candidates.length + argv.length + environment.offsets.length) * word
  const environmentAt = ownAt + own.bytes.length
  // One NUL more, so that the image always ends in one.
  const size = environmentAt + environment.bytes.length + 1
  const image = new Uint8Array(size)
  image.set(own.bytes, ownAt)
  image.set(environment.bytes, environmentAt)

  const lists = new Uint32Array(image.buffer, headerSize, (ownAt - headerSize) / word)
  const count = candidates.length + argv.length
  for (let index = 0; index < count; index++) lists[index] = ownAt + (own.offsets[index] as number)
  for (let index = 0; index < environment.offsets.length; index++) {
    lists[count + index] = environmentAt + (environment.offsets[index] as number)
  }

  const head = new Uint32Array(image.buffer, 0, headerSize / word)
  const argvAt = headerSize + candidates.length * word
  const variablesAt = argvAt + argv.length * word
  head.set([magic, version, size, request.flags, headerSize, candidates.length, argvAt, argv.length], 0)
  head.set([variablesAt, environment.offsets.length, ownAt + (own.offsets[count] as number)], 8)
  head[11] = request.fileModeMask ?? allBits
  for (let limit = 0; limit < 5; limit++) writeLimit(head, 14 + limit * 2, request.limits?.[limit])
  head[24] = request.oomScoreAdjust ?? 0
  return image
}

/** 64 bits, low word first; all of them set: none. */
function writeLimit(head: Uint32Array, at: number, value: number | undefined): void {
  head[at] = value === undefined ? allBits : value
  head[at + 1] = value === undefined ? allBits : Math.floor(value / 2 ** 32)
}
