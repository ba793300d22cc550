/**
 * The real disk behind the policy layer's questions. Never throws: what cannot be looked at is missing, as the policy layer
 * expects. Reading needs no descriptor to outlive a call.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs'
import type { AbsolutePath } from '../policy/path.ts'
import type { FileKind, FileSystemView } from '../policy/types.ts'
import { isPlaceholder } from './placeholder-mark.ts'

// PATH_MAX of Linux with its NUL: nothing longer can be looked up, and asking costs a copy of the text each time.
const LONGEST_PATH = 4095

function quietly<Answer>(look: () => Answer): Answer | null {
  try {
    return look()
  } catch {
    return null
  }
}

function kindOfStats(path: AbsolutePath, stats: Stats | null | undefined): FileKind {
  if (stats == null) return 'missing'
  // A plan must not come out differently while a command of this or another host runs under one like it.
  if (stats.isDirectory()) return isPlaceholder(path, stats) ? 'missing' : 'directory'
  if (stats.isFile()) return 'file'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}

function kindOf(path: AbsolutePath): FileKind {
  if (path.length > LONGEST_PATH) return 'missing'
  return kindOfStats(
    path,
    quietly(() => lstatSync(path, { throwIfNoEntry: false })),
  )
}

function targetKindOf(path: AbsolutePath): Exclude<FileKind, 'symlink'> {
  if (path.length > LONGEST_PATH) return 'missing'
  const kind = kindOfStats(
    path,
    quietly(() => statSync(path, { throwIfNoEntry: false })),
  )
  return kind === 'symlink' ? 'missing' : kind
}

function realPath(path: AbsolutePath): AbsolutePath | null {
  if (path.length > LONGEST_PATH) return null
  const bytes = quietly(() => realpathSync.native(path, 'buffer'))
  // A name that is not UTF-8 cannot be carried as text; a replacement character would name another file.
  return bytes === null ? null : (decode(bytes) as AbsolutePath | null)
}

function decode(bytes: Uint8Array): string | null {
  return quietly(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
}

function readAtMost(path: AbsolutePath, limit: number): Uint8Array | null {
  // Without O_NONBLOCK a pipe in the place of a file would hold us here for ever.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > limit) return null
    // One byte more than there is: filling it means that the file grows under our hands.
    const buffer = Buffer.alloc(stats.size + 1)
    let filled = 0
    while (filled < buffer.length) {
      const count = readSync(fd, buffer, filled, buffer.length - filled, null)
      if (count === 0) return buffer.subarray(0, filled)
      filled += count
    }
    return null
  } finally {
    closeSync(fd)
  }
}

function readText(path: AbsolutePath, limit: number): string | null {
  const bytes = quietly(() => readAtMost(path, limit))
  return bytes === null ? null : decode(bytes)
}

/** Node's native realpath gives names as they are stored. A link's own name is looked for in its directory. */
function spelledOnDisk(path: AbsolutePath): AbsolutePath {
  const at = path.lastIndexOf('/')
  const name = path.slice(at + 1)
  if (name === '') return path
  const stats = quietly(() => lstatSync(path, { throwIfNoEntry: false }))
  if (stats == null) return path
  if (!stats.isSymbolicLink()) return realPath(path) ?? path
  const names = quietly(() => readdirSync(at === 0 ? '/' : path.slice(0, at))) ?? []
  if (names.includes(name)) return path
  const folded = foldName(name)
  const same = names.filter(other => foldName(other) === folded)
  return same.length === 1 ? (`${path.slice(0, at)}/${same[0]}` as AbsolutePath) : path
}

function foldName(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC')
}

/** The disk of this machine, as this process sees it. Synchronous; one or two system calls per question. */
export const fileSystemView: FileSystemView = Object.freeze({ realPath, kindOf, targetKindOf, readText })

/** The same where names that differ in letter case or composition may mean one file, as on the usual volumes of macOS. */
export const caseInsensitiveView: FileSystemView = Object.freeze({ ...fileSystemView, spelledOnDisk })
