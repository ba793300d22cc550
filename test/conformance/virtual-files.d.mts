import type { FileSystemView } from '../../lib/policy/types.ts'

export interface VirtualDisk {
  readonly dirs?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly symlinks?: Readonly<Record<string, string>>
}

export function virtualFiles(...descriptions: readonly VirtualDisk[]): FileSystemView
