/**
 * `auth.json` as a store: read without trust, written so that a crash at any point leaves the old text or the new one.
 *
 * A write goes to a fresh file of mode 0600 beside the target, is flushed, renamed over it, and the directory is flushed.
 * A linked `auth.json` stays a link: its target is replaced. The room for the write is taken before the refresh token is
 * spent (auth.md §6.1).
 */
import { constants, type Stats, stat } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readlink, realpath, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AuthError, systemCause } from '../errors.ts'
import type { FileLock, HeldLock } from '../lock/file-lock.ts'
import { canonical } from './home.ts'
import type { AuthStorage, Reservation } from './storage.ts'
import { removeStrays, TemporaryFile } from './temporary-file.ts'

/** Codex waits about as long for the second of its two locks. */
const commitLockMs = 5_000
/** The refresh token is spent, and what comes instead of it is worth a longer wait. */
const spentCommitLockMs = 30_000
const largestFile = 4 * 1024 * 1024
/** A file changed more recently than this may change again within the clock tick of its stamp. */
const settledAfterMs = 2_000

export interface FileStorageOptions {
  readonly home: string
  readonly lock: FileLock
  /** Called each time a file is written that others than its owner may be able to read. Default: nothing. */
  readonly onNotPrivate?: (() => void) | undefined
}

export function fileStorage({ home, lock, onNotPrivate }: FileStorageOptions): AuthStorage {
  const path = join(home, 'auth.json')
  return {
    identity: `file:${canonical(path) === path ? join(canonical(home), 'auth.json') : canonical(path)}`,
    kind: 'file',
    read: () => readText(path),
    version: versionReader(path),
    async reserve(bytes) {
      return wrapErrors('reserve', path, async () => {
        const target = await prepareTarget(path)
        await removeStrays(dirname(target))
        // Also the locks of the write: another user's would only be met when the token is spent.
        return withCommitLock(home, lock, () => TemporaryFile.reserve(target, bytes, onNotPrivate))
      })
    },
    async update(change, reservation) {
      const work = async () => {
        const next = change(await readText(path))
        if (next === undefined) return
        await wrapErrors('write', path, () => replace(path, next, reservation, onNotPrivate))
      }
      await withCommitLock(home, lock, work, reservation === undefined ? commitLockMs : spentCommitLockMs)
    },
    async delete() {
      if ((await lstat(path).catch(() => undefined)) === undefined) return false
      return withCommitLock(home, lock, () => wrapErrors('delete', path, () => remove(path)))
    },
    async lockRefresh(options) {
      const target = await wrapErrors('lock', path, () => prepareTarget(path))
      return lock.acquire(join(dirname(target), 'auth.refresh.lock'), options)
    },
  }
}

/** Both of Codex's locks, in its order, so that neither program writes over the other (auth.md §16). */
export async function withCommitLock<T>(
  home: string,
  lock: FileLock,
  work: () => Promise<T>,
  timeoutMs = commitLockMs,
): Promise<T> {
  const held: HeldLock[] = []
  try {
    await wrapErrors('lock', home, () => mkdir(home, { recursive: true, mode: 0o700 }))
    held.push(await lock.acquire(join(home, 'auth.lock'), { timeoutMs }))
    held.push(await lock.acquire(join(home, 'auth.json.lock'), { timeoutMs }))
    return await work()
  } finally {
    for (const one of held.reverse()) await one.release()
  }
}

async function wrapErrors<T>(operation: string, location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AuthError) throw error
    throw new AuthError('store_write', { operation, location, cause: systemCause(error) })
  }
}

async function readText(path: string): Promise<string | undefined> {
  let handle: FileHandle
  try {
    // Without O_NONBLOCK a pipe of that name would stop us for ever.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const cause = systemCause(error)
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined
    throw new AuthError('store_read', { operation: 'read', location: path, cause })
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile() || stats.size > largestFile) return ''
    return decode(await handle.readFile())
  } catch (error) {
    throw new AuthError('store_read', { operation: 'read', location: path, cause: systemCause(error) })
  } finally {
    await handle.close()
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return ''
  }
}

/**
 * Answers what the file's stamp says, again and again. Polling clients of a refused login do nothing else: hence one
 * callback instead of the promise interface, which costs a fifth more, and one text per stamp.
 */
function versionReader(path: string): () => Promise<string | undefined> {
  let seen: Stats | undefined
  let text = ''
  return () =>
    new Promise(resolve => {
      stat(path, (error, stats) => {
        if (error !== null) return resolve(error.code === 'ENOENT' ? 'missing' : undefined)
        if (Date.now() - stats.ctimeMs < settledAfterMs) return resolve(undefined)
        if (seen === undefined || !sameStamp(stats, seen)) {
          seen = stats
          text = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`
        }
        resolve(text)
      })
    })
}

function sameStamp(one: Stats, other: Stats): boolean {
  return (
    one.ctimeMs === other.ctimeMs &&
    one.mtimeMs === other.mtimeMs &&
    one.size === other.size &&
    one.ino === other.ino &&
    one.dev === other.dev
  )
}

async function prepareTarget(path: string): Promise<string> {
  const target = await resolveLink(path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  return target
}

/** Where a write must go: through every link, also one whose target does not exist yet. */
async function resolveLink(path: string): Promise<string> {
  let current = path
  for (let hops = 0; hops < 16; hops++) {
    const stats = await lstat(current).catch(() => undefined)
    if (stats?.isSymbolicLink() !== true)
      return join(
        await realpath(dirname(current)).catch(() => dirname(current)),
        current.slice(dirname(current).length),
      )
    current = resolve(dirname(current), await readlink(current))
  }
  return current
}

async function replace(
  path: string,
  text: string,
  reservation: Reservation | undefined,
  onNotPrivate: (() => void) | undefined,
): Promise<void> {
  const bytes = Buffer.from(text, 'utf8')
  const target = await prepareTarget(path)
  const reserved = reservation instanceof TemporaryFile && reservation.target === target ? reservation : undefined
  const file = reserved ?? (await TemporaryFile.reserve(target, bytes.length, onNotPrivate))
  try {
    await file.commit(bytes)
  } finally {
    await file.release()
  }
}

async function remove(path: string): Promise<boolean> {
  // A link is followed first: leaving its target would leave the login where the next program finds it.
  const target = await resolveLink(path)
  await removeStrays(dirname(target))
  const removed = await unlinkIfThere(target)
  const linkRemoved = target === path ? false : await unlinkIfThere(path)
  return removed || linkRemoved
}

async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
