/**
 * Gives every hunk of a section its place in the file: each `@@` line below the one before, then the old lines below the
 * last, each search in the four leniencies in turn. A hunk never goes above the place of the hunk before it.
 */

import { type Document, textsOf } from './document.ts'
import { type NoMatchReason, PatchNoMatchError } from './errors.ts'
import type { Hunk, HunkLine, UpdateSection } from './grammar.ts'
import { keyOf, type Leniency, leniencies } from './leniency.ts'
import { LineIndex, SearchLimit } from './line-index.ts'

export interface PlacedHunk {
  readonly hunk: Hunk
  /** The lines that take part: the hunk's, without an empty last one that the file has no line for. */
  readonly lines: readonly HunkLine[]
  /** The index of the first old line in the file, or where to insert. */
  readonly at: number
  readonly oldCount: number
  /** How the old lines were found; null for a hunk that only adds. */
  readonly leniency: Leniency | null
}

/** Throws `PatchNoMatchError`. The result is in the order of the file. */
export function placeHunks(document: Document, section: UpdateSection): PlacedHunk[] {
  const search = new Search(textsOf(document))
  const placed: PlacedHunk[] = []
  for (const [index, hunk] of section.hunks.entries()) {
    const fail = (reason: NoMatchReason): never => {
      throw new PatchNoMatchError(reason, { path: section.path, hunk: index + 1, line: hunk.line })
    }
    try {
      placed.push(search.place(hunk, fail))
    } catch (error) {
      throw error instanceof SearchLimit ? new PatchNoMatchError('limit', placeOf(section, index)) : error
    }
  }
  return inFileOrder(placed, section)
}

function placeOf(section: UpdateSection, index: number): { path: string; hunk: number; line: number } {
  return { path: section.path, hunk: index + 1, line: section.hunks[index]!.line }
}

class Search {
  /** Where the next hunk may begin. */
  #next = 0
  readonly #texts: readonly string[]
  readonly #indexes = new Map<Leniency, LineIndex>()

  constructor(texts: readonly string[]) {
    this.#texts = texts
  }

  place(hunk: Hunk, fail: (reason: NoMatchReason) => never): PlacedHunk {
    for (const context of hunk.contexts) {
      const found = this.#find([context], false, this.#next)
      if (found === null) return fail(this.#find([context], false, 0) === null ? 'context' : 'order')
      this.#next = found.at + 1
    }
    for (const lines of alternatives(hunk)) {
      const old = lines.filter(line => line.kind !== 'add').map(line => line.text)
      if (old.length === 0) return { hunk, lines, at: this.#insertionPlace(hunk), oldCount: 0, leniency: null }
      const found = this.#find(old, hunk.endOfFile, this.#next)
      if (found === null) continue
      this.#next = found.at + old.length
      return { hunk, lines, oldCount: old.length, ...found }
    }
    return fail(this.#next > 0 && this.#standsAnywhere(hunk) ? 'order' : 'lines')
  }

  #find(pattern: readonly string[], atEnd: boolean, start: number): { at: number; leniency: Leniency } | null {
    for (const leniency of leniencies) {
      const index = this.#index(leniency)
      const last = this.#texts.length - pattern.length
      const at = atEnd ? (index.endsWith(pattern, start) ? last : -1) : index.find(pattern, start)
      if (at !== -1) return { at, leniency }
    }
    return null
  }

  #standsAnywhere(hunk: Hunk): boolean {
    const old = hunk.lines.filter(line => line.kind !== 'add').map(line => line.text)
    return this.#find(old, hunk.endOfFile, 0) !== null
  }

  /** Each leniency's index is built when it is first needed; most patches need only the first. */
  #index(leniency: Leniency): LineIndex {
    const known = this.#indexes.get(leniency)
    if (known !== undefined) return known
    const index = new LineIndex(this.#texts, keyOf[leniency])
    this.#indexes.set(leniency, index)
    return index
  }

  /**
   * A hunk without old lines goes to the end of the file, above an empty last line, whatever its `@@` line says: that is
   * what the reference does with the same patch. A hunk that spells out the end of the file goes to the very end.
   */
  #insertionPlace(hunk: Hunk): number {
    const count = this.#texts.length
    const blankLast = count > 0 && this.#texts[count - 1] === ''
    return blankLast && !hunk.lines.some(line => line.ending === 'none') ? count - 1 : count
  }
}

/**
 * The lines of the hunk, and as second choice without an empty last old line: models write one for the newline that ends
 * the file, or as a gap before the next section.
 */
function alternatives(hunk: Hunk): readonly (readonly HunkLine[])[] {
  const last = hunk.lines.findLastIndex(line => line.kind !== 'add')
  if (last === -1 || hunk.lines[last]!.text !== '') return [hunk.lines]
  const shorter = hunk.lines.filter((_, index) => index !== last)
  const end = shorter.at(-1)
  if (hunk.lines[last]!.kind === 'remove' && end?.kind === 'add' && end.text === '') shorter.pop()
  const hasOld = shorter.some(line => line.kind !== 'add')
  return hasOld ? [hunk.lines, shorter] : [hunk.lines]
}

function inFileOrder(placed: readonly PlacedHunk[], section: UpdateSection): PlacedHunk[] {
  const sorted = placed.toSorted((one, other) => one.at - other.at)
  for (let index = 1; index < sorted.length; index++) {
    const before = sorted[index - 1]!
    const current = sorted[index]!
    if (current.at < before.at + before.oldCount) {
      throw new PatchNoMatchError('overlap', placeOf(section, section.hunks.indexOf(current.hunk)))
    }
  }
  return sorted
}
