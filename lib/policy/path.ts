/**
 * Absolute paths, made in one place (spec/policy PATH-1 … PATH-4). Lexical only: the disk is never consulted here.
 * POSIX forms; Windows forms are the business of `plan/windows`.
 */

declare const absolute: unique symbol

/** An absolute, normalised path: no empty, `.` or `..` component, no trailing separator, no NUL. */
export type AbsolutePath = string & { readonly [absolute]: true }

export const ROOT = '/' as AbsolutePath

/** True when `text` starts at the root. `~/x` does not. */
export function isAbsolute(text: string): boolean {
  return text.startsWith('/')
}

/** Whether PATH-1 leaves the text as it is. Names that begin with a dot are rare enough to be taken apart. */
function isNormal(text: string): boolean {
  let previous = 47
  if (text.charCodeAt(0) !== previous) return false
  for (let index = 1; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (previous === 47 && (character === 47 || character === 46)) return false
    previous = character
  }
  return previous !== 47 || text.length === 1
}

/** PATH-1. `text` must be absolute and free of NUL; a caller that cannot know that checks first. */
export function normalizeAbsolute(text: string): AbsolutePath {
  if (isNormal(text)) return text as AbsolutePath
  const components: string[] = []
  for (const component of text.split('/')) {
    if (component === '' || component === '.') continue
    if (component === '..') components.pop()
    else components.push(component)
  }
  return `/${components.join('/')}` as AbsolutePath
}

/** PATH-3: `~` alone and `~/…` become the home directory; everything else stays. */
export function expandHome(text: string, home: string | undefined): string {
  if (home === undefined || home === '') return text
  if (text === '~') return home
  if (text.startsWith('~/')) return `${home}/${text.slice(2)}`
  return text
}

/** PATH-2: home expansion, then relative to `base` unless absolute, then PATH-1. */
export function resolvePath(text: string, base: AbsolutePath, home?: string): AbsolutePath {
  const expanded = expandHome(text, home)
  return normalizeAbsolute(isAbsolute(expanded) ? expanded : `${base}/${expanded}`)
}

/** PATH-4: whole components; every path contains itself. */
export function contains(parent: AbsolutePath, path: AbsolutePath): boolean {
  if (parent === ROOT || parent === path) return true
  return path.length > parent.length && path.charCodeAt(parent.length) === 47 && path.startsWith(parent)
}

/** PATH-4: `/` is 1, `/a` is 2. */
export function depthOf(path: AbsolutePath): number {
  if (path === ROOT) return 1
  let depth = 2
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1)) depth++
  return depth
}

export function parentOf(path: AbsolutePath): AbsolutePath {
  const slash = path.lastIndexOf('/')
  return (slash <= 0 ? '/' : path.slice(0, slash)) as AbsolutePath
}

export function baseNameOf(path: AbsolutePath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `relative` holds plain components only (no `..`), for instance a name, or the rest of a path below a root. */
export function joinPath(path: AbsolutePath, relative: string): AbsolutePath {
  return normalizeAbsolute(`${path}/${relative}`)
}

/** `name` is one plain component, not `.` or `..`. Cheaper than `joinPath`, which takes a path apart and puts it together. */
export function childOf(path: AbsolutePath, name: string): AbsolutePath {
  return (path === ROOT ? `/${name}` : `${path}/${name}`) as AbsolutePath
}

/** What follows `parent` in `path`, without a leading separator; empty when they are equal. `path` lies under `parent`. */
export function relativeTo(parent: AbsolutePath, path: AbsolutePath): string {
  return path.slice(parent === ROOT ? 1 : parent.length + 1)
}

/** `/`, `/a`, `/a/b` for `/a/b`. */
export function ancestorsOf(path: AbsolutePath): AbsolutePath[] {
  const list: AbsolutePath[] = [ROOT]
  for (let index = path.indexOf('/', 1); index !== -1; index = path.indexOf('/', index + 1)) {
    list.push(path.slice(0, index) as AbsolutePath)
  }
  if (path !== ROOT) list.push(path)
  return list
}
