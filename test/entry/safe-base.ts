/** Where entry directories of tests may be: below the home directory, unless this machine's is open to others. */
import { lstatSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

function isSafe(folder: string): boolean {
  const stats = lstatSync(folder)
  const own = stats.uid === 0 || stats.uid === process.getuid?.()
  const safe = stats.isDirectory() && own && (stats.mode & 0o022) === 0
  return safe && (path.dirname(folder) === folder || isSafe(path.dirname(folder)))
}

/** Undefined where no place is safe. */
export function safeBase(): string | undefined {
  try {
    const home = realpathSync(homedir())
    return isSafe(home) ? home : undefined
  } catch {
    return undefined
  }
}
