/**
 * The messages between the library and the runner that works as the sandbox's account (spec/windows H.4): a 32-bit length, little
 * endian, and that many bytes of JSON.
 */
import { InternalError } from '../../errors.ts'

/** Longer ones are refused by both sides. */
export const LONGEST_FRAME = 8 << 20
const HEADER = 4

/** @throws {InternalError} for a message that is too long, or that JSON cannot say */
export function encodeFrame(message: object): Uint8Array {
  const text = JSON.stringify(message)
  if (typeof text !== 'string') throw new InternalError('a frame holds something that JSON cannot say')
  const body = new TextEncoder().encode(text)
  if (body.length > LONGEST_FRAME) {
    throw new InternalError(`a frame of ${body.length} bytes is longer than ${LONGEST_FRAME}`)
  }
  const frame = new Uint8Array(HEADER + body.length)
  new DataView(frame.buffer).setUint32(0, body.length, true)
  frame.set(body, HEADER)
  return frame
}

export type FrameFlaw = 'too-long' | 'not-json' | 'not-a-message'

export type FrameResult = { readonly message: Readonly<Record<string, unknown>> } | { readonly flaw: FrameFlaw }

/**
 * Takes bytes as they come and gives messages as they are complete. After a flaw nothing is read any more: what follows has no
 * beginning.
 */
export class FrameDecoder {
  #waiting = new Uint8Array(0)
  #broken = false

  /** Whether bytes of an unfinished message are held: the other side went away in the middle. */
  get unfinished(): boolean {
    return this.#waiting.length > 0
  }

  push(bytes: Uint8Array): FrameResult[] {
    if (this.#broken) return []
    const all = new Uint8Array(this.#waiting.length + bytes.length)
    all.set(this.#waiting)
    all.set(bytes, this.#waiting.length)
    const results: FrameResult[] = []
    let at = 0
    while (all.length - at >= HEADER && !this.#broken) {
      const length = new DataView(all.buffer, at, HEADER).getUint32(0, true)
      if (length > LONGEST_FRAME) results.push(this.#break('too-long'))
      else if (all.length - at < HEADER + length) break
      else {
        results.push(this.#read(all.subarray(at + HEADER, at + HEADER + length)))
        at += HEADER + length
      }
    }
    this.#waiting = this.#broken ? new Uint8Array(0) : all.slice(at)
    return results
  }

  #break(flaw: FrameFlaw): FrameResult {
    this.#broken = true
    return { flaw }
  }

  #read(body: Uint8Array): FrameResult {
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    } catch {
      return this.#break('not-json')
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.#break('not-a-message')
    return { message: value as Readonly<Record<string, unknown>> }
  }
}
