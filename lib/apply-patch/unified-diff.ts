/**
 * The change of one file as a unified diff, for people to read and approve. The edited document knows where each of its
 * lines comes from, so nothing is searched for: the cost is linear. Lines that are not UTF-8 are shown as a terminal
 * would show them.
 */

import { type Document, newDocument, textsOf } from './document.ts'

const contextLines = 3

/** A run of lines that differ: old `[oldStart, oldEnd)` became new `[newStart, newEnd)`. */
interface Difference {
  readonly oldStart: number
  readonly oldEnd: number
  readonly newStart: number
  readonly newEnd: number
}

export interface DiffNames {
  /** Null when the file is new. */
  readonly before: string | null
  /** Null when the file is deleted. */
  readonly after: string | null
}

/** `after` knows its lines' origins in `before`, or is null (deleted); `before` is null for a new file. */
export function unifiedDiff(before: Document | null, after: Document | null, names: DiffNames): string {
  const oldLines = new Shown(before)
  const newLines = new Shown(after)
  const differences = differencesOf(oldLines, newLines, after?.origins ?? null)
  const header = [
    `--- ${names.before === null ? '/dev/null' : `a/${names.before}`}\n`,
    `+++ ${names.after === null ? '/dev/null' : `b/${names.after}`}\n`,
  ]
  return header.concat(grouped(differences).map(group => hunkText(group, oldLines, newLines))).join('')
}

/** The lines of a document as a diff shows them: with their endings, so that a change of the ending alone is a change. */
class Shown {
  readonly length: number
  readonly #document: Document
  readonly #texts: readonly string[]

  constructor(document: Document | null) {
    this.#document = document ?? newDocument('')
    this.#texts = textsOf(this.#document)
    this.length = this.#texts.length
  }

  line(index: number): string {
    const { crlf, marked, finalNewline } = this.#document
    const line = index === 0 && marked ? `\ufeff${this.#texts[0]}` : this.#texts[index]!
    if (index === this.length - 1 && !finalNewline) return `${line}\n\\ No newline at end of file\n`
    return crlf[index] === 1 ? `${line}\r\n` : `${line}\n`
  }

  /** Whether a line looks like `other`'s. Nearly all do, and are not put together for it. */
  alike(index: number, other: Shown, otherIndex: number): boolean {
    if (this.#isPlain(index) && other.#isPlain(otherIndex)) return this.#texts[index] === other.#texts[otherIndex]
    return this.line(index) === other.line(otherIndex)
  }

  #isPlain(index: number): boolean {
    return index > 0 && index < this.length - 1 && this.#document.crlf[index] === 0
  }
}

function differencesOf(oldLines: Shown, newLines: Shown, origins: Int32Array | null): Difference[] {
  const differences: Difference[] = []
  let oldStart = 0
  let newStart = 0
  const close = (oldEnd: number, newEnd: number): void => {
    if (oldEnd > oldStart || newEnd > newStart) differences.push({ oldStart, oldEnd, newStart, newEnd })
    oldStart = oldEnd + 1
    newStart = newEnd + 1
  }
  for (let index = 0; index < newLines.length; index++) {
    const origin = origins === null ? index : origins[index]!
    if (origin !== -1 && newLines.alike(index, oldLines, origin)) close(origin, index)
  }
  close(oldLines.length, newLines.length)
  return differences
}

/** Differences whose contexts touch share a hunk. */
function grouped(differences: readonly Difference[]): Difference[][] {
  const groups: Difference[][] = []
  let end = Number.NEGATIVE_INFINITY
  for (const difference of differences) {
    if (difference.oldStart - end > contextLines * 2) groups.push([])
    groups.at(-1)!.push(difference)
    end = difference.oldEnd
  }
  return groups
}

function hunkText(group: readonly Difference[], oldLines: Shown, newLines: Shown): string {
  const first = group[0]!
  const last = group.at(-1)!
  const lead = Math.min(contextLines, first.oldStart)
  const tail = Math.min(contextLines, oldLines.length - last.oldEnd)
  const oldCount = last.oldEnd + tail - first.oldStart + lead
  const newCount = last.newEnd + tail - first.newStart + lead
  const lines: string[] = []
  let kept = first.oldStart - lead
  const keep = (end: number): void => {
    for (; kept < end; kept++) lines.push(` ${oldLines.line(kept)}`)
  }
  for (const difference of group) {
    keep(difference.oldStart)
    for (let index = difference.oldStart; index < difference.oldEnd; index++) lines.push(`-${oldLines.line(index)}`)
    for (let index = difference.newStart; index < difference.newEnd; index++) lines.push(`+${newLines.line(index)}`)
    kept = difference.oldEnd
  }
  keep(last.oldEnd + tail)
  const ranges = `-${range(first.oldStart - lead, oldCount)} +${range(first.newStart - lead, newCount)}`
  return `@@ ${ranges} @@\n${lines.join('')}`
}

/** Line numbers count from 1; an empty range names the line before it. */
function range(start: number, count: number): string {
  if (count === 1) return `${start + 1}`
  return `${count === 0 ? start : start + 1},${count}`
}
