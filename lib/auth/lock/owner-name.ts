/**
 * The name of a lock's owner, as text.
 *
 * At most 59 bytes: a symbolic link of that size lies in the inode itself (ext4, XFS, tmpfs), so that a lock can be taken,
 * with its name, on a disk that is full.
 */
import type { ProcessIdentity } from './process-identity.ts'

export interface Owner extends ProcessIdentity {
  readonly nonce: string
  /** The owner held the kernel's lock of the same name, too. */
  readonly kernel: boolean
}

export function formatOwner({ boot, namespace, pid, startTime, nonce, kernel }: Owner): string {
  return [boot, namespace, pid, startTime, nonce, kernel ? 'k' : 'p'].join(':')
}

/** Nothing for a text that is no name, for instance one that was cut off. */
export function parseOwner(text: string): Owner | undefined {
  const found = /^([\w-]+):(\d*):(\d+):(\d*):([\w-]+):([kp])$/.exec(text)
  if (found === null) return undefined
  const [, boot = '', namespace = '', pid = '', startTime = '', nonce = '', kernel] = found
  return { boot, namespace, pid: Number(pid), startTime, nonce, kernel: kernel === 'k' }
}
