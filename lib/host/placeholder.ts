/**
 * Placeholders: empty directories on the host for the time in which a command runs, because a mount that keeps a path from
 * being created needs something to stand on (plan operation `mask-missing`). Nothing of them must be left behind, and nothing
 * that is not one must ever be removed.
 *
 *   acquire: mkdir, open, LOCK_SH ─▶ is what was locked still at the path? ─ no: again
 *   release: LOCK_EX without waiting ─ somebody has LOCK_SH: leave it to the last ─▶ still at the path, marked: rmdir
 *
 * The mark is there from the moment of mkdir(2), so that no other process takes a placeholder for the host's own directory.
 * The guard removes what a killed host leaves; a left-over is taken for missing, used and removed by whoever comes next. On a
 * file system without flock(2) it stays behind: nobody could tell whether another process uses it.
 */
import {
  close,
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
} from 'node:fs'
import path from 'node:path'

import { LaunchError } from '../errors.ts'
import type { LinuxBinding } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { isMarked, placeholderMode, placeholderTime } from './placeholder-mark.ts'

/** `needless`: nobody with this process's rights can create the path. `stale`: it is there, or its directory is not. */
type Placed = 'placed' | 'needless' | 'stale'

interface Placeholder {
  readonly fd: number
  users: number
}

export interface PlaceholderLease {
  /** The paths that need no placeholder. */
  readonly needless: readonly string[]
  release(): void
}

type Binding = Pick<LinuxBinding, 'flock' | 'notePlaceholder' | 'endRuns'>

// A loser of a race tries again; each try but the last ones waits for whoever removes the placeholder just now.
const attempts = 100

/** The placeholders of one environment. */
export class Placeholders {
  readonly #binding: Binding
  readonly #standing = new Map<string, Placeholder>()
  #watching = false

  constructor(binding: Binding) {
    this.#binding = binding
  }

  /**
   * Puts a placeholder at each of the paths, which are canonical. Null when the plan that asks for them no longer fits the
   * disk. Throws LaunchError (stage `placeholder`) when one that is needed cannot be put; then none stays.
   */
  lease(paths: readonly string[]): PlaceholderLease | null {
    const placed: string[] = []
    const needless: string[] = []
    const release = () => {
      for (const one of placed.splice(0)) this.#release(one)
    }
    try {
      for (const one of paths) {
        const answer = this.#acquire(one)
        if (answer === 'stale') {
          release()
          return null
        }
        ;(answer === 'placed' ? placed : needless).push(one)
      }
    } catch (error) {
      release()
      throw error
    }
    return { needless, release }
  }

