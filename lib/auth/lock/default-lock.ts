/**
 * The lock that managers use unless they are given another one.
 *
 * The kernel's where the native addon can be loaded or somebody hands its `flock` in, else the portable one. Processes of
 * either kind exclude each other; only the kernel's excludes Codex. The addon is loaded with the first lock, never with the
 * module: `castellan/auth` must be quick to import, and work, where there is none.
 */
import type { FileLock } from './file-lock.ts'
import { type Flock, kernelLock } from './kernel-lock.ts'
import { ownerFileLock } from './owner-file-lock.ts'

let provided: FileLock | undefined
let found: Promise<FileLock> | undefined

/** Makes all default locks of this process use this `flock`. Pass nothing to go back to the one of the native addon. */
export function provideFlock(flock: Flock | undefined): void {
  provided = flock && kernelLock(flock)
}

export function defaultLock(): FileLock {
  return lockOfThisProcess
}

const lockOfThisProcess: FileLock = {
  async acquire(path, options) {
    found ??= findLock()
    return (provided ?? (await found)).acquire(path, options)
  },
}

async function findLock(): Promise<FileLock> {
  try {
    const { loadBinding } = await import('../../native/binding.ts')
    const binding = loadBinding()
    return 'flock' in binding ? kernelLock(binding.flock) : ownerFileLock
  } catch {
    // No addon for this system, or a package without one: the portable lock asks for nothing.
    return ownerFileLock
  }
}
