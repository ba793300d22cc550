import { errnoName } from '../native/errno.ts'

/**
 * The command itself could not be started: no such program, not executable, no such working directory. Shaped like
 * the errors of `node:child_process` (`code` is the system's error name such as `ENOENT`, with `errno`, `syscall`, `path`
 * and `spawnargs`), because the failure is the command's and not the sandbox's. `cause` is the LaunchError underneath.
 */
export class SpawnError extends Error {
  readonly code: string
  /** Negative, as Node gives it. */
  readonly errno: number
  readonly syscall: string
  readonly path: string
  readonly spawnargs: readonly string[]

  constructor(file: string, spawnargs: readonly string[], errno: number, cause: Error, detail = '') {
    const code = errnoName(errno)
    super(`spawn ${file} ${code}${detail}`, { cause })
    this.code = code
    this.errno = -errno
    this.syscall = `spawn ${file}`
    this.path = file
    this.spawnargs = spawnargs
  }

  override get name(): string {
    return 'SpawnError'
  }
}
