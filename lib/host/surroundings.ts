/** What a policy's meaning depends on, read from this process: its directory, `TMPDIR`, `HOME` and the disk. */
import { userInfo } from 'node:os'
import { isAbsolute, normalizeAbsolute, resolvePath } from '../policy/path.ts'
import type { Surroundings } from '../policy/types.ts'
import { caseInsensitiveView, fileSystemView } from './file-system-view.ts'

export interface SurroundingsOptions {
  /** The policy's working directory; relative ones and `~` are resolved here. Default: the process's directory. */
  readonly cwd?: string | undefined
  /** The process's directory. Default: `process.cwd()`. */
  readonly processCwd?: string | undefined
  /** Where `TMPDIR` and `HOME` are read. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Whose rules count. Default: this system's. */
  readonly platform?: string | undefined
}

// The password database; a user id without an entry has no home.
function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}

// Codex for macOS passes over a relative one (spec/macos D.1).
function temporaryDirectory(given: string | undefined, platform: string): string | undefined {
  return platform === 'darwin' && given !== undefined && !isAbsolute(given) ? undefined : given
}

/**
 * The surroundings of a policy, now. `HOME` counts when set and not empty, otherwise the password database (PATH-3). The
 * working directory is made absolute but not canonical, and need not exist (PATH-6).
 */
export function currentSurroundings(options: SurroundingsOptions = {}): Surroundings {
  const env = options.env ?? process.env
  const processCwd = normalizeAbsolute(options.processCwd ?? process.cwd())
  const home = env['HOME'] === undefined || env['HOME'] === '' ? homeOfUser() : env['HOME']
  const policyCwd = options.cwd === undefined ? processCwd : resolvePath(options.cwd, processCwd, home)
  const { platform = process.platform } = options
  const files = platform === 'darwin' ? caseInsensitiveView : fileSystemView
  return { policyCwd, processCwd, temporaryDirectory: temporaryDirectory(env['TMPDIR'], platform), home, files }
}
