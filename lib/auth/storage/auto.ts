/**
 * The keyring where it works, the file where it does not (auth.md §6).
 *
 * Falling back is told through `onFallback`, never silent. Deleting always clears both places: without a keyring the
 * reference cannot log out at all (departure D18).
 */
import { AuthError } from '../errors.ts'
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
      if (!(await readKeyring()).works) return file.update(change, reservation)
      // While the keyring is empty the file holds the current text, and the keyring gets the next one.
      const inFile = await file.read()
      let asked: { readonly next: string | undefined; readonly fromFile: boolean } | undefined
      try {
        await keyring.update(stored => {
          asked = { next: change(stored ?? inFile), fromFile: stored === undefined }
          return asked.next
        })
      } catch (error) {
        if (asked === undefined) return file.update(change, reservation)
        const { next, fromFile } = asked as { next: string | undefined; fromFile: boolean }
        // An old text in the keyring would be found before a new one in the file.
        if (!fromFile || next === undefined) throw error
        onFallback?.(error as AuthError)
        await file.update(stored => {
          if (stored !== inFile) throw new AuthError('conflict', { operation: 'write', location: 'file' })
          return next
        }, reservation)
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
