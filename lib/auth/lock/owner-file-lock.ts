/**
 * A lock made of a file that exists while it is held: for systems without the native addon.
 *
 * The file is made with `O_EXCL` and names its owner. A holder touches it every two seconds. It is stale, and may be taken
 * over, when its owner has ended, or, where that cannot be told (another machine, another container), when it was not
 * touched for thirty seconds. A holder that is known to live keeps it however long it stalls: taking the lock from a
 * suspended process would spend a refresh token twice.
 *
 * Take-over happens under a second `O_EXCL` file. What remains: a take-over that itself crashes delays others by ten
 * seconds, and two machines whose clocks differ by more than thirty may believe each other dead.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readFile, stat, unlink, utimes } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { AuthError, systemCause } from '../errors.ts'
import { type FileLock, type HeldLock, type LockOptions, pollDelay } from './file-lock.ts'
import { isRunning, ownIdentity, sharesKernel } from './process-identity.ts'

const heartbeatMs = 2_000
const staleAfterMs = 30_000
const takeoverLimitMs = 10_000

const ownerSchema = z.object({
  realm: z.string(),
  pid: z.number(),
  startTime: z.string(),
  nonce: z.string(),
  /** The owner held the kernel's lock of the same name, too. */
  kernel: z.boolean(),
})
type Owner = z.infer<typeof ownerSchema>

export const ownerFileLock: FileLock = {
  acquire: (path, options) => acquireOwnerFile(path, options, false),
}

/**
 * Takes the lock; `kernel` tells that the caller holds the kernel's lock of this name, so that an owner who once held it
 * under the same kernel cannot be alive any more. Two machines may share a file and no lock.
 */
export async function acquireOwnerFile(path: string, { timeoutMs }: LockOptions, kernel: boolean): Promise<HeldLock> {
  const file = `${path}.owner`
  const owner: Owner = { ...ownIdentity(), nonce: randomBytes(12).toString('hex'), kernel }
  const deadline = performance.now() + timeoutMs
  for (let attempt = 0; ; attempt++) {
    const claim = await create(file, owner)
    if (claim !== undefined) return hold(claim)
    if (await isStale(file, kernel)) await takeOver(file, kernel)
    else if (performance.now() > deadline) throw new AuthError('lock_timeout', { operation: 'lock', location: path })
    else await sleep(pollDelay(attempt))
  }
}

/** What this process made of the lock's file; nothing when another one was first. */
interface Claim {
  readonly file: string
  /** Empty when the disk had no room for the name: making the file took the lock all the same. */
  readonly nonce: string
  readonly inode: number
}

async function create(file: string, owner: Owner): Promise<Claim | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'wx', 0o600)
  } catch (error) {
    const cause = systemCause(error)
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'EEXIST') return undefined
    throw new AuthError('store_write', { operation: 'lock', location: file, cause })
  }
  try {
    const { ino: inode } = await handle.stat()
    // On a full disk the tokens still have the room that was reserved for them, and a lock needs no name to be held.
    const named = await handle.writeFile(JSON.stringify(owner)).then(
      () => true,
      () =>
        handle.truncate(0).then(
          () => false,
          () => false,
        ),
    )
    return { file, nonce: named ? owner.nonce : '', inode }
  } finally {
    await handle.close()
  }
}

function hold(claim: Claim): HeldLock {
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(claim.file, now, now).catch(() => undefined)
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
  return owner === undefined && (await stat(file).catch(() => undefined))?.ino === inode
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

async function isStale(file: string, kernel: boolean): Promise<boolean> {
  const owner = await readOwner(file)
  if (kernel && owner?.kernel && sharesKernel(owner)) return true
  const running = owner === undefined ? 'unknown' : isRunning(owner)
  if (running !== 'unknown') return running === 'no'
  // No readable owner: its maker is between creating and writing, or died there.
  return (await ageOf(file)) > (owner === undefined ? takeoverLimitMs : staleAfterMs)
}

async function ageOf(file: string): Promise<number> {
  try {
    return Date.now() - (await stat(file)).mtimeMs
  } catch {
    return 0
  }
}

/** Removes a stale lock. One at a time, and only after looking again: it may have a living owner by now. */
async function takeOver(file: string, kernel: boolean): Promise<void> {
  const guard = `${file}.takeover`
  try {
    await (await open(guard, 'wx', 0o600)).close()
  } catch {
    if ((await ageOf(guard)) > takeoverLimitMs) await unlink(guard).catch(() => undefined)
    await sleep(pollDelay(0))
    return
  }
  try {
    if (await isStale(file, kernel)) await unlink(file).catch(() => undefined)
  } finally {
    await unlink(guard).catch(() => undefined)
  }
}
