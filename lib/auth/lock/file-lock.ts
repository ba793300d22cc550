/**
 * A lock between processes, held on a path.
 *
 * It must die with its holder: a crash may never lock anyone out for good. Two implementations: `kernel-lock.ts` where the
 * native addon gives `flock`, `owner-file-lock.ts` everywhere else.
 */

export interface HeldLock {
  /** Gives the lock back. Never fails: a lock that cannot be given back is found stale by the next one. */
  release(): Promise<void>
}

export interface LockOptions {
  /** How long to wait for another holder, in milliseconds. */
  readonly timeoutMs: number
}

export interface FileLock {
  /**
   * Takes the lock named by `path`, waiting for its holder.
   *
   * @throws AuthError `lock_timeout` when the wait is over, `store_write` when the lock's file cannot be made.
   */
  acquire(path: string, options: LockOptions): Promise<HeldLock>
}

/** How long to sleep before looking again: short at first, so that a hand-over stays below 50 ms, never in step. */
export function pollDelay(attempt: number): number {
  return Math.min(5 + attempt * 3, 25) * (0.75 + Math.random() / 2)
}
