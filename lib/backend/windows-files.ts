/**
 * The real disk behind the Windows planner's questions. Never throws: what cannot be looked at is missing. Node's native realpath
 * asks for the final path of a handle, so links, junctions and short names are resolved and names are as they are stored.
 */
import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs'

import type { WindowsFiles } from '../plan/windows/places.ts'
import {
  foldName,
  pathKey,
  type WindowsPath,
  windowsBaseName,
  windowsParent,
  windowsPathOrNull,
} from '../plan/windows/windows-path.ts'

type FileKind = ReturnType<WindowsFiles['kindOf']>

/** How this process names a Windows path, and the way back. On Windows both are the path itself. */
export interface WindowsDisk {
  toDisk(path: WindowsPath): string
  fromDisk(text: string): WindowsPath | null
}

export const ownDisk: WindowsDisk = { toDisk: path => path, fromDisk: windowsPathOrNull }

function quietly<Answer>(look: () => Answer): Answer | null {
  try {
    return look()
  } catch {
    return null
  }
}

function kindOfStats(stats: Stats | null): FileKind {
  if (stats === null) return 'missing'
  if (stats.isDirectory()) return 'directory'
  if (stats.isFile()) return 'file'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}

function readAtMost(file: string, limit: number): Buffer | null {
  const fd = openSync(file, 'r')
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > limit) return null
    // One byte more than there is: filling it means that the file grows under our hands.
    const buffer = Buffer.alloc(stats.size + 1)
    const count = readSync(fd, buffer, 0, buffer.length, 0)
    return count <= stats.size ? buffer.subarray(0, count) : null
  } finally {
    closeSync(fd)
  }
}

export function windowsFilesOn(disk: WindowsDisk, keepsAcls?: WindowsFiles['keepsAcls']): WindowsFiles {
  const realPath = (path: WindowsPath) => {
    const real = quietly(() => realpathSync.native(disk.toDisk(path)))
    return real === null ? null : disk.fromDisk(real)
  }
  /** A reparse point that Node takes for a directory leads elsewhere all the same: a volume's mount point. */
  const leadsElsewhere = (path: WindowsPath) => {
    const parent = windowsParent(path)
    const [real, realParent] = [realPath(path), parent === null ? null : realPath(parent)]
    if (parent === null || real === null || realParent === null) return false
    // A short name is the planner's business.
    const sameName =
      foldName(windowsBaseName(real)) === foldName(windowsBaseName(path)) || /~\d/.test(windowsBaseName(path))
    return !sameName || pathKey(windowsParent(real) ?? '') !== pathKey(realParent)
  }
  return {
    realPath,
    kindOf(path) {
      const kind = kindOfStats(quietly(() => lstatSync(disk.toDisk(path))))
      return kind === 'directory' && leadsElsewhere(path) ? 'symlink' : kind
    },
    targetKindOf(path) {
      const kind = kindOfStats(quietly(() => statSync(disk.toDisk(path))))
      return kind === 'symlink' ? 'missing' : kind
    },
    readText(path, limit) {
      const bytes = quietly(() => readAtMost(disk.toDisk(path), limit))
      return bytes === null
        ? null
        : quietly(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    },
    list: path => quietly(() => readdirSync(disk.toDisk(path))),
    ...(keepsAcls === undefined ? {} : { keepsAcls }),
  }
}
