/**
 * Makes the store that the options name (auth.md §6).
 */
import { unreachable } from '../../errors.ts'
import type { FileLock } from '../lock/file-lock.ts'
import { autoStorage } from './auto.ts'
import { fileStorage, withCommitLock } from './file.ts'
import { keyringAccount } from './home.ts'
import { type KeyringBackend, keyringStorage } from './keyring.ts'
import { ephemeralStorage } from './memory.ts'
import type { AuthStorage } from './storage.ts'
import { systemKeyring } from './system-keyring.ts'

export type StorageKind = 'file' | 'keyring' | 'auto' | 'ephemeral'

export interface SelectOptions {
  readonly home: string
  readonly lock: FileLock
  /** Default: the system's. */
  readonly keyring?: KeyringBackend | undefined
  /** Called each time `auto` uses the file because the keyring failed. */
  readonly onFallback: () => void
  /** Called each time a file is written that others than its owner may be able to read. */
  readonly onNotPrivate?: (() => void) | undefined
}

/** The store of this kind for the home directory, as `AuthManager` makes it for its option `storage`. */
export function selectStorage(kind: StorageKind, options: SelectOptions): AuthStorage {
  const { home, lock, onFallback, onNotPrivate } = options
  const account = keyringAccount(home)
  if (kind === 'ephemeral') return ephemeralStorage(account)
  const file = fileStorage({ home, lock, onNotPrivate })
  if (kind === 'file') return file
  const exclusively = <T>(work: () => Promise<T>) => withCommitLock(home, lock, work)
  const keyring = keyringStorage({ backend: options.keyring ?? systemKeyring, account, file, exclusively })
  if (kind === 'keyring') return keyring
  return kind === 'auto' ? autoStorage({ keyring, file, onFallback }) : unreachable(kind)
}
