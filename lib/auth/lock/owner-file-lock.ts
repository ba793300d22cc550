/**
 * A lock made of a file that exists while it is held: for systems without the native addon.
 *
 * The file is a symbolic link to nowhere whose target is the name of its owner: made in one step, complete from its first
 * moment, and without a block of the disk. Where there are no such links it is a plain file that holds the name. A holder
 * touches it every two seconds. It is stale, and may be taken over, when its owner has ended, or, where that cannot be told
 * (another machine, another container), when it was not touched for thirty seconds. A holder that is known to live keeps it
 * however long it stalls: taking the lock from a suspended process would spend a refresh token twice.
 *
 * Take-over happens under a second such file. What remains: two processes that find that one stale at the same moment, and
 * two machines whose clocks differ by more than thirty seconds and believe each other dead.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, lutimes, open, readlink, symlink, unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuthError, systemCause } from '../errors.ts'
import { type FileLock, type HeldLock, type LockOptions, pollDelay } from './file-lock.ts'
import { formatOwner, type Owner, parseOwner } from './owner-name.ts'
import { isRunning, ownIdentity, sharesKernel } from './process-identity.ts'

const heartbeatMs = 2_000
const staleAfterMs = 30_000
/** How long a plain file may have no readable name: its maker is between creating and writing, or died there. */
const namelessAfterMs = 10_000

export const ownerFileLock: FileLock = {
  acquire: (path, options) => acquireOwnerFile(path, options, false),
}

/**
 * Takes the lock; `kernel` tells that the caller holds the kernel's lock of this name, so that an owner who once held it
 * under the same kernel cannot be alive any more. Two machines may share a file and no lock.
 */
export async function acquireOwnerFile(path: string, { timeoutMs }: LockOptions, kernel: boolean): Promise<HeldLock> {
  const file = `${path}.owner`
  const owner: Owner = { ...ownIdentity(), nonce: randomBytes(8).toString('base64url'), kernel }
  const deadline = performance.now() + timeoutMs
  for (let attempt = 0; ; attempt++) {
    const claim = await create(file, owner)
    if (claim !== undefined) return hold(claim)
    if ((await isStale(file, kernel)) && (await takeOver(file, owner))) continue
    if (performance.now() > deadline) throw new AuthError('lock_timeout', { operation: 'lock', location: path })
    await sleep(pollDelay(attempt))
  }
}

/** What this process made of the lock's file. */
interface Claim {
  readonly file: string
  /** Empty when the disk had no room for the name: making the file took the lock all the same. */
  readonly nonce: string
  readonly inode: number | undefined
}

/** Makes the file; nothing when another process was first. */
async function create(file: string, owner: Owner): Promise<Claim | undefined> {
  try {
    await symlink(formatOwner(owner), file)
    return { file, nonce: owner.nonce, inode: undefined }
  } catch (error) {
    return codeOf(error) === 'EEXIST' ? undefined : createPlain(file, owner)
  }
}

/** For file systems and users that may not make symbolic links. */
async function createPlain(file: string, owner: Owner): Promise<Claim | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'wx', 0o600)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined
    throw new AuthError('store_write', { operation: 'lock', location: file, cause: systemCause(error) })
  }
  try {
    const { ino: inode } = await handle.stat()
    // On a full disk the tokens still have the room that was reserved for them, and a lock needs no name to be held.
    const named = await handle.writeFile(formatOwner(owner)).then(
      () => true,
      () => handle.truncate(0).then(never, never),
    )
    return { file, nonce: named ? owner.nonce : '', inode }
  } finally {
    await handle.close()
  }
}

const never = () => false

function hold(claim: Claim): HeldLock {
  const heartbeat = setInterval(() => {
    const now = new Date()
    lutimes(claim.file, now, now).catch(() => undefined)
  }, heartbeatMs)
  heartbeat.unref()
  return {
    async release() {
      clearInterval(heartbeat)
      // Only what is still ours: a holder that was taken for dead must not free its successor's lock.
      if (await isOurs(claim)) await unlink(claim.file).catch(() => undefined)
    },
  }
}

async function isOurs({ file, nonce, inode }: Claim): Promise<boolean> {
  const owner = await readOwner(file)
  if (nonce !== '') return owner?.nonce === nonce
  return owner === undefined && (await lstat(file).catch(() => undefined))?.ino === inode
}

async function readOwner(file: string): Promise<Owner | undefined> {
  const text = await readlink(file).catch(() => readPlain(file).catch(() => ''))
  return parseOwner(text)
}

async function readPlain(file: string): Promise<string> {
  // Without O_NONBLOCK a pipe of that name would stop us for ever.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0))
  try {
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

async function isStale(file: string, kernel: boolean): Promise<boolean> {
  const owner = await readOwner(file)
  if (kernel && owner?.kernel && sharesKernel(owner)) return true
  const running = owner === undefined ? 'unknown' : isRunning(owner)
  if (running !== 'unknown') return running === 'no'
  return (await ageOf(file)) > (owner === undefined ? namelessAfterMs : staleAfterMs)
}

async function ageOf(file: string): Promise<number> {
  try {
    return Date.now() - (await lstat(file)).mtimeMs
  } catch {
    return 0
  }
}

/**
 * Removes a stale lock; false when another process is about to. One at a time, and only after looking again: it may have a
 * living owner by now.
 */
async function takeOver(file: string, owner: Owner): Promise<boolean> {
  const guard = `${file}.takeover`
  const claim = await create(guard, owner)
  if (claim === undefined) {
    // Never by the kernel's lock: it keeps out nobody who has the portable one only.
    if (await isStale(guard, false)) await unlink(guard).catch(() => undefined)
    return false
  }
  try {
    if (await isStale(file, owner.kernel)) await unlink(file).catch(() => undefined)
    return true
  } finally {
    if (await isOurs(claim)) await unlink(guard).catch(() => undefined)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
