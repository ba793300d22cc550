/**
 * The text part of an image: NUL-terminated strings (UTF-8, or bytes as they are), each named by its offset from the start of the image. Text
 * that holds a NUL would be cut short by native code, so it is refused here however it got this far.
 */
import { InternalError } from '../errors.ts'

const terminator = Buffer.alloc(1)

export class ImageText {
  readonly #start: number
  readonly #parts: Uint8Array[] = []
  readonly #known = new Map<string, number>()
  #length = 0

  /** `start`: the size of what stands before the text. */
  constructor(start: number) {
    this.#start = start
  }

  offsetOf(text: string | Uint8Array): number {
    if (typeof text !== 'string') return this.#append(text)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const offset = this.#append(Buffer.from(text, 'utf8'))
    this.#known.set(text, offset)
    return offset
  }

  #append(bytes: Uint8Array): number {
    if (bytes.includes(0)) throw new InternalError('text with a NUL reached the native edge')
    const offset = this.#start + this.#length
    this.#parts.push(bytes, terminator)
    this.#length += bytes.length + 1
    return offset
  }

  /** `head` followed by the text, and one NUL more, so that the image always ends in one. */
  appendTo(head: Buffer): Buffer {
    return Buffer.concat([head, ...this.#parts, terminator])
  }
}
