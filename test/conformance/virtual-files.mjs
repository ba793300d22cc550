/** A disk in memory for cases about systems that are not here, as the policy layer's `FileSystemView`. */

const parentOf = path => path.slice(0, path.lastIndexOf('/')) || '/'
const join = (directory, name) => (directory === '/' ? `/${name}` : `${directory}/${name}`)

export function virtualFiles(...descriptions) {
  const nodes = new Map([['/', { kind: 'directory' }]])
  const put = (path, node) => {
    for (let up = parentOf(path); !nodes.has(up); up = parentOf(up)) nodes.set(up, { kind: 'directory' })
    if (node.kind !== 'directory' || !nodes.has(path)) nodes.set(path, node)
  }
  for (const { dirs = [], files = {}, symlinks = {} } of descriptions) {
    for (const path of dirs) put(path, { kind: 'directory' })
    for (const [path, text] of Object.entries(files)) put(path, { kind: 'file', text })
    for (const [path, to] of Object.entries(symlinks)) put(path, { kind: 'symlink', to })
  }

  // Component by component, as a kernel does; null where the path does not resolve.
  function resolve(path, budget = 40) {
    let current = '/'
    const waiting = path.split('/').filter(name => name !== '')
    while (waiting.length > 0) {
      const name = waiting.shift()
      if (name === '.') continue
      if (name === '..') {
        current = parentOf(current)
        continue
      }
      const next = join(current, name)
      const node = nodes.get(next)
      if (node === undefined || (waiting.length > 0 && node.kind === 'file')) return null
      if (node.kind !== 'symlink') {
        current = next
        continue
      }
      if (--budget < 0) return null
      if (node.to.startsWith('/')) current = '/'
      waiting.unshift(...node.to.split('/').filter(part => part !== ''))
    }
    return current
  }

  function kindOf(path) {
    if (path === '/') return 'directory'
    const directory = resolve(parentOf(path))
    return directory === null
      ? 'missing'
      : (nodes.get(join(directory, path.slice(path.lastIndexOf('/') + 1)))?.kind ?? 'missing')
  }

  return {
    realPath: path => resolve(path),
    kindOf,
    targetKindOf: path => {
      const target = resolve(path)
      return target === null ? 'missing' : kindOf(target)
    },
    readText: (path, limit) => {
      const node = nodes.get(resolve(path) ?? '')
      return node?.kind === 'file' && Buffer.byteLength(node.text) <= limit ? node.text : null
    },
  }
}
