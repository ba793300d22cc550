/**
 * A lock made of a file that exists while it is held: for systems without the native addon.
 *
 * The file is a symbolic link to nowhere whose target is the name of its owner: made in one step, complete from its first
 * moment, and without a block of the disk. Where there are no such links it is a plain file that holds the name. A holder
 * touches it every two seconds. It is stale, and may be taken over, when its owner has ended, or, where that cannot be told
 * (another machine, another container), when it was not touched for thirty seconds. A holder that is known to live keeps it
 * however long it stalls: taking the lock from a suspended process would spend a refresh token twice.
 *
 * Take-over happens under a second such file, which is named for the dead owner's nonce: of all processes that find one owner
 * dead, one at a time may remove what that owner left, and only while it is still there. Such a guard may be left behind as
 * well; it is taken over in the same way, under a third. So nobody ever removes the file of an owner that it did not find
 * dead. What remains: two machines whose clocks differ by more than thirty seconds and believe each other dead.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, lutimes, open, readdir, readlink, symlink, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
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
  const deadline = performance.now() + timeoutMs
  let tookOver = false
  for (let attempt = 0; ; attempt++) {
    const claim = await create(file, kernel)
    if (claim !== undefined) {
      if (tookOver) await removeGuards(file)
      return hold(claim)
    }
    const stale = await staleMark(file, kernel)
    if (stale !== undefined) {
      tookOver = true
      if (await takeOver(file, file, stale, kernel)) continue
    }
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

/** Makes the file, for an owner that never was before; nothing when another process was first. */
async function create(file: string, kernel: boolean): Promise<Claim | undefined> {
  const owner: Owner = { ...ownIdentity(), nonce: randomBytes(8).toString('base64url'), kernel }
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

/**
 * What tells the file of a dead owner from any later one; nothing while its owner may live. `kernel` as in `acquireOwnerFile`.
 */
async function staleMark(file: string, kernel: boolean): Promise<string | undefined> {
  const owner = await readOwner(file)
  if (owner === undefined) return staleNameless(file)
  if (kernel && owner.kernel && sharesKernel(owner)) return owner.nonce
  const running = isRunning(owner)
  const dead = running === 'unknown' ? (await ageOf(file)) > staleAfterMs : running === 'no'
  return dead ? owner.nonce : undefined
}

/** A plain file without a name has no nonce: its place on the disk and its last change stand for one. */
async function staleNameless(file: string): Promise<string | undefined> {
  const stats = await lstat(file, { bigint: true }).catch(() => undefined)
  if (stats === undefined || Date.now() - Number(stats.mtimeMs) <= namelessAfterMs) return undefined
  return `nameless-${stats.ino}-${stats.mtimeNs}`
}

async function ageOf(file: string): Promise<number> {
  try {
    return Date.now() - (await lstat(file)).mtimeMs
  } catch {
    return 0
  }
}

const guardSuffix = '.takeover.'

/**
 * Removes what the dead owner `stale` left; false when another process is about to. `lock` is the file that the guards are
 * named after.
 *
 * Why this removes no other's file: whoever holds the guard of a nonce is alone with it, looks again, and finds either that
 * very owner, whose file nobody else may remove now, or another one, whose file it leaves alone. No nonce comes twice.
 */
async function takeOver(lock: string, file: string, stale: string, kernel: boolean): Promise<boolean> {
  const guard = `${lock}${guardSuffix}${stale}`
  const claim = await create(guard, false)
  if (claim === undefined) {
    // Never by the kernel's lock: it keeps out nobody who has the portable one only.
    const deadGuard = await staleMark(guard, false)
    if (deadGuard !== undefined) await takeOver(lock, guard, deadGuard, false)
    return false
  }
  try {
    if ((await staleMark(file, kernel)) === stale) await unlink(file).catch(() => undefined)
    return true
  } finally {
    if (await isOurs(claim)) await unlink(guard).catch(() => undefined)
  }
}

/** What was left by processes that ended while they took over. Called by the new owner: nothing they guarded is there. */
async function removeGuards(file: string): Promise<void> {
  const names = await readdir(dirname(file)).catch(() => [])
  const guards = names.filter(name => name.startsWith(`${basename(file)}${guardSuffix}`))
  for (const name of guards) await unlink(join(dirname(file), name)).catch(() => undefined)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
