/** A file system in memory behind the questions of the policy layer, and surroundings on top of it. */
import type { GitAccess } from '../../lib/policy/git-access.ts'
import { type AbsolutePath, normalizeAbsolute, parentOf, resolvePath } from '../../lib/policy/path.ts'
import type { FileKind, FileSystemView, Surroundings } from '../../lib/policy/types.ts'

/** Path to what stands there: `dir`, `file`, `other`, text in a file, or the target of a link. Parents are made. */
export type Tree = Readonly<
  Record<string, 'dir' | 'file' | 'other' | { readonly text: string } | { readonly link: string }>
>

export function path(text: string): AbsolutePath {
  return normalizeAbsolute(text)
}

export function fakeFiles(tree: Tree): FileSystemView {
  const nodes = new Map<AbsolutePath, Tree[string]>([[path('/'), 'dir']])
  for (const [name, node] of Object.entries(tree)) {
    for (let parent = parentOf(path(name)); !nodes.has(parent); parent = parentOf(parent)) nodes.set(parent, 'dir')
    nodes.set(path(name), node)
  }

  function kindOf(node: Tree[string] | undefined): FileKind {
    if (node === undefined) return 'missing'
    if (node === 'dir') return 'directory'
    if (node === 'file' || node === 'other') return node
    return 'link' in node ? 'symlink' : 'file'
  }

  // Follows links component by component, as the kernel does; null when the path does not resolve.
  function resolve(start: AbsolutePath, budget = 40): AbsolutePath | null {
    let current = path('/')
    const waiting = start.split('/').filter(name => name !== '')
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (kindOf(nodes.get(current)) !== 'directory') return null
      const next = path(`${current}/${name}`)
      const node = nodes.get(next)
      if (node === undefined) return null
      if (typeof node === 'object' && 'link' in node) {
        if (budget-- === 0) return null
        const target = resolve(resolvePath(node.link, current), budget)
        if (target === null) return null
        current = target
      } else current = next
    }
    return current
  }

  // The node at the path itself: only the way to it is followed.
  function nodeAt(wanted: AbsolutePath) {
    if (wanted === '/') return nodes.get(wanted)
    const parent = resolve(parentOf(wanted))
    if (parent === null || nodes.get(parent) !== 'dir') return undefined
    return nodes.get(path(`${parent}/${wanted.slice(wanted.lastIndexOf('/') + 1)}`))
  }

  return {
    realPath: wanted => resolve(wanted),
    kindOf: wanted => kindOf(nodeAt(wanted)),
    targetKindOf(wanted) {
      const target = resolve(wanted)
      return target === null ? 'missing' : (kindOf(nodes.get(target)) as Exclude<FileKind, 'symlink'>)
    },
    readText(wanted, limit) {
      const target = resolve(wanted)
      const node = target === null ? undefined : nodes.get(target)
      return typeof node === 'object' && 'text' in node && node.text.length <= limit ? node.text : null
    },
  }
}

export interface Around {
  readonly cwd?: string
  readonly home?: string
  readonly tmpdir?: string
  readonly git?: GitAccess
}

export function surroundingsIn(tree: Tree, { cwd = '/ws', home = '/home', tmpdir, git }: Around = {}): Surroundings {
  return {
    policyCwd: path(cwd),
    processCwd: path('/process'),
    temporaryDirectory: tmpdir,
    home,
    files: fakeFiles(tree),
    ...(git === undefined ? {} : { git }),
  }
}
