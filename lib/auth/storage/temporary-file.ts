/**
 * The file that becomes the new `auth.json`.
 *
 * Made before the refresh token is spent, with room for what will come, readable by its owner only from its first moment.
 * It never outlives its use: committed it is the target, otherwise `release` removes it.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { filePlatform } from '../platform.ts'
import { keepForOwner } from './access-list.ts'
import type { Reservation } from './storage.ts'

const smallestRoom = 16 * 1024
const prefix = '.auth-'
/** No write takes this long: what is older was left by a process that was killed. */
const strayAfterMs = 10 * 60_000

export class TemporaryFile implements Reservation {
  readonly target: string
  readonly #path: string
  readonly #handle: FileHandle
  #open = true
  #present = true

  private constructor(target: string, path: string, handle: FileHandle) {
    this.target = target
    this.#path = path
    this.#handle = handle
  }

  /**
   * Makes the file beside `target` and fills it, so that the disk has promised the room. `onNotPrivate`: called when others than its
   * owner may be able to read it.
   */
  static async reserve(target: string, bytes: number, onNotPrivate = () => {}): Promise<TemporaryFile> {
    const path = join(dirname(target), `${prefix}${randomBytes(9).toString('hex')}`)
    const file = new TemporaryFile(target, path, await open(path, 'wx', 0o600))
    try {
      await file.#keepOwner()
      if (!(await keepForOwner(path))) onNotPrivate()
      await file.#handle.writeFile(Buffer.alloc(Math.max(bytes * 2, smallestRoom)))
      await file.#handle.sync()
      return file
    } catch (error) {
      await file.release()
      throw error
    }
  }

  /** Writes the text, flushes it and puts it in the target's place. */
  async commit(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      written += (await this.#handle.write(bytes, written, bytes.length - written, written)).bytesWritten
    }
    await this.#handle.truncate(bytes.length)
    await this.#handle.chmod(0o600)
    await this.#handle.sync()
    await this.#close()
    await renameOver(this.#path, this.target)
    this.#present = false
    await flushDirectory(dirname(this.target))
  }

  async release(): Promise<void> {
    await this.#close().catch(() => undefined)
    if (!this.#present) return
    this.#present = false
    await unlink(this.#path).catch(() => undefined)
  }

  async #close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#handle.close()
  }

  /** A root shell that refreshes a user's login must not take the file away from that user. */
  async #keepOwner(): Promise<void> {
    if (process.getuid?.() !== 0) return
    const owner = await stat(this.target).catch(() => stat(dirname(this.target)))
    if (owner.uid !== 0 || owner.gid !== 0) await this.#handle.chown(owner.uid, owner.gid)
  }
}

async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!filePlatform().renameMayPass(code) || attempt >= 20) throw error
      await sleep(10 + attempt * 10)
    }
  }
}

async function flushDirectory(path: string): Promise<void> {
  if (!filePlatform().flushesDirectories) return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes temporary files that a killed process left in a directory; they may hold tokens. Never fails. */
export async function removeStrays(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!/^\.auth-[0-9A-Za-z]+$/.test(name)) continue
    const path = join(directory, name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats?.isFile() && Date.now() - stats.mtimeMs > strayAfterMs) await unlink(path).catch(() => undefined)
  }
}
