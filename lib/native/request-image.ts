/**
 * Encodes one run for native code: the byte layout of native/linux/image.h (RequestHeader), little endian.
 */
import { ImageText } from './image-text.ts'

const magic = 0x51455243
const version = 1
const headerSize = 104
const noLimit = 0xffff_ffff_ffff_ffffn
const sameMask = 0xffff_ffff

export const RequestFlag = { newSession: 1, newGroup: 2, tagged: 4 } as const

export interface RequestImage {
  readonly flags: number
  /** Programs to try, in order: absolute, or relative to the working directory. */
  readonly candidates: readonly string[]
  readonly argv: readonly string[]
  /** `NAME=value` */
  readonly environment: readonly (string | Uint8Array)[]
  readonly workingDirectory: string
  /** umask(2) of the command. Default: the host's. */
  readonly fileModeMask?: number | undefined
  /** In the order of `enum Limit`: seconds, bytes, tasks, descriptors, bytes. undefined: none. */
  readonly limits?: readonly (number | undefined)[]
  /** At least this /proc/self/oom_score_adj. Default: 0, and the host's own where that is more. */
  readonly oomScoreAdjust?: number
}

export function encodeRequestImage(request: RequestImage): Buffer {
  const lists = [request.candidates, request.argv, request.environment]
  const count = lists.reduce((sum, list) => sum + list.length, 0)
  const size = headerSize + count * 4
  const text = new ImageText(size)
  const head = Buffer.alloc(size)
  const places: number[] = []
  let at = headerSize
  for (const list of lists) {
    places.push(at, list.length)
    for (const entry of list) {
      head.writeUInt32LE(text.offsetOf(entry), at)
      at += 4
    }
  }
  const workingDirectory = text.offsetOf(request.workingDirectory)
  const image = text.appendTo(head)
  const numbers = [magic, version, image.length, request.flags, ...places, workingDirectory]
  numbers.forEach((value, index) => {
    image.writeUInt32LE(value, index * 4)
  })
  image.writeUInt32LE(request.fileModeMask ?? sameMask, 44)
  for (let limit = 0; limit < 5; limit++) {
    const value = request.limits?.[limit]
    image.writeBigUInt64LE(value === undefined ? noLimit : BigInt(value), 56 + limit * 8)
  }
  image.writeInt32LE(request.oomScoreAdjust ?? 0, 96)
  return image
}
