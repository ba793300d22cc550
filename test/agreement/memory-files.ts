/** A file tree in memory with symbolic links, as the policy layer sees a disk. Paths are absolute; `.` and `..` are not used. */
import { posix } from 'node:path'

import { type AbsolutePath, ancestorsOf } from '../../lib/policy/path.ts'
import type { FileKind, FileSystemView } from '../../lib/policy/types.ts'

type Node =
  | { readonly kind: 'directory' | 'file'; readonly text?: string }
  | { readonly kind: 'symlink'; readonly to: string }

export interface TreeWords {
  readonly dirs?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly links?: Readonly<Record<string, string>>
}

export function memoryFiles(base: string, words: TreeWords): FileSystemView {
  const nodes = new Map<string, Node>()
  const put = (name: string, node: Node) => {
    const path = posix.resolve(base, name) as AbsolutePath
    for (const up of ancestorsOf(path).slice(0, -1)) if (!nodes.has(up)) nodes.set(up, { kind: 'directory' })
    if (node.kind !== 'directory' || !nodes.has(path)) nodes.set(path, node)
  }
  for (const name of ['/', '/tmp', base, ...(words.dirs ?? [])]) put(name, { kind: 'directory' })
  for (const [name, text] of Object.entries(words.files ?? {})) put(name, { kind: 'file', text })
  for (const [name, to] of Object.entries(words.links ?? {})) put(name, { kind: 'symlink', to })

  const real = (path: string, links = 40): string | null => {
    let here = '/'
    const components = path.split('/').filter(component => component !== '')
    for (const [index, component] of components.entries()) {
      here = posix.join(here, component)
      const node = nodes.get(here)
      if (node === undefined) return null
      if (node.kind !== 'symlink') continue
      const target = posix.resolve(posix.dirname(here), node.to, ...components.slice(index + 1))
      return links === 0 ? null : real(target, links - 1)
    }
    return here
  }
  const kindOf = (path: string): FileKind => {
    const directory = real(posix.dirname(path))
    if (path === '/' || directory === null) return path === '/' ? 'directory' : 'missing'
    return nodes.get(posix.join(directory, posix.basename(path)))?.kind ?? 'missing'
  }
  return {
    realPath: path => real(path) as AbsolutePath | null,
    kindOf,
    targetKindOf: path => {
      const target = real(path)
      return target === null ? 'missing' : (kindOf(target) as Exclude<FileKind, 'symlink'>)
    },
    readText: (path, limit) => {
      const node = nodes.get(real(path) ?? '')
      const text = node?.kind === 'file' ? (node.text ?? '') : null
      return text !== null && Buffer.byteLength(text) <= limit ? text : null
    },
  }
}
