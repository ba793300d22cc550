/**
 * One value per path, and the question that is asked most: which is the deepest path that contains this one? Answered in a single
 * pass over the text of the path, whose hash at each separator is looked up in a flat table. Nothing is cut out of the text, and
 * where no path that is filed is as deep, nothing is looked up.
 *
 * `PathTree` answers the same and more (what lies below), in several times the time.
 */
import { type AbsolutePath, depthOf, ROOT } from './path.ts'
import { PathTree } from './path-tree.ts'

const SLASH = 47
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
  readonly #paths: readonly AbsolutePath[]
  readonly #values: readonly Value[]
  /** Pairs of a hash and, one higher so that 0 is free, the number of a path. */
  readonly #table: Int32Array
  readonly #mask: number
  /** A bit for every depth at which a path is filed. */
  #depths = 0
  #root: Value | undefined
  /** Only when the table was given up. */
  #tree: PathTree<Value> | undefined

  constructor(byPath: ReadonlyMap<AbsolutePath, Value>) {
    this.#paths = [...byPath.keys()]
    this.#values = [...byPath.values()]
    this.#root = byPath.get(ROOT)
    let size = 8
    while (size < this.#paths.length * 2) size *= 2
    this.#mask = size - 1
    this.#table = new Int32Array(size * 2)
    if (!this.#paths.every((path, number) => this.#file(path, number))) this.#tree = treeOf(byPath)
  }

  #file(path: AbsolutePath, number: number): boolean {
    if (path === ROOT) return true
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
  #find(path: AbsolutePath, length: number, hash: number): number {
    const table = this.#table
    for (let slot = slotOf(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const number = table[slot * 2 + 1]! - 1
      if (number === -1) return -1
      if (table[slot * 2] !== hash) continue
      const filed = this.#paths[number]!
      if (filed.length === length && path.startsWith(filed)) return number
    }
  }

  /** The value of the deepest path that contains `path`, itself included; undefined when none does. */
  deepestAbove(path: AbsolutePath): Value | undefined {
    if (this.#tree !== undefined) return this.#tree.deepestAbove(path)[0]
    const end = path.length
    let hash = 0
    let depth = 2
    let deepest = -1
    for (let index = 1; index < end; index++) {
      const character = path.charCodeAt(index)
      if (character === SLASH) {
        if (this.#isFiledAt(depth)) {
          const found = this.#find(path, index, hash)
          if (found !== -1) deepest = found
        }
        depth++
      }
      hash = step(hash, character)
    }
    if (end > 1 && this.#isFiledAt(depth)) {
      const found = this.#find(path, end, hash)
      if (found !== -1) deepest = found
    }
    return deepest === -1 ? this.#root : this.#values[deepest]
  }

  #isFiledAt(depth: number): boolean {
    return ((this.#depths >>> (depth < DEEPEST_MARK ? depth : DEEPEST_MARK)) & 1) === 1
  }
}

function treeOf<Value>(byPath: ReadonlyMap<AbsolutePath, Value>): PathTree<Value> {
  const tree = new PathTree<Value>()
  for (const [path, value] of byPath) tree.add(path, value)
  return tree
}
