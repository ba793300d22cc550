/**
 * The few things that applying a patch does to a disk. `node-access.ts` is the one of this library; tests and hosts may
 * put their own in its place (to inject failures, to write through a privileged helper).
 *
 * A directory is opened once, by a path without symbolic links, and everything in it is then named relative to the opened
 * directory: a link that someone puts into the path afterwards leads nowhere. Errors are the operating system's own
 * (`code: 'ENOSPC'` …).
 */

export type EntryKind = 'file' | 'directory' | 'symlink' | 'other'

/** Changes when the file does. Numbers are the system's own; they are only compared. */
export interface FileIdentity {
  readonly device: bigint
  readonly inode: bigint
  readonly size: bigint
  readonly modified: bigint
  readonly changed: bigint
}

export interface EntryStatus {
  readonly kind: EntryKind
  /** Permission bits with set-user-ID, set-group-ID and sticky. */
  readonly mode: number
  readonly owner: number
  readonly group: number
  readonly links: number
  readonly identity: FileIdentity
}

/** What a new file takes over from the one it replaces. */
export interface Attributes {
  readonly mode: number
  readonly owner: number
  readonly group: number
}

export interface CreatedFile {
  readonly identity: FileIdentity
  /** False when the system did not let the file be given to the wanted owner or group. */
  readonly ownerKept: boolean
}

/** Names are single components. Nothing here follows a symbolic link. */
export interface OpenDirectory {
  /** Null when there is no such entry. */
  status(name: string): Promise<EntryStatus | null>
  /** A regular file of at most `limit` bytes: otherwise fails with `EFBIG`, or `EINVAL` when it is none. */
  read(name: string, limit: number): Promise<Uint8Array>
  /** True when this process may write the file. */
  writable(name: string): Promise<boolean>
  /** A new file with its content on the disk when this returns; `EEXIST` when the name is taken. Null: the usual mode. */
  create(name: string, bytes: Uint8Array, attributes: Attributes | null): Promise<CreatedFile>
  /** A second name for a file; `EEXIST` when the name is taken. */
  link(from: string, to: string): Promise<void>
  /** Replaces what stands at `to`. */
  rename(from: string, to: string): Promise<void>
  unlink(name: string): Promise<void>
  makeDirectory(name: string): Promise<void>
  removeDirectory(name: string): Promise<void>
  /** Puts the names on the disk, where the system can. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileAccess {
  /** True when a directory that is swapped for a link after the check cannot lead a write elsewhere. */
  readonly raceFree: boolean
  /** `realpath(3)`; null when a part of the path is missing or is a link to nothing. */
  realPath(path: string): Promise<string | null>
  /** `path` is absolute and canonical; `ENOTDIR` or `ELOOP` when a part of it is a link or no directory. */
  openDirectory(path: string): Promise<OpenDirectory>
}
