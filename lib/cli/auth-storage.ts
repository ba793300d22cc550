/**
 * Which store `castellan auth` works on: `--storage`, with the words of Codex's setting `cli_auth_credentials_store`.
 */
import { type AuthStorage, defaultLock, type StorageKind, selectStorage } from '../auth/index.ts'
import { suggestion } from './spelling.ts'
import { painter, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** Not `ephemeral`: a login in the memory of this process would end with it. */
const kinds: readonly StorageKind[] = ['file', 'keyring', 'auto']

/** @throws {UsageError} */
export function storageOf(word: string | undefined, home: string): AuthStorage {
  const kind = kinds.find(one => one === (word ?? 'file'))
  if (kind === undefined) {
    throw new UsageError(`--storage ${word}: give one of ${kinds.join(', ')}${suggestion(word!, kinds)}`)
  }
  let told = false
  const onFallback = () => {
    if (!told) say('stderr', `${painter('stderr')('yellow', 'castellan:')} the keyring cannot be used, so the file is`)
    told = true
  }
  return selectStorage(kind, { home, lock: defaultLock(), onFallback })
}

/** Where a login of this store is, for people. */
export function placeOf({ kind }: AuthStorage, home: string): string {
  if (kind === 'keyring') return 'the keyring'
  return kind === 'auto' ? `the keyring, or ${home}` : home
}
