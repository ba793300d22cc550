/**
 * A Windows disk in memory for cases about a system that is not here: names without case, junctions and symbolic links, short
 * names. As `WindowsFiles` of the planner.
 */
const foldName = name => name.toLowerCase()
const isDrive = path => /^[a-z]:\\?$/i.test(path)
const isShare = path => /^\\\\[^\\]+\\[^\\]+$/.test(path)
const isTop = path => isDrive(path) || isShare(path)

function parentOf(path) {
  const parent = path.slice(0, path.lastIndexOf('\\'))
  return isDrive(parent) ? `${parent}\\` : parent
}
const childOf = (path, name) => (path.endsWith('\\') ? `${path}${name}` : `${path}\\${name}`)
const baseName = path => path.slice(path.lastIndexOf('\\') + 1)

/** The top of a path, and the names below it. */
function apart(path) {
  const top = /^(?:[a-z]:\\?|\\\\[^\\]+\\[^\\]+)/i.exec(path)[0]
  return { top: isDrive(top) ? `${top.slice(0, 2)}\\` : top, names: path.slice(top.length).split('\\').filter(Boolean) }
}

export function windowsFiles(...descriptions) {
  const nodes = new Map()
  const key = path => foldName(path)
  const put = (path, node) => {
    if (!isTop(path) && !nodes.has(key(parentOf(path)))) put(parentOf(path), { kind: 'directory' })
    const known = nodes.get(key(path))
    if (known !== undefined && node.kind === 'directory') return
    nodes.set(key(path), { ...node, path })
  }
  for (const { dirs = [], files = {}, symlinks = {}, shortNames = {} } of descriptions) {
    for (const path of dirs) put(path, { kind: 'directory' })
    for (const [path, text] of Object.entries(files)) put(path, { kind: 'file', text })
    for (const [path, to] of Object.entries(symlinks)) put(path, { kind: 'symlink', to })
    for (const [path, to] of Object.entries(shortNames)) put(path, { kind: 'short', to })
  }

  const nodeAt = path => {
    const node = nodes.get(key(path))
    return node?.kind === 'short' ? nodes.get(key(childOf(parentOf(path), node.to))) : node
  }

  // Name by name, as the system does; null where the path does not resolve.
  function resolve(path, budget = 63) {
    const { top, names } = apart(path)
    let node = nodes.get(key(top))
    if (node === undefined) return null
    let current = node.path
    while (names.length > 0) {
      if (node.kind !== 'directory') return null
      node = nodeAt(childOf(current, names.shift()))
      if (node === undefined) return null
      if (node.kind === 'symlink') {
        if (budget === 0) return null
        const target = resolve(/^([a-z]:|\\\\)/i.test(node.to) ? node.to : childOf(current, node.to), budget - 1)
        if (target === null) return null
        node = nodes.get(key(target))
      }
      current = node.path
    }
    return current
  }

  function ownNode(path) {
    if (isTop(path)) return nodes.get(key(apart(path).top))
    const directory = resolve(parentOf(path))
    return directory === null ? undefined : nodeAt(childOf(directory, baseName(path)))
  }

  const targetKindOf = path => {
    const target = resolve(path)
    return target === null ? 'missing' : nodes.get(key(target)).kind
  }

  return {
    realPath: path => resolve(path),
    kindOf: path => ownNode(path)?.kind ?? 'missing',
    targetKindOf,
    readText: (path, limit) => {
      const node = nodes.get(key(resolve(path) ?? ''))
      return node?.kind === 'file' && Buffer.byteLength(node.text) <= limit ? node.text : null
    },
    list: path => {
      const directory = resolve(path)
      if (directory === null || targetKindOf(path) !== 'directory') return null
      return [...nodes.values()]
        .filter(node => node.kind !== 'short' && !isTop(node.path) && key(parentOf(node.path)) === key(directory))
        .map(node => baseName(node.path))
    },
  }
}
