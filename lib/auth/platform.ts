/** What is different for logins from one system to another; nothing else of them asks which one this is. */

export interface FilePlatform {
  /** A mode of 0600 keeps others out. Elsewhere a list does, which the native addon sets. */
  readonly hasModeBits: boolean
  /** A directory can be opened and flushed, and a rename that was not flushed may be lost. */
  readonly flushesDirectories: boolean
  /** Whether a rename that failed with this code may succeed soon: a scanner or another reader has the target open. */
  renameMayPass(code: string): boolean
}

const elsewhere: FilePlatform = { hasModeBits: true, flushesDirectories: true, renameMayPass: () => false }

const windows: FilePlatform = {
  hasModeBits: false,
  flushesDirectories: false,
  renameMayPass: code => ['EPERM', 'EACCES', 'EBUSY'].includes(code),
}

export function filePlatform(system: NodeJS.Platform = process.platform): FilePlatform {
  return system === 'win32' ? windows : elsewhere
}

/** The name of this process's system. */
export const systemName: string = process.platform
