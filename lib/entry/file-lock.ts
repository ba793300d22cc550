/** flock(2) on a file of its own: held as long as this process lives or until `release`, and gone with the process. */
import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

import { EntryError } from '../errors.ts'

/** 0 or an errno. */
export type Flock = (fd: number, exclusive: boolean, nonBlocking: boolean) => number

export interface HeldLock {
  release(): void
}

const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

/** Null when somebody else holds it. Makes the file unless `create` is false; then ENOENT is thrown. */
export function tryLock(flock: Flock, path: string, create = true): HeldLock | null {
  const fd = openSync(path, create ? flags : flags & ~constants.O_CREAT, 0o600)
  if (flock(fd, true, true) === 0) return { release: () => closeSync(fd) }
  closeSync(fd)
  return null
}

const patience = 10_000

/** Waits for the lock; whoever holds it makes a few files. Throws EntryError (`locked`) after ten seconds. */
export async function waitForLock(flock: Flock, path: string): Promise<HeldLock> {
  const deadline = performance.now() + patience
  for (;;) {
    const held = tryLock(flock, path)
    if (held !== null) return held
    if (performance.now() > deadline) {
      throw new EntryError(`cannot make entries: ${path} has been locked for ten seconds`, { reason: 'locked', path })
    }
    await delay(20)
  }
}
