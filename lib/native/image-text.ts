/**
 * The text part of an image: NUL-terminated strings (UTF-8, or bytes as they are), each named by its offset from the start
 * of the image. Text that holds a NUL would be cut short by native code, so it is refused here however it got this far.
 */
import { InternalError } from '../errors.ts'

const terminator = Buffer.alloc(1)

/** Texts that were put in a row once, for images that hold them again and again. */
export interface TextBlock {
  readonly bytes: Uint8Array
  /** Where each text begins in `bytes`. */
  readonly offsets: Uint32Array
}

/** One text after the other, each with its NUL. */
export function textBlock(texts: readonly (string | Uint8Array)[]): TextBlock {
  const strings = texts.every(text => typeof text === 'string')
  return strings ? blockOfStrings(texts as readonly string[]) : blockOfBytes(texts)
}

/** All strings are encoded by one call; nearly always each character is one byte, and the lengths tell the offsets. */
function blockOfStrings(texts: readonly string[]): TextBlock {
  const joined = joinTexts(texts)
  const bytes = Buffer.from(joined, 'utf8')
  const ascii = bytes.length === joined.length
  const offsets = new Uint32Array(texts.length)
  let at = 0
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] as string
    offsets[index] = at
    at += (ascii ? text.length : Buffer.byteLength(text, 'utf8')) + 1
  }
  return { bytes, offsets }
}

/** Each text with its NUL. */
export function joinTexts(texts: readonly string[]): string {
  let joined = ''
  for (const text of texts) {
    if (text.includes('\0')) throw nulInText()
    joined += `${text}\0`
  }
  return joined
}

function blockOfBytes(texts: readonly (string | Uint8Array)[]): TextBlock {
  const offsets = new Uint32Array(texts.length)
  const parts: Uint8Array[] = []
  let at = 0
  for (const [index, text] of texts.entries()) {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text
    if (bytes.includes(0)) throw nulInText()
    offsets[index] = at
    parts.push(bytes, terminator)
    at += bytes.length + 1
  }
  return { bytes: Buffer.concat(parts), offsets }
}

function nulInText(): InternalError {
  return new InternalError('text with a NUL reached the native edge')
}

export class ImageText {
  readonly #start: number
  readonly #parts: Uint8Array[] = []
  readonly #known = new Map<string, number>()
  #length = 0

  /** `start`: the size of what stands before the text. */
  constructor(start: number) {
    this.#start = start
  }

  offsetOf(text: string): number {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const bytes = Buffer.from(text, 'utf8')
    if (bytes.includes(0)) throw nulInText()
    const offset = this.#start + this.#length
    this.#parts.push(bytes, terminator)
    this.#length += bytes.length + 1
    this.#known.set(text, offset)
    return offset
  }

  /** `head` followed by the text, and one NUL more, so that the image always ends in one. */
  appendTo(head: Buffer): Buffer {
    return Buffer.concat([head, ...this.#parts, terminator])
  }
}
