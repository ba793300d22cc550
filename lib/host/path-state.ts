/**
 * Notices that something a plan rests on has changed on the disk: a path that appeared, went, or is another inode now, or
 * leads elsewhere. Every question that a resolution asked counts, because any other answer could have made other rules.
 */
import { lstatSync, statSync } from 'node:fs'

import type { LinuxBinding, NativeStamps } from '../native/binding.ts'
import type { AbsolutePath } from '../policy/path.ts'
import type { FileSystemView } from '../policy/types.ts'
import { isPlaceholder } from './placeholder-mark.ts'

export interface PathState {
  /** True when every path is what it was. */
  unchanged(): boolean
  /** What the addon compares by itself. undefined: `unchanged` has to be asked first, or every time. */
  readonly stamps: NativeStamps | undefined
}

export interface WatchedFiles {
  /** Answers as the given view does, and notes what stood there before it was asked. */
  readonly files: FileSystemView
  /** Notes further paths, as they are now. */
  watch(paths: Iterable<string>): void
  readonly state: PathState
}

/** `quick`: answers at a tenth of the cost as long as nothing changes; it is asked before every launch. */
export type QuickLook = Pick<LinuxBinding, 'stampPaths' | 'pathsUnchanged'>

/** `onDisk`: what this process calls a path of the policy layer. Default: the same. */
export function watchFiles(
  files: FileSystemView,
  quick?: QuickLook,
  onDisk: (path: string) => string = path => path,
): WatchedFiles {
  const noted = new Map<string, string>()
  const note = (asked: string) => {
    const path = onDisk(asked)
    if (!noted.has(path)) noted.set(path, stateOf(path))
  }
  const noting =
    <Rest extends readonly unknown[], Answer>(ask: (path: AbsolutePath, ...rest: Rest) => Answer) =>
    (path: AbsolutePath, ...rest: Rest): Answer => {
      note(path)
      return ask(path, ...rest)
    }
  return {
    files: {
      realPath: noting(files.realPath),
      kindOf: noting(files.kindOf),
      targetKindOf: noting(files.targetKindOf),
      readText: noting(files.readText),
      ...(files.spelledOnDisk === undefined ? {} : { spelledOnDisk: noting(files.spelledOnDisk) }),
    },
    watch(paths) {
      for (const path of paths) note(path)
    },
    state: quick === undefined ? { unchanged: () => isAs(noted), stamps: undefined } : quickState(noted, quick),
  }
}

function isAs(noted: ReadonlyMap<string, string>): boolean {
  for (const [path, state] of noted) if (stateOf(path) !== state) return false
  return true
}

function quickState(noted: ReadonlyMap<string, string>, quick: QuickLook): PathState {
  let stamps: { readonly of: NativeStamps; readonly count: number } | undefined
  return {
    get stamps() {
      return stamps?.count === noted.size ? stamps.of : undefined
    },
    unchanged() {
      if (stamps?.count === noted.size && quick.pathsUnchanged(stamps.of)) return true
      // Taken before the closer look: what changes after it is a change to the next quick one.
      const taken = { of: quick.stampPaths([...noted.keys()]), count: noted.size }
      const unchanged = isAs(noted)
      stamps = unchanged ? taken : undefined
      return unchanged
    },
  }
}

/**
 * Files are also told apart by the time of their last change, which no process can set: a git pointer file names a directory
 * that must be protected. Links are told apart by where they lead in the end as well, through any number of links.
 */
function stateOf(path: string): string {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined || isPlaceholder(path, found)) return ''
    const identity = `${found.dev}:${found.ino}:${found.mode & 0o170000}`
    if (found.isDirectory()) return identity
    return `${identity}:${found.ctimeMs}${found.isSymbolicLink() ? targetOf(path) : ''}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error'
  }
}

function targetOf(link: string): string {
  const found = statSync(link, { throwIfNoEntry: false })
  return found === undefined || isPlaceholder(link, found)
    ? ':none'
    : `:${found.dev}:${found.ino}:${found.mode & 0o170000}`
}