  #acquire(place: string): Placed {
    const known = this.#standing.get(place)
    // What another process removed, or replaced, masks nothing any more.
    if (known !== undefined && standsAt(place, known.fd)) {
      known.users++
      return 'placed'
    }
    this.#watchExit()
    if (known === undefined) this.#tellGuard(place)
    let made: number | Exclude<Placed, 'placed'> = 'stale'
    try {
      made = this.#make(place)
    } finally {
      if (typeof made !== 'number' && known === undefined) this.#binding.notePlaceholder(false, place)
    }
    if (typeof made !== 'number') return made
    if (known !== undefined) closeSync(known.fd)
    this.#standing.set(place, { fd: made, users: (known?.users ?? 0) + 1 })
    return 'placed'
  }

  /** The locked descriptor of what stands at the place now. */
  #make(place: string): number | Exclude<Placed, 'placed'> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const made = makeDirectory(place)
      if (made === 'needless' || made === 'stale') return made
      const fd = openDirectory(place)
      const answer = typeof fd === 'number' ? this.#lock(place, fd, made === 'made') : fd
      if (answer === 'locked') return fd as number
      if (typeof fd === 'number') closeSync(fd)
      if (answer === 'stale') return 'stale'
      if (attempt > 2) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
    throw failure(place, 'EAGAIN')
  }

  /** `again`: what was opened is gone, or going. */
  #lock(place: string, fd: number, own: boolean): 'locked' | 'stale' | 'again' {
    try {
      if (own) futimesSync(fd, placeholderTime, placeholderTime)
      if (!isMarked(fstatSync(fd))) {
        if (!own) return 'stale'
        rmdirSync(place)
        throw failure(place, 'EOPNOTSUPP')
      }
      if (this.#binding.flock(fd, false, true) === eagain || !standsAt(place, fd)) return 'again'
      return readdirSync(place).length === 0 ? 'locked' : 'stale'
    } catch (error) {
      closeSync(fd)
      throw error instanceof LaunchError ? error : failure(place, codeOf(error), error)
    }
  }

  #release(place: string): void {
    const known = this.#standing.get(place)
    if (known === undefined || --known.users > 0) return
    this.#standing.delete(place)
    const alone = this.#binding.flock(known.fd, true, true) === 0
    const removed = alone && isMarked(fstatSync(known.fd)) && standsAt(place, known.fd) && removeDirectory(place)
    // The last descriptor of a removed directory takes its inode with it, which takes a journal a millisecond.
    if (removed) close(known.fd, () => {})
    else closeSync(known.fd)
    this.#binding.notePlaceholder(false, place)
  }

  /** Before anything is made, so that no moment is left in which a killed host leaves something behind. */
  #tellGuard(place: string): void {
    const errno = this.#binding.notePlaceholder(true, place)
    if (errno !== 0) throw failure(place, errnoName(errno))
  }

  /** What stands when the process ends stands for commands that run: they end first. */
  #watchExit(): void {
    if (this.#watching) return
    this.#watching = true
    process.once('exit', () => {
      if (this.#standing.size === 0) return
      this.#binding.endRuns()
      for (const [place, placeholder] of [...this.#standing]) {
        placeholder.users = 1
        this.#release(place)
      }
    })
  }
}

const eagain = 11

function makeDirectory(place: string): 'made' | 'there' | Exclude<Placed, 'placed'> {
  try {
    mkdirSync(place, placeholderMode)
    return 'made'
  } catch (error) {
    const name = codeOf(error)
    if (name === 'EEXIST') return 'there'
    if (name === 'ENOENT' || name === 'ENOTDIR' || name === 'ELOOP') return 'stale'
    // A file system that is read-only here is read-only for the command.
    if (name === 'EROFS') return 'needless'
    if (name === 'EACCES' && !isClosedByOwner(path.dirname(place))) return 'needless'
    throw failure(place, name, error)
  }
}

/** What keeps this process out keeps the command out as well, except a mode that it can change itself. */
function isClosedByOwner(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false })
  return found === undefined || (found.uid === process.geteuid?.() && (found.mode & 0o300) !== 0o300)
}

function openDirectory(place: string): number | 'stale' | 'again' {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    const name = codeOf(error)
    if (name === 'ENOENT') return 'again'
    if (name === 'ENOTDIR' || name === 'ELOOP') return 'stale'
    throw failure(place, name, error)
  }
}

/** Only what is empty. What is not, or is gone, is none of ours. */
function removeDirectory(place: string): boolean {
  try {
    rmdirSync(place)
    return true
  } catch {
    // Nothing is lost: a left-over is taken for missing by the next run, which removes it.
    return false
  }
}

function standsAt(place: string, fd: number): boolean {
  try {
    const found = lstatSync(place, { bigint: true })
    const own = fstatSync(fd, { bigint: true })
    return found.ino === own.ino && found.dev === own.dev
  } catch {
    return false
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO'
}

const hints: Readonly<Record<string, string>> = {
  EACCES: ': its directory is yours and not writable; make it writable, or take it out of the writable roots',
  ENOBUFS: ': too many missing paths are closed at once; create some of them',
}

function failure(place: string, name: string, cause?: unknown): LaunchError {
  return new LaunchError(`cannot keep ${place} from being created: ${name}${hints[name] ?? ''}`, {
    stage: 'placeholder',
    errnoName: name,
    path: place,
    ...(cause === undefined ? {} : { cause }),
  })
}
