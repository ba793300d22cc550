/**
 * The lock that managers use unless they are given another one.
 *
 * The kernel's when somebody who has the native addon hands its `flock` in, else the portable one. Processes of either kind
 * exclude each other; only the kernel's excludes Codex.
 */
import type { FileLock } from './file-lock.ts'
import { type Flock, kernelLock } from './kernel-lock.ts'
import { ownerFileLock } from './owner-file-lock.ts'

let kernel: FileLock | undefined

/** Makes every manager created from now on use the kernel's lock. Pass nothing to go back to the portable one. */
export function provideFlock(flock: Flock | undefined): void {
  kernel = flock && kernelLock(flock)
}

export function defaultLock(): FileLock {
  return kernel ?? ownerFileLock
}
