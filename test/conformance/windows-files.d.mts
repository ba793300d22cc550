import type { WindowsFiles } from '../../lib/plan/windows/places.ts'

export interface WindowsDisk {
  readonly dirs?: readonly string[]
  /** Texts of files. */
  readonly files?: Readonly<Record<string, string>>
  /** Junctions and symbolic links, and where they lead. */
  readonly symlinks?: Readonly<Record<string, string>>
  /** Short names, and the long name beside it that each stands for. */
  readonly shortNames?: Readonly<Record<string, string>>
}

export function windowsFiles(...descriptions: readonly WindowsDisk[]): WindowsFiles
