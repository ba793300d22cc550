/**
 * One value per path, and the question that is asked most: which is the deepest path that contains this one? Answered in a single
 * pass over the text of the path, whose hash at each separator is looked up in a flat table. Nothing is cut out of the text, and
 * where no path that is filed is as deep, nothing is looked up. Among many paths the time goes to memory that no cache holds, so
 * eight bits of the hash in each slot tell what is not filed, and the texts are copied side by side: a question touches a slot, a
 * text and no string on the heap.
 *
 * `PathTree` answers the same and more (what lies below), in several times the time.
 */
import { type AbsolutePath, depthOf, normalizeAbsolute, ROOT } from './path.ts'
import { PathTree } from './path-tree.ts'

const SLASH = 47
const DOT = 46
/** No path contains it. */
export const NOWHERE = -1
/** The text is relative, or PATH-1 would change it. */
export const NOT_NORMAL = -2
/** Depths from here on share a mark. */
const DEEPEST_MARK = 31
/** A hash that so many paths share was made on purpose; then the tree, which cannot be slowed down, answers. */
const MOST_PROBES = 64
/** More text than that has no places that fit into the table; the tree answers then, too. */
const MOST_TEXT = 0x7fff_ffff

/** A slot has 24 bits for a number; where there are more paths, the tree answers. */
const MOST_PATHS = 0xff_ffff

// A slot of the table: eight bits of the hash above the number of a path, which is one higher, so that 0 is a free slot; and where
// its text starts.
const SLOT = 2
const START = 1

/** Of the text up to `end`, without the first separator. The table and the walk must take the same steps. */
function step(hash: number, character: number): number {
  return (Math.imul(hash, 0x01000193) ^ character) | 0
}

function hashOf(path: AbsolutePath): number {
  let hash = 0
  for (let index = 1; index < path.length; index++) hash = step(hash, path.charCodeAt(index))
  return hash
}

/** A hash whose low bits say in which slot to look first, and whose high ones stand in the slot. */
function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
}

const WIDE = /[^\0-\xff]/

/** Room for the paths, each with a NUL behind it, which no path holds: half of it where no unit needs two bytes. */
function roomFor(paths: Iterable<AbsolutePath>): Uint8Array | Uint16Array {
  let length = 0
  let wide = false
  for (const path of paths) {
    length += path.length + 1
    wide ||= WIDE.test(path)
  }
  if (length > MOST_TEXT) length = 0
  return wide ? new Uint16Array(length) : new Uint8Array(length)
}

export class PathIndex<Value> {
  readonly #values: readonly Value[]
  /** The texts of the paths, one after the other, each with a NUL behind it. */
  readonly #texts: Uint8Array | Uint16Array
  readonly #table: Int32Array
  readonly #mask: number
  /** A bit for every depth at which a path is filed. */
  #depths = 0
  /** The number of the path of the root. */
  #root = NOWHERE
  /** Only when the table was given up: the numbers of the paths. */
  #numbers: PathTree<number> | undefined

  constructor(byPath: ReadonlyMap<AbsolutePath, Value>) {
    this.#values = [...byPath.values()]
    let size = 8
    while (size < byPath.size * 2) size *= 2
    this.#mask = size - 1
    this.#table = new Int32Array(size * SLOT)
    this.#texts = roomFor(byPath.keys())
    if (byPath.size >= MOST_PATHS || !this.#fileAll(byPath.keys())) this.#numbers = numbersOf(byPath.keys())
  }

  #fileAll(paths: Iterable<AbsolutePath>): boolean {
    let number = 0
    let start = 0
    for (const path of paths) {
      if (start + path.length >= this.#texts.length || !this.#file(path, number++, start)) return false
      start += path.length + 1
    }
    return true
  }

  #file(path: AbsolutePath, number: number, start: number): boolean {
    if (path === ROOT) {
      this.#root = number
      return true
    }
    this.#depths |= 1 << Math.min(depthOf(path), DEEPEST_MARK)
    const mixed = mix(hashOf(path))
    let slot = mixed & this.#mask
    for (let probes = 0; this.#table[slot * SLOT] !== 0; probes++) {
      if (probes === MOST_PROBES) return false
      slot = (slot + 1) & this.#mask
    }
    this.#table[slot * SLOT] = (mixed & ~MOST_PATHS) | (number + 1)
    this.#table[slot * SLOT + START] = start
    for (let index = 0; index < path.length; index++) this.#texts[start + index] = path.charCodeAt(index)
    return true
  }

