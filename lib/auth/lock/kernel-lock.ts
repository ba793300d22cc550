/**
 * The kernel's own `flock`, with the same files as Codex 0.169 and later, so that neither overwrites the other.
 *
 * The call itself comes from the native addon and is handed in: this folder knows nothing about it. It is asked without
 * blocking and asked again, because a blocking call would stop the event loop that the holder may need to let go.
 *
 * The portable lock is taken on top: a process whose addon could not be loaded must not refresh beside one whose could. It
 * stands alone where the file system has no locks.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { constants as systemConstants } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuthError, systemCause } from '../errors.ts'
import { type FileLock, type HeldLock, type LockOptions, pollDelay } from './file-lock.ts'
import { acquireOwnerFile } from './owner-file-lock.ts'

/** `flock(2)`, or `LockFileEx` behind the same signature: 0, or the error number. */
export type Flock = (fd: number, exclusive: boolean, nonBlocking: boolean) => number

export function kernelLock(flock: Flock): FileLock {
  return {
    async acquire(path: string, { timeoutMs }: LockOptions): Promise<HeldLock> {
      const deadline = performance.now() + timeoutMs
      const left = () => deadline - performance.now()
      for (;;) {
        const handle = await openLockFile(path)
        const answer = await takeOpened(flock, handle, path, left).catch(async error => {
          await handle.close()
          throw error
        })
        if (answer === 'taken') return withOwnerFile(handle, path, left())
        await handle.close()
        if (answer === 'unsupported') return acquireOwnerFile(path, { timeoutMs: left() }, false)
      }
    },
  }
}

async function withOwnerFile(handle: FileHandle, path: string, timeoutMs: number): Promise<HeldLock> {
  try {
    const owned = await acquireOwnerFile(path, { timeoutMs }, true)
    return {
      async release() {
        await owned.release()
        await handle.close()
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openLockFile(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600)
    await giveToHomeOwner(handle, path)
    return handle
  } catch (error) {
    throw new AuthError('store_write', { operation: 'lock', location: path, cause: systemCause(error) })
  }
}

/** A root shell must not leave a lock behind that the user of this home cannot open. */
async function giveToHomeOwner(handle: FileHandle, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const owner = await stat(dirname(path))
  if (owner.uid !== 0) await handle.chown(owner.uid, owner.gid).catch(() => undefined)
}

const { EAGAIN, EWOULDBLOCK, EINTR, ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP } = systemConstants.errno
const heldElsewhere: readonly number[] = [EAGAIN, EWOULDBLOCK, EINTR]
/** Network and user-space file systems may have no `flock`. */
const notThere: readonly number[] = [ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP]

/** Asks for the lock until it is there or the time is over; `removed` when it is one of a file that nobody else will open. */
async function takeOpened(
  flock: Flock,
  handle: FileHandle,
  path: string,
  left: () => number,
): Promise<'taken' | 'removed' | 'unsupported'> {
  for (let attempt = 0; ; attempt++) {
    const errno = flock(handle.fd, true, true)
    if (errno === 0) break
    if (notThere.includes(errno)) return 'unsupported'
    if (!heldElsewhere.includes(errno)) throw new AuthError('store_write', { operation: 'lock', location: path })
    if (left() < 0) throw new AuthError('lock_timeout', { operation: 'lock', location: path })
    await sleep(pollDelay(attempt))
  }
  // Somebody may have removed the file between open and flock; then this lock excludes nobody.
  const [ours, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)])
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev ? 'taken' : 'removed'
}
