/**
 * The canonical form of a path (spec PATH-5): what the kernel would call it, with a missing tail kept by name. The disk is
 * asked once per component however many paths share it, so that a policy of many entries costs one look each.
 */
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, ancestorsOf, baseNameOf, childOf, depthOf, joinPath, parentOf, ROOT } from './path.ts'
import type { FileSystemView } from './types.ts'

export interface Location {
  /** The canonical path. A dangling or looping link keeps its own name, a missing tail stays as spelled. */
  readonly path: AbsolutePath
  /** False when nothing stands there, links followed. */
  readonly exists: boolean
  /**
   * The symbolic links that the spelling passes, each by its own name in a canonical directory, from the root down. When the
   * spelled path is itself a link, that is the last one.
   */
  readonly links: readonly AbsolutePath[]
}

export interface CanonicalPaths {
  locate(path: AbsolutePath): Location
  /** PATH-5: `locate` without the rest. */
  canonical(path: AbsolutePath): AbsolutePath
}

// Resolving the last name of `spelled` in a directory that is canonical already: only a link needs the system's help.
function step(parent: Location, spelled: AbsolutePath, files: FileSystemView): Location {
  const { links, exists } = parent
  const { spelledOnDisk } = files
  // Where nothing was followed, the spelling is the path: a text that is at hand and that tables know already.
  const isPlain = links.length === 0 && spelledOnDisk === undefined
  const given = isPlain ? spelled : childOf(parent.path, baseNameOf(spelled))
  const kind = exists ? files.kindOf(given) : 'missing'
  if (kind === 'missing') return { path: given, exists: false, links }
  const path = spelledOnDisk === undefined ? given : spelledOnDisk(given)
  if (kind !== 'symlink') return { path, exists: true, links }
  const target = files.realPath(path)
  return { path: target ?? path, exists: target !== null, links: [...links, path] }
}

/** The answers are remembered: make a new one when the disk may have changed. */
export function canonicalPaths(files: FileSystemView): CanonicalPaths {
  const root: Location = { path: ROOT, exists: true, links: [] }
  const known = new Map<AbsolutePath, Location>([[ROOT, root]])

  function locate(path: AbsolutePath): Location {
    const answer = known.get(path)
    if (answer !== undefined) return answer
    // Nothing has such a name; going up it would cost its length once for every directory in it.
    if (path.length > LONGEST_PATH) return locateLong(path)
    const parent = locate(parentOf(path))
    const location = step(parent, path, files)
    // Below what does not exist there is nothing to remember.
    if (parent.exists) known.set(path, location)
    return location
  }

  function locateLong(path: AbsolutePath): Location {
    const within = path.lastIndexOf('/', LONGEST_PATH)
    const around = locate((within <= 0 ? ROOT : path.slice(0, within)) as AbsolutePath)
    const { links } = around
    return { path: joinPath(around.path, path.slice(within)), exists: false, links }
  }

  return { locate, canonical: path => locate(path).path }
}

/** PATH_MAX of Linux: nothing longer can be looked up. */
const LONGEST_PATH = 4096

/**
 * L4-3, what June takes for the form of a path in root lists: like PATH-5, except that a path keeps its spelling when it passes
 * a link below the first level. First-level links (`/bin`, macOS `/tmp`) are followed.
 */
function preserveLinks(path: AbsolutePath, files: FileSystemView): AbsolutePath {
  const spelled = ancestorsOf(path)
  const standing = spelled.findLast(ancestor => files.kindOf(ancestor) !== 'missing')
  if (standing === undefined) return path
  const passesLink = spelled.some(
    ancestor => depthOf(ancestor) > 2 && depthOf(ancestor) <= depthOf(standing) && files.kindOf(ancestor) === 'symlink',
  )
  const real = files.realPath(standing)
  if (real === null || (passesLink && real !== standing)) return path
  return joinPath(real, path.slice(standing === ROOT ? 0 : standing.length))
}

/** The form that paths have in the root lists of a model. */
export function pathForm(files: FileSystemView, model: Model): (path: AbsolutePath) => AbsolutePath {
  if (model === MAIN_MODEL) return canonicalPaths(files).canonical
  return path => preserveLinks(path, files)
}
