/**
 * Values filed under absolute paths, component by component. Finding the deepest value above a path costs the length of the
 * path, listing what lies below one costs the length of the answer; neither depends on how much is filed.
 */
import { type AbsolutePath, ROOT } from './path.ts'

interface Node<Value> {
  // Both are made on first use: most nodes of a large tree are leaves, or steps on the way to one.
  children: Map<string, Node<Value>> | undefined
  values: Value[] | undefined
}

function emptyNode<Value>(): Node<Value> {
  return { children: undefined, values: undefined }
}

function componentsOf(path: AbsolutePath): readonly string[] {
  return path === ROOT ? [] : path.slice(1).split('/')
}

export class PathTree<Value> {
  readonly #root: Node<Value> = emptyNode()

  add(path: AbsolutePath, value: Value): void {
    let node = this.#root
    for (const component of componentsOf(path)) {
      node.children ??= new Map()
      const child = node.children.get(component) ?? emptyNode()
      node.children.set(component, child)
      node = child
    }
    if (node.values === undefined) node.values = [value]
    else node.values.push(value)
  }

  /** The values filed at exactly this path, in the order they were added. */
  at(path: AbsolutePath): readonly Value[] {
    return this.#find(path)?.values ?? []
  }

  /** The values at the deepest path that contains `path` (itself included) and holds any; empty when none does. */
  deepestAbove(path: AbsolutePath): readonly Value[] {
    let node: Node<Value> | undefined = this.#root
    let deepest = node.values
    for (const component of componentsOf(path)) {
      node = node.children?.get(component)
      if (node === undefined) break
      deepest = node.values ?? deepest
    }
    return deepest ?? []
  }

  /** The values of every path that contains `path`, itself included, from the root down. */
  *above(path: AbsolutePath): Generator<readonly Value[]> {
    let node: Node<Value> | undefined = this.#root
    if (node.values !== undefined) yield node.values
    for (const component of componentsOf(path)) {
      node = node.children?.get(component)
      if (node === undefined) return
      if (node.values !== undefined) yield node.values
    }
  }

  /** Every value filed strictly below `path`, in no particular order. */
  *below(path: AbsolutePath): Generator<Value> {
    const start = this.#find(path)
    const waiting = start?.children === undefined ? [] : [...start.children.values()]
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (node.values !== undefined) yield* node.values
      if (node.children !== undefined) for (const child of node.children.values()) waiting.push(child)
    }
  }

  #find(path: AbsolutePath): Node<Value> | undefined {
    let node: Node<Value> | undefined = this.#root
    for (const component of componentsOf(path)) {
      node = node.children?.get(component)
      if (node === undefined) return undefined
    }
    return node
  }
}
