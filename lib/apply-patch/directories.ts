/**
 * Keeps the directories of one patch open, the last used ones only: a patch may touch more directories than a process
 * may have descriptors. Owns what it opened; `close` ends all.
 */

import type { FileAccess, OpenDirectory } from './file-access.ts'

const openAtOnce = 32

export class Directories {
  readonly #access: FileAccess
  /** In the order of their last use. */
  readonly #open = new Map<string, OpenDirectory>()

  constructor(access: FileAccess) {
    this.#access = access
  }

  /** `path` is canonical. The directory is good until the next call. */
  async at(path: string): Promise<OpenDirectory> {
    const known = this.#open.get(path)
    this.#open.delete(path)
    const directory = known ?? (await this.#access.openDirectory(path))
    this.#open.set(path, directory)
    if (this.#open.size > openAtOnce) await this.#closeOldest()
    return directory
  }

  /** Forgets a directory that is about to be removed. */
  async forget(path: string): Promise<void> {
    const directory = this.#open.get(path)
    this.#open.delete(path)
    await directory?.close()
  }

  async close(): Promise<void> {
    for (const path of [...this.#open.keys()]) await this.forget(path)
  }

  async #closeOldest(): Promise<void> {
    const [oldest] = this.#open.keys()
    if (oldest !== undefined) await this.forget(oldest)
  }
}
