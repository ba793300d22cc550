/**
 * Puts placed hunks into a document. Context lines are the file's, not the patch's: a line that was only found with
 * leniency keeps its bytes. Pure.
 */

import { InternalError } from '../errors.ts'
import { type Document, heldAs } from './document.ts'
import type { HunkLine } from './grammar.ts'
import type { PlacedHunk } from './place.ts'

/** `placed` is in the order of the file and does not overlap. */
export function editDocument(document: Document, placed: readonly PlacedHunk[]): Document {
  const writer = new Writer(document, countOf('add', placed), countOf('remove', placed))
  for (const hunk of placed) {
    writer.keepUntil(hunk.at)
    for (const line of hunk.lines) writer.follow(line, hunk.at)
  }
  writer.keepUntil(document.raw.length)
  return writer.finish(spelledFinalNewline(placed), keepsMark(document, placed))
}

function countOf(kind: HunkLine['kind'], placed: readonly PlacedHunk[]): number {
  let count = 0
  for (const hunk of placed) for (const line of hunk.lines) if (line.kind === kind) count++
  return count
}

class Writer {
  readonly #document: Document
  readonly #raw: string[]
  readonly #crlf: Uint8Array
  readonly #origins: Int32Array
  /** How many lines are written. */
  #length = 0
  /** The next line of the document. */
  #cursor = 0
  /** The index in the document of the line that was written last; -1 when a hunk wrote it. */
  #lastKept = -1

  /** `added` and `removed` are how many lines the hunks add and remove: millions of lines find their room at once. */
  constructor(document: Document, added: number, removed: number) {
    const length = document.raw.length + added - removed
    this.#document = document
    this.#raw = new Array(length)
    this.#crlf = new Uint8Array(length)
    this.#origins = new Int32Array(length)
  }

  keepUntil(end: number): void {
    const { raw, crlf, origins } = this.#document
    for (; this.#cursor < end; this.#cursor++) {
      this.#lastKept = this.#cursor
      const origin = origins === null ? this.#cursor : origins[this.#cursor]!
      this.#write(raw[this.#cursor]!, crlf[this.#cursor]!, origin)
    }
  }

  follow(line: HunkLine, hunkStart: number): void {
    if (line.kind === 'remove') this.#cursor++
    else if (line.kind === 'add') this.#add(line, hunkStart)
    else this.keepUntil(this.#cursor + 1)
  }

  finish(spelled: boolean | null, marked: boolean): Document {
    const raw = this.#raw
    if (this.#length !== raw.length) throw new InternalError('a hunk has other lines than were counted')
    // The mark is written on its own; a patch that spells it out as part of the first line must not double it.
    const mark = heldAs(this.#document, '\ufeff')
    if (marked && this.#origins[0] === -1 && raw[0]!.startsWith(mark)) raw[0] = raw[0]!.slice(mark.length)
    return {
      encoding: this.#document.encoding,
      marked,
      raw,
      crlf: this.#crlf,
      finalNewline: raw.length === 0 || (spelled ?? this.#finalNewline()),
      origins: this.#origins,
    }
  }

  /** An old line keeps its newline when it becomes the last; a new last line does as the old last one did. */
  #finalNewline(): boolean {
    const wasInner = this.#lastKept !== -1 && this.#lastKept < this.#document.raw.length - 1
    return wasInner || this.#document.finalNewline
  }

  #add(line: HunkLine, hunkStart: number): void {
    this.#lastKept = -1
    const crlf = line.ending === 'crlf' ? 1 : this.#endingNearby(hunkStart)
    this.#write(heldAs(this.#document, line.text), crlf, -1)
  }

  #write(text: string, crlf: number, origin: number): void {
    const index = this.#length++
    this.#raw[index] = text
    this.#crlf[index] = crlf
    this.#origins[index] = origin
  }

  /** A new line ends like the old line above it in the hunk, else like the one below, else like the file's first. */
  #endingNearby(hunkStart: number): number {
    const { crlf } = this.#document
    const above = this.#cursor - 1
    return (above >= hunkStart ? crlf[above] : crlf[this.#cursor]) ?? crlf[above] ?? 0
  }
}

/** What the patch says about the newline at the end of the file, when it says something. */
function spelledFinalNewline(placed: readonly PlacedHunk[]): boolean | null {
  const last = placed.at(-1)
  if (last === undefined || !last.lines.some(line => line.ending === 'none')) return null
  return last.lines.findLast(line => line.kind !== 'remove')?.ending !== 'none'
}

/** A byte order mark goes only when the patch names it in the first line and takes that line away. */
function keepsMark(document: Document, placed: readonly PlacedHunk[]): boolean {
  const first = placed[0]
  if (!document.marked || first === undefined || first.at > 0 || first.oldCount === 0) return document.marked
  const line = first.lines.find(one => one.kind !== 'add')!
  return line.kind === 'context' || !line.text.startsWith('\ufeff')
}
