/**
 * One value per path, and the question that is asked most: which is the deepest path that contains this one? Answered in a single
 * pass over the text of the path, whose hash at each separator is looked up in a flat table. Nothing is cut out of the text, and
 * where no path that is filed is as deep, nothing is looked up.
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
  /** Each path with its value after it: what is found together lies together. */
  readonly #filed: readonly (AbsolutePath | Value)[]
  /** Pairs of a hash and, one higher so that 0 is free, the number of a path. */
  readonly #table: Int32Array
  readonly #mask: number
  /** A bit for every depth at which a path is filed. */
  #depths = 0
  /** The number of the path of the root. */
  #root = NOWHERE
  /** Only when the table was given up: the numbers of the paths. */
  #numbers: PathTree<number> | undefined

  constructor(byPath: ReadonlyMap<AbsolutePath, Value>) {
    const filed: (AbsolutePath | Value)[] = []
    for (const [path, value] of byPath) filed.push(path, value)
    this.#filed = filed
    let size = 8
    while (size < byPath.size * 2) size *= 2
    this.#mask = size - 1
    this.#table = new Int32Array(size * 2)
    let number = 0
    for (const path of byPath.keys()) {
      if (!this.#file(path, number++)) {
        this.#numbers = numbersOf(byPath.keys())
        break
      }
    }
  }

  #file(path: AbsolutePath, number: number): boolean {
    if (path === ROOT) {
      this.#root = number
      return true
    }
    this.#depths |= 1 << Math.min(depthOf(path), DEEPEST_MARK)
    const hash = hashOf(path)
    let slot = slotOf(hash, this.#mask)
    for (let probes = 0; this.#table[slot * 2 + 1] !== 0; probes++) {
      if (probes === MOST_PROBES) return false
      slot = (slot + 1) & this.#mask
    }
    this.#table[slot * 2] = hash
    this.#table[slot * 2 + 1] = number + 1
    return true
  }

  /** The number of the path that is the first `length` units of `path`, or -1. */
  #find(path: string, length: number, hash: number): number {
    const table = this.#table
    for (let slot = slotOf(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const number = table[slot * 2 + 1]! - 1
      if (number === -1) return NOWHERE
      if (table[slot * 2] !== hash) continue
      const filed = this.#filed[number * 2] as AbsolutePath
      if (filed.length === length && path.startsWith(filed)) return number
    }
  }

  /** The value of the deepest path that contains `path`, itself included; undefined when none does. */
  deepestAbove(path: AbsolutePath): Value | undefined {
    const number = this.numberAbove(path)
    return number < 0 ? undefined : (this.#filed[number * 2 + 1] as Value)
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
      if (number !== NOWHERE) found.push(this.#filed[number * 2 + 1] as Value)
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
