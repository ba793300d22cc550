/**
 * Removes what hosts have left that were killed. The caller holds the lock of the parent, under which directories are made:
 * one whose own lock nobody holds belongs to nobody any more, even if its owner died before making that lock.
 */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

import { type Flock, tryLock } from './file-lock.ts'

/** Codex cleans up beside us, by the same lock file; it and we leave each other's live directories alone. */
export const directoryPrefix = 'castellan-arg0-'
export const lockName = '.lock'

export function removeStale(parent: string, flock: Flock): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name)
    if (name.startsWith(directoryPrefix) && lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      removeUnlessHeld(path, flock)
    }
  }
}

function removeUnlessHeld(path: string, flock: Flock): void {
  try {
    const lock = tryLock(flock, join(path, lockName), false)
    if (lock === null) return
    removeDirectory(path)
    lock.release()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') removeDirectory(path)
  }
}

/** Files and links go, by name and never through a link. A directory inside is not ours, and keeps its parent. */
export function removeDirectory(path: string): void {
  try {
    // The lock last: until then the directory can be told to be ours.
    const names = readdirSync(path).sort((one, other) => Number(one === lockName) - Number(other === lockName))
    for (const name of names) unlinkSync(join(path, name))
    rmdirSync(path)
  } catch {
    // Somebody else is at it, or put something there: the next start looks again.
  }
}
