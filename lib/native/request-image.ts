/**
 * Encodes one run for native code: the byte layout of native/linux/image.h (RequestHeader), in the byte order of this
 * machine, as the addon reads it. Made for each command.
 */
import { joinTexts, type TextBlock, textBlock } from './image-text.ts'

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

/** Where images are made. Each run needs one, and memory of its own for each costs more than to fill it. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024)
let words = new Uint32Array(scratch.buffer)

/** Room for images of `size` bytes; what was in the old one is not kept. */
function makeRoom(size: number): void {
  if (size <= scratch.length) return
  scratch = Buffer.allocUnsafeSlow(Math.ceil(size / 4096) * 4096)
  words = new Uint32Array(scratch.buffer)
}

/** The image, in memory that the next call uses again: to be given to native code, which copies it, before that. */
export function encodeRequestImage(request: RequestImage): Uint8Array {
  const { candidates, argv, environment } = request
  const texts = [...candidates, ...argv, request.workingDirectory]
  const count = candidates.length + argv.length
  const listsAt = headerSize / word
  const ownAt = headerSize + (count + environment.offsets.length) * word
  const joined = joinTexts(texts)
  // UTF-8 has at most three bytes for each UTF-16 unit. One NUL more, so that the image always ends in one.
  makeRoom(ownAt + joined.length * 3 + environment.bytes.length + 1)
  const ownLength = scratch.write(joined, ownAt, 'utf8')
  writeOffsets(texts, ownLength === joined.length, ownAt, listsAt, count)

  const environmentAt = ownAt + ownLength
  scratch.set(environment.bytes, environmentAt)
  const { offsets } = environment
  for (let index = 0; index < offsets.length; index++) {
    words[listsAt + count + index] = environmentAt + (offsets[index] as number)
  }
  const size = environmentAt + environment.bytes.length + 1
  scratch[size - 1] = 0

  const directory = texts[count] as string
  const directoryLength = ownLength === joined.length ? directory.length : Buffer.byteLength(directory, 'utf8')
  writeHead(request, size, environmentAt - directoryLength - 1)
  return scratch.subarray(0, size)
}

/** Offsets of the first `count` texts, the one after the other from `textAt` on. */
function writeOffsets(texts: readonly string[], ascii: boolean, textAt: number, listAt: number, count: number): void {
  let at = textAt
  for (let index = 0; index < count; index++) {
    const text = texts[index] as string
    words[listAt + index] = at
    at += (ascii ? text.length : Buffer.byteLength(text, 'utf8')) + 1
  }
}

function writeHead(request: RequestImage, size: number, directoryAt: number): void {
  const { candidates, argv, environment, limits } = request
  const argvAt = headerSize + candidates.length * word
  words[0] = magic
  words[1] = version
  words[2] = size
  words[3] = request.flags
  words[4] = headerSize
  words[5] = candidates.length
  words[6] = argvAt
  words[7] = argv.length
  words[8] = argvAt + argv.length * word
  words[9] = environment.offsets.length
  words[10] = directoryAt
  words[11] = request.fileModeMask ?? allBits
  words[12] = 0
  words[13] = 0
  for (let limit = 0; limit < 5; limit++) writeLimit(14 + limit * 2, limits?.[limit])
  words[24] = request.oomScoreAdjust ?? 0
  words[25] = 0
}

/** 64 bits, low word first; all of them set: none. */
function writeLimit(at: number, value: number | undefined): void {
  words[at] = value === undefined ? allBits : value
  words[at + 1] = value === undefined ? allBits : Math.floor(value / 2 ** 32)
}
