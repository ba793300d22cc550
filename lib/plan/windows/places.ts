/**
 * Windows paths as the policy layer knows paths: `C:\Ws` is `/c:/ws`, `\\Server\Share\x` is `/unc:/server/share/x`. One place has
 * one such path whatever its letter case, so that everything the policy layer decides holds for names without case. The way back
 * gives the spelling on the disk, and of a tail that does not exist the one that the policy has.
 */
import { type CanonicalPaths, canonicalPaths } from '../../policy/canonical.ts'
import { type AbsolutePath, baseNameOf, childOf, normalizeAbsolute, parentOf, ROOT } from '../../policy/path.ts'
import { rememberingView } from '../../policy/remembering-view.ts'
import type { FileKind, FileSystemView } from '../../policy/types.ts'
import { foldName, pathKey, type WindowsPath, windowsBaseName, windowsChild } from './windows-path.ts'

/** The questions that planning asks about the disk. No method throws: what cannot be looked at is missing. */
export interface WindowsFiles {
  /** `GetFinalPathNameByHandle`: links, junctions and short names resolved, as spelled on the disk; null when nothing is there. */
  realPath(path: WindowsPath): WindowsPath | null
  /** What stands at the path itself. Every reparse point that leads elsewhere is a `symlink`. */
  kindOf(path: WindowsPath): FileKind
  /** The same, following links. */
  targetKindOf(path: WindowsPath): Exclude<FileKind, 'symlink'>
  /** The whole text, or null: absent, unreadable, longer than the limit in bytes, or not UTF-8. */
  readText(path: WindowsPath, limit: number): string | null
  /** The names in a directory; null when it cannot be listed. */
  list(path: WindowsPath): readonly string[] | null
  /** Whether the volume of the path keeps access lists. Absent: it does. */
  keepsAcls?(path: WindowsPath): boolean
}

const SHARES = '/unc:'

export function policyPathOf(path: WindowsPath): AbsolutePath {
  const key = pathKey(path)
  return normalizeAbsolute(key.startsWith('//') ? `${SHARES}/${key.slice(2)}` : `/${key}`)
}

/** Null where no Windows path is meant: above a drive or a share, and POSIX places such as `/tmp`. */
export function windowsPathOf(path: AbsolutePath): WindowsPath | null {
  const [, first = '', ...rest] = path.split('/')
  if (first === SHARES.slice(1)) return rest.length < 2 ? null : (`\\\\${rest.join('\\')}` as WindowsPath)
  if (!/^[a-z]:$/.test(first)) return null
  return `${first.toUpperCase()}\\${rest.join('\\')}` as WindowsPath
}

function isAboveAnchors(path: AbsolutePath): boolean {
  return path === ROOT || path === SHARES || parentOf(path) === SHARES
}

/** A short name is another spelling of a place, which is what the policy layer calls a link. */
function isShortName(path: WindowsPath, files: WindowsFiles): boolean {
  const name = windowsBaseName(path)
  if (!/~\d/.test(name)) return false
  const real = files.realPath(path)
  return real !== null && foldName(windowsBaseName(real)) !== foldName(name)
}

/** The disk as the policy layer asks about it. */
export function policyView(files: WindowsFiles): FileSystemView {
  function targetKindOf(path: AbsolutePath) {
    if (isAboveAnchors(path)) return 'directory' as const
    const asked = windowsPathOf(path)
    return asked === null ? ('missing' as const) : files.targetKindOf(asked)
  }
  return {
    targetKindOf,
    kindOf(path) {
      if (isAboveAnchors(path)) return 'directory'
      const asked = windowsPathOf(path)
      if (asked === null) return 'missing'
      const kind = files.kindOf(asked)
      return kind !== 'missing' && isShortName(asked, files) ? 'symlink' : kind
    },
    realPath(path) {
      const asked = windowsPathOf(path)
      const real = asked === null ? null : files.realPath(asked)
      if (real !== null) return policyPathOf(real)
      return isAboveAnchors(path) ? path : null
    },
    readText(path, limit) {
      const asked = windowsPathOf(path)
      return asked === null ? null : files.readText(asked, limit)
    },
  }
}

/** How paths that do not exist were spelled, by their policy path. */
export type Spellings = ReadonlyMap<AbsolutePath, WindowsPath>

export interface Places {
  readonly files: WindowsFiles
  readonly view: FileSystemView
  readonly paths: CanonicalPaths
  /** The way back, for a canonical path. */
  spell(path: AbsolutePath): WindowsPath
}

/** For one look at the disk. */
export function placesOn(files: WindowsFiles, spellings: Spellings): Places {
  const view = rememberingView(policyView(files))
  function spell(path: AbsolutePath): WindowsPath {
    const plain = windowsPathOf(path)
    // Nothing stands above a drive; whoever asks has refused before.
    if (plain === null) return path as string as WindowsPath
    const kind = view.kindOf(path)
    if (kind !== 'missing' && kind !== 'symlink') return files.realPath(plain) ?? plain
    const given = spellings.get(path)
    const parent = parentOf(path)
    if (windowsPathOf(parent) === null) return given ?? plain
    return windowsChild(spell(parent), given === undefined ? baseNameOf(path) : windowsBaseName(given))
  }
  return { files, view, paths: canonicalPaths(view), spell }
}

/** A name below a place, in any letter case. */
export function policyChild(path: AbsolutePath, name: string): AbsolutePath {
  return childOf(path, foldName(name))
}
