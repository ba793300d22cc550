/**
 * Where a login is kept: the interface that the file, the keyring, the memory and a host's own store share.
 *
 * A store keeps one text and knows nothing of what it means. It must never lose the old text before the new one is safe,
 * and it must compare and write in one step: `update` shows the current text to `change` while nobody else can write.
 */
import type { HeldLock, LockOptions } from '../lock/file-lock.ts'

/** Room kept for a later write, so that a full disk is met before the refresh token is spent. */
export interface Reservation {
  /** Gives the room back; does nothing once an `update` has used it. Never fails. */
  release(): Promise<void>
}

export interface AuthStorage {
  /** The same for every object that stands for this store in this process; poison and flights are shared by it. */
  readonly identity: string
  /** For people: `file`, `keyring`, `memory`, … */
  readonly kind: string

  /**
   * The stored text, or nothing. A text that is no login is returned as it is (an empty one for bytes that are no text).
   *
   * @throws AuthError `store_read` when the store cannot be asked.
   */
  read(): Promise<string | undefined>

  /** A value that changes whenever the text may have changed, cheaper than reading; nothing when it cannot be told. */
  version?(): Promise<string | undefined>

  /**
   * Proves that a text of this many bytes can be written.
   *
   * @throws AuthError `store_write` when it cannot.
   */
  reserve?(bytes: number): Promise<Reservation>

  /**
   * Compare and swap: `change` sees the current text and answers the new one, or nothing to leave it. It is called at most
   * once and must not wait.
   *
   * @throws AuthError `store_read` or `store_write`; the old text is then still there.
   */
  update(change: (current: string | undefined) => string | undefined, reservation?: Reservation): Promise<void>

  /** Removes the text wherever this store may have left it; true when there was one. */
  delete(): Promise<boolean>

  /** The lock that one refresh holds from re-reading to writing, over all processes; absent when nobody else can write. */
  lockRefresh?(options: LockOptions): Promise<HeldLock>
}
