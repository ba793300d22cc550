/**
 * How a placeholder of `placeholder.ts` is told from any other directory. Nothing but the directory says it, so that what a
 * crashed host left behind, and what another host uses right now, are known by everybody.
 */
import { readdirSync, type Stats } from 'node:fs'

/** The mode that a placeholder is made with: the sticky bit on what nobody may write into, which has no other use. */
export const placeholderMode = 0o1555

/** The time of change that it is given: for file systems that keep no modes. Even, for those that count in two seconds. */
export const placeholderTime = Date.UTC(1987, 5, 5, 4, 3, 2) / 1000

/** The twin of `IsMarked` in native/linux/placeholder.cc. */
export function isMarked(stats: Pick<Stats, 'mode' | 'mtimeMs'>): boolean {
  return (stats.mode & 0o1222) === 0o1000 || Math.floor(stats.mtimeMs / 1000) === placeholderTime
}

/**
 * True when what stands at the path stands for nothing: a marked directory that is empty, or that has gone since `stats` was
 * taken, because the last of its users ended in between. With something in it, it is a directory like any other.
 */
export function isPlaceholder(path: string, stats: Stats): boolean {
  if (!stats.isDirectory() || !isMarked(stats)) return false
  try {
    return readdirSync(path).length === 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
