/**
 * The text part of an image: NUL-terminated UTF-8 strings, each named by its offset from the start of the image. Text
 * that holds a NUL would be cut short by native code, so it is refused here however it got this far.
 */
import { InternalError } from '../errors.ts'

export class ImageText {
  readonly #start: number
  readonly #parts: Buffer[] = []
  readonly #known = new Map<string, number>()
  #length = 0

  /** `start`: the size of what stands before the text. */
  constructor(start: number) {
    this.#start = start
  }

  offsetOf(text: string): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (text.includes('\0')) throw new InternalError('text with a NUL reached the native edge')
    const bytes = Buffer.from(`${text}\0`, 'utf8')
    const offset = this.#start + this.#length
    this.#parts.push(bytes)
    this.#length += bytes.length
    this.#known.set(text, offset)
    return offset
  }

  /** `head` followed by the text, and one NUL more, so that the image always ends in one. */
  appendTo(head: Buffer): Buffer {
    return Buffer.concat([head, ...this.#parts, Buffer.alloc(1)])
  }
}
