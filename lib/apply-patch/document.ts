/**
 * A file as lines, so that every byte no hunk touches comes out as it went in: its line ending (LF, CRLF, mixed), a
 * missing final newline, a byte order mark, bytes that are not UTF-8.
 *
 * A file that is not UTF-8 is held as Latin-1 (one character per byte, so nothing is lost) and compared as the UTF-8 text
 * that a reader would have been shown.
 */

import { Buffer, isUtf8 } from 'node:buffer'

export interface Document {
  readonly encoding: 'utf8' | 'latin1'
  /** Begins with a UTF-8 byte order mark, which is no part of the first line. */
  readonly marked: boolean
  /** The lines as they are held, without their endings. */
  readonly raw: readonly string[]
  /** 1 where a line ends in CRLF. A last line without an ending has what it would get. */
  readonly crlf: Uint8Array
  /** True for a document without lines. */
  readonly finalNewline: boolean
  /** For each line, its index in the file on the disk; -1 for a line that a hunk wrote. Null: all are where they were. */
  readonly origins: Int32Array | null
}

/** UTF-16 has a zero byte in its line feeds; splitting it at `\n` would tear it apart. */
export function isUtf16(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
}

export function readDocument(bytes: Uint8Array): Document {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const encoding = isUtf8(buffer) ? 'utf8' : 'latin1'
  const marked = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf
  const raw = buffer.toString(encoding, marked ? 3 : 0).split('\n')
  const finalNewline = raw[raw.length - 1] === ''
  if (finalNewline) raw.pop()
  return { encoding, marked, raw, crlf: takeCarriageReturns(raw, finalNewline), finalNewline, origins: null }
}

/** A document that owes nothing to a file on the disk. */
export function newDocument(content: string): Document {
  const document = readDocument(Buffer.from(content, 'utf8'))
  return { ...document, origins: new Int32Array(document.raw.length).fill(-1) }
}

function takeCarriageReturns(raw: string[], finalNewline: boolean): Uint8Array {
  const crlf = new Uint8Array(raw.length)
  const ended = finalNewline ? raw.length : raw.length - 1
  for (let index = 0; index < ended; index++) {
    const line = raw[index]!
    if (line.charCodeAt(line.length - 1) !== 13) continue
    raw[index] = line.slice(0, -1)
    crlf[index] = 1
  }
  if (!finalNewline) crlf[ended] = crlf[0] ?? 0
  return crlf
}

export function writeDocument(document: Document): Buffer {
  const { raw, crlf, encoding } = document
  const mark = document.marked ? (encoding === 'utf8' ? '\ufeff' : '\u00ef\u00bb\u00bf') : ''
  let count = 0
  for (let index = 0; index < crlf.length; index++) count += crlf[index]!
  if (raw.length === 0) return Buffer.from(mark, encoding)
  const body = count > 0 && count < raw.length ? joinMixed(document) : raw.join(count === 0 ? '\n' : '\r\n')
  return Buffer.from(mark + body + (document.finalNewline ? endingOf(document, raw.length - 1) : ''), encoding)
}

function joinMixed(document: Document): string {
  const { raw } = document
  const last = raw.length - 1
  return raw.map((line, index) => (index === last ? line : line + endingOf(document, index))).join('')
}

function endingOf(document: Document, index: number): '\n' | '\r\n' {
  return document.crlf[index] === 1 ? '\r\n' : '\n'
}

/** The lines as a reader sees them: what the lines of a patch are compared with. */
export function textsOf(document: Document): readonly string[] {
  if (document.encoding === 'utf8') return document.raw
  return document.raw.map(line => Buffer.from(line, 'latin1').toString('utf8'))
}

/** A line of a patch, in the form that the document holds. */
export function heldAs(document: Document, text: string): string {
  return document.encoding === 'utf8' ? text : Buffer.from(text, 'utf8').toString('latin1')
}
