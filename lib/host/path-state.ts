/**
 * Notices that something a plan rests on has changed on the disk: a path that appeared, went, or is another inode now.
 */
import { lstatSync } from 'node:fs'

export interface PathState {
  /** True when every path is what it was. */
  unchanged(): boolean
}

export function recordPathState(paths: Iterable<string>): PathState {
  const recorded = [...new Set(paths)].map(path => ({ path, state: stateOf(path) }))
  return { unchanged: () => recorded.every(({ path, state }) => stateOf(path) === state) }
}

/** Files are also told apart by their content's age: a git pointer file names a directory that must be protected. */
function stateOf(path: string): string {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return ''
    const kind = found.mode & 0o170000
    const age = found.isDirectory() ? '' : `:${found.mtimeMs}:${found.size}`
    return `${found.dev}:${found.ino}:${kind}${age}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error'
  }
}
