/**
 * The operating system's keyring as a store (auth.md §6).
 *
 * A locked keyring can hang for ever, and some claim to have saved what they dropped: so every call has a limit and every
 * save is read back. The file that an older login left is removed after a save and on every delete, also when the keyring
 * itself is broken (departure D18); it is never read.
 */
import { AuthError } from '../errors.ts'
import { compactJson } from '../json-members.ts'
import type { AuthStorage } from './storage.ts'

export const keyringService = 'Codex Auth'

/** A keyring as we need it; `systemKeyring` gives the real one. Every call may fail, and says why to nobody. */
export interface KeyringBackend {
  get(service: string, account: string): Promise<string | undefined>
  set(service: string, account: string, value: string): Promise<void>
  /** True when there was an entry. */
  delete(service: string, account: string): Promise<boolean>
}

export interface KeyringStorageOptions {
  readonly backend: KeyringBackend
  readonly account: string
  /** The file store of the same home: its refresh lock is used and what lies there is removed. */
  readonly file: AuthStorage
  /** Keeps other processes from writing while the work is done; default: nobody else writes. */
  readonly exclusively?: <T>(work: () => Promise<T>) => Promise<T>
  /** The longest wait for one call of the keyring, in milliseconds. Default 3000. */
  readonly timeoutMs?: number
}

export function keyringStorage(options: KeyringStorageOptions): AuthStorage {
  const { backend, account, file, timeoutMs = 3_000, exclusively = work => work() } = options
  const get = (reason: 'store_read' | 'store_write' = 'store_read') =>
    limited(reason, 'read', timeoutMs, () => backend.get(keyringService, account))
  const set = (value: string) =>
    limited('store_write', 'write', timeoutMs, () => backend.set(keyringService, account, value))
  return {
    identity: `keyring:${keyringService}:${account}`,
    kind: 'keyring',
    read: () => get(),
    async update(change) {
      const written = await exclusively(async () => {
        const next = change(await get('store_write'))
        if (next === undefined) return false
        const value = compactJson(next)
        await set(value)
        if ((await get('store_write')) === value) return true
        throw new AuthError('store_write', { operation: 'write', location: 'keyring' })
      })
      // The login is safe; a leftover that cannot be removed now is removed at logout.
      if (written) await file.delete().catch(() => false)
    },
    async delete() {
      const inKeyring = await limited('store_write', 'delete', timeoutMs, () =>
        backend.delete(keyringService, account),
      ).catch((error: unknown) => error as AuthError)
      const inFile = await file.delete()
      if (inKeyring instanceof AuthError) throw inKeyring
      return inKeyring || inFile
    },
    ...(file.lockRefresh && { lockRefresh: file.lockRefresh }),
  }
}

async function limited<T>(
  reason: 'store_read' | 'store_write',
  operation: string,
  timeoutMs: number,
  call: () => Promise<T>,
): Promise<T> {
  const { promise: expired, reject } = deferred<never>()
  const timer = setTimeout(reject, timeoutMs, new Error('the keyring did not answer'))
  try {
    return await Promise.race([call(), expired])
  } catch (error) {
    if (error instanceof AuthError && error.reason === 'keyring_missing') throw error
    // What a keyring says may quote the value it could not keep.
    throw new AuthError(reason, { operation, location: 'keyring' })
  } finally {
    clearTimeout(timer)
  }
}

function deferred<T>(): { promise: Promise<T>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<T>((_, refuse) => {
    reject = refuse
  })
  promise.catch(() => undefined)
  return { promise, reject }
}
