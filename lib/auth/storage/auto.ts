/**
 * The keyring where it works, the file where it does not (auth.md §6).
 *
 * Falling back is told through `onFallback`, never silent. Deleting always clears both places: without a keyring the
 * reference cannot log out at all (departure D18).
 */
import type { AuthError } from '../errors.ts'
import type { AuthStorage } from './storage.ts'

export interface AutoStorageOptions {
  readonly keyring: AuthStorage
  readonly file: AuthStorage
  /** Called each time the file is used because the keyring failed. */
  readonly onFallback?: (error: AuthError) => void
}

export function autoStorage({ keyring, file, onFallback }: AutoStorageOptions): AuthStorage {
  const readKeyring = () =>
    keyring.read().then(
      text => ({ works: true, text }),
      (error: AuthError) => {
        onFallback?.(error)
        return { works: false, text: undefined }
      },
    )
  return {
    identity: `auto:${keyring.identity}:${file.identity}`,
    kind: 'auto',
    read: async () => (await readKeyring()).text ?? file.read(),
    // The room is taken in the file even when the keyring is used: that is where a failed save goes.
    ...(file.reserve && { reserve: file.reserve }),
    ...(file.lockRefresh && { lockRefresh: file.lockRefresh }),
    async update(change, reservation) {
      const inKeyring = await readKeyring()
      if (!inKeyring.works) return file.update(change, reservation)
      if (inKeyring.text !== undefined) return keyring.update(change)
      // Nothing in the keyring yet: what the file holds is the current text, and the keyring gets the next one.
      let next: string | undefined
      const current = await file.read()
      next = change(current)
      if (next === undefined) return
      try {
        await keyring.update(() => next)
      } catch (error) {
        onFallback?.(error as AuthError)
        await file.update(stored => (stored === current ? next : undefined), reservation)
      }
    },
    async delete() {
      const inFile = await file.delete()
      try {
        return (await keyring.delete()) || inFile
      } catch (error) {
        onFallback?.(error as AuthError)
        return inFile
      }
    },
  }
}
