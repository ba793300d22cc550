/**
 * What is filed under the paths that contain a path. For a few questions about paths that were filed just now: nothing is made
 * but a set of lengths, so that a path is cut only where something may be filed, however long it is. For many questions see
 * `PathIndex`.
 */
import { type AbsolutePath, ROOT } from './path.ts'

export class FiledAbove<Value> {
  readonly #filed: ReadonlyMap<AbsolutePath, Value>
  readonly #lengths = new Set<number>()

  constructor(filed: ReadonlyMap<AbsolutePath, Value>) {
    this.#filed = filed
    for (const path of filed.keys()) this.#lengths.add(path.length)
  }

  /** The values of the paths that contain `path` without being it, from the root down. */
  strictlyAbove(path: AbsolutePath): Value[] {
    const found: Value[] = []
    if (path === ROOT) return found
    const add = (place: AbsolutePath) => {
      const value = this.#filed.get(place)
      if (value !== undefined) found.push(value)
    }
    add(ROOT)
    for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      if (this.#lengths.has(slash)) add(path.slice(0, slash) as AbsolutePath)
    }
    return found
  }
}
