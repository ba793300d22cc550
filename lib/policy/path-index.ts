/**
 * One value per path, and the question that is asked most: which is the deepest path that contains this one? Answered in a single
 * pass over the text of the path, whose hash at each separator is looked up in a flat table. Nothing is cut out of the text, and
 * where no path that is filed is as deep, nothing is looked up. Among many paths the time goes to memory that no cache holds, so
 * the filed texts are copied side by side: a question touches a slot and a text, and no string on the heap.
 *
 * `PathTree` answers the same and more (what lies below), in several times the time.
 */
import { type AbsolutePath, depthOf, normalizeAbsolute, parentOf, ROOT } from './path.ts'
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

// What a slot of the table holds, in four numbers.
const SLOT = 4
const HASH = 0
/** Of the path, one higher, so that 0 is a free slot. */
const NUMBER = 1
const START = 2
const LENGTH = 3

/** Of the text up to `end`, without the first separator. The table and the walk must take the same steps. */
function step(hash: number, character: number): number {
  return (Math.imul(hash, 0x01000193) ^ character) | 0
}

function hashOf(path: AbsolutePath): number {
  let hash = 0
  for (let index = 1; index < path.length; index++) hash = step(hash, path.charCodeAt(index))
  return hash
}

function slotOf(hash: number, mask: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) & mask
}

export class PathIndex<Value> {
  readonly #values: readonly Value[]
  /** The texts of the paths, one after the other. */
  readonly #texts: Uint16Array
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
    let textLength = 0
    for (const path of byPath.keys()) textLength += path.length
    this.#texts = new Uint16Array(textLength > MOST_TEXT ? 0 : textLength)
    if (textLength > MOST_TEXT || !this.#fileAll(byPath.keys())) this.#numbers = numbersOf(byPath.keys())
  }

  #fileAll(paths: Iterable<AbsolutePath>): boolean {
    let number = 0
    let start = 0
    for (const path of paths) {
      if (!this.#file(path, number++, start)) return false
      start += path.length
    }
    return true
  }

  #file(path: AbsolutePath, number: number, start: number): boolean {
    if (path === ROOT) {
      this.#root = number
      return true
    }
    this.#depths |= 1 << Math.min(depthOf(path), DEEPEST_MARK)
    const hash = hashOf(path)
    let slot = slotOf(hash, this.#mask)
    for (let probes = 0; this.#table[slot * SLOT + NUMBER] !== 0; probes++) {
      if (probes === MOST_PROBES) return false
      slot = (slot + 1) & this.#mask
    }
    const at = slot * SLOT
    this.#table[at + HASH] = hash
    this.#table[at + NUMBER] = number + 1
    this.#table[at + START] = start
    this.#table[at + LENGTH] = path.length
    for (let index = 0; index < path.length; index++) this.#texts[start + index] = path.charCodeAt(index)
    return true
  }

  /** The number of the path that is the first `length` units of `path`, or -1. */
  #find(path: string, length: number, hash: number): number {
    const table = this.#table
    for (let slot = slotOf(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const at = slot * SLOT
      const number = table[at + NUMBER]! - 1
      if (number === -1) return NOWHERE
      if (table[at + HASH] !== hash || table[at + LENGTH] !== length) continue
      if (this.#isTextAt(table[at + START]!, path, length)) return number
    }
  }

  #isTextAt(start: number, path: string, length: number): boolean {
    const texts = this.#texts
    for (let index = 0; index < length; index++) {
      if (texts[start + index] !== path.charCodeAt(index)) return false
    }
    return true
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

  /** The values of the paths that contain `path` without being it, from the root down. */
  strictlyAbove(path: AbsolutePath): Value[] {
    const found: Value[] = []
    if (path === ROOT) return found
    const add = (number: number) => {
      if (number !== NOWHERE) found.push(this.#values[number] as Value)
    }
    if (this.#numbers !== undefined) {
      for (const numbers of this.#numbers.above(parentOf(path))) numbers.forEach(add)
      return found
    }
    add(this.#root)
    let hash = 0
    let depth = 2
    for (let index = 1; index < path.length; index++) {
      const character = path.charCodeAt(index)
      if (character === SLASH) {
        if (this.#isFiledAt(depth)) add(this.#find(path, index, hash))
        depth++
      }
      hash = step(hash, character)
    }
    return found
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

/** Whether the component that begins here is empty, `.` or `..`. */
function endsEarly(text: string, start: number): boolean {
  let index = start
  for (; text.charCodeAt(index) === DOT && index < start + 2; index++);
  return index === text.length || text.charCodeAt(index) === SLASH
}