  /** The number of the path that is the first `length` units of `path`, or -1. */
  #find(path: string, length: number, hash: number): number {
    const table = this.#table
    const mixed = mix(hash)
    for (let slot = mixed & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const word = table[slot * SLOT]!
      if (word === 0) return NOWHERE
      if (((word ^ mixed) & ~MOST_PATHS) !== 0) continue
      if (this.#isTextAt(table[slot * SLOT + START]!, path, length)) return (word & MOST_PATHS) - 1
    }
  }

  #isTextAt(start: number, path: string, length: number): boolean {
    const texts = this.#texts
    for (let index = 0; index < length; index++) {
      const unit = path.charCodeAt(index)
      // A NUL in a question must not pass for the one behind a text.
      if (texts[start + index] !== unit || unit === 0) return false
    }
    return texts[start + length] === 0
  }

  /** The value with the number that `numberAbove` gave. */
  valueOf(number: number): Value {
    return this.#values[number] as Value
  }

  /** The value of the deepest path that contains `path`, itself included; undefined when none does. */
  deepestAbove(path: AbsolutePath): Value | undefined {
    const number = this.numberAbove(path)
    return number < 0 ? undefined : this.#values[number]
  }

  /**
   * The number of the deepest path that contains the text, in the order in which they were given; `NOWHERE` when none does, and
   * `NOT_NORMAL` for a text that is no absolute path in the form of PATH-1. One pass finds out both.
   */
  numberAbove(text: string): number {
    if (text.charCodeAt(0) !== SLASH) return NOT_NORMAL
    if (this.#numbers !== undefined) return this.#numberInTree(text, this.#numbers)
    const end = text.length
    let hash = 0
    let depth = 2
    let deepest = this.#root
    if (end > 1 && endsEarly(text, 1)) return NOT_NORMAL
    for (let index = 1; index < end; index++) {
      // Nothing is filed from here on down; the rest has to be in normal form.
      if (this.#depths >>> depth === 0 && depth < DEEPEST_MARK) return isNormalFrom(text, index) ? deepest : NOT_NORMAL
      const character = text.charCodeAt(index)
      if (character === SLASH) {
        if (endsEarly(text, index + 1)) return NOT_NORMAL
        if (this.#isFiledAt(depth)) {
          const found = this.#find(text, index, hash)
          if (found !== -1) deepest = found
        }
        depth++
      }
      hash = step(hash, character)
    }
    if (end > 1 && this.#isFiledAt(depth)) {
      const found = this.#find(text, end, hash)
      if (found !== -1) deepest = found
    }
    return deepest
  }

  #numberInTree(text: string, numbers: PathTree<number>): number {
    const path = normalizeAbsolute(text)
    return path === text ? (numbers.deepestAbove(path)[0] ?? NOWHERE) : NOT_NORMAL
  }

  #isFiledAt(depth: number): boolean {
    return ((this.#depths >>> (depth < DEEPEST_MARK ? depth : DEEPEST_MARK)) & 1) === 1
  }
}

function numbersOf(paths: Iterable<AbsolutePath>): PathTree<number> {
  const tree = new PathTree<number>()
  let number = 0
  for (const path of paths) tree.add(path, number++)
  return tree
}

/** Whether no component that begins behind this place is empty, `.` or `..`. */
function isNormalFrom(text: string, start: number): boolean {
  for (let slash = text.indexOf('/', start); slash !== -1; slash = text.indexOf('/', slash + 1)) {
    if (endsEarly(text, slash + 1)) return false
  }
  return true
}

/** Whether the component that begins here is empty, `.` or `..`. */
function endsEarly(text: string, start: number): boolean {
  let index = start
  for (; text.charCodeAt(index) === DOT && index < start + 2; index++);
  return index === text.length || text.charCodeAt(index) === SLASH
}
