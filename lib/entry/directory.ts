/**
 * A private directory with programs called `apply_patch`, `applypatch` and `codex-linux-sandbox`, to prepend to the PATH of
 * children. Held by a lock for the life of the process: a host that is killed leaves a directory that the next start of any
 * host removes.
 */
import { chmodSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { BackendError } from '../errors.ts'
import { type Flock, type HeldLock, tryLock, waitForLock } from './file-lock.ts'
import { directoryPrefix, lockName, removeDirectory, removeStale } from './janitor.ts'
import { type Launcher, launcherFor } from './launchers.ts'
import { entryNames } from './names.ts'
import { defaultParent, safeParent } from './parent.ts'

export interface EntryDirectoryOptions {
  /**
   * Where to make it, absolute. Every directory above must belong to you or root, and none may be writable by everybody.
   * Default: `$CODEX_HOME/tmp/arg0`, or the same in `~/.codex`.
   */
  readonly parent?: string
  /**
   * An executable that calls `dispatchEntry` at its start; the names become links to it. Default: this process's own when it is
   * a single executable, otherwise scripts that start this library's entries with this process's Node.
   */
  readonly program?: string
}

export interface EntryDirectory {
  readonly path: string
  /** `env` (default: `process.env`) with this directory first on the PATH. */
  environment(env?: Readonly<Record<string, string | undefined>>): Record<string, string | undefined>
  /** Removes the directory. Also done when the process exits. */
  [Symbol.dispose](): void
}

/**
 * Makes the directory, after removing those that hosts have left behind.
 *
 * @throws EntryError (`ERR_ENTRY`) where no safe place is; `reason` and `path` say why.
 * @throws BackendError (`ERR_BACKEND_UNAVAILABLE`) without the addon, whose lock it needs, and on Windows, which starts programs by
 * other names.
 * @throws OptionError for an option that is misused.
 */
export async function makeEntryDirectory(options: EntryDirectoryOptions = {}): Promise<EntryDirectory> {
  const flock = await loadLock()
  const launcher = await launcherFor(options.program)
  const parent = safeParent(options.parent ?? defaultParent())
  const parentLock = await waitForLock(flock, join(parent, `.${directoryPrefix}lock`))
  try {
    removeStale(parent, flock)
    return held(...fill(parent, flock, launcher))
  } finally {
    parentLock.release()
  }
}

async function loadLock(): Promise<Flock> {
  const { loadBinding } = await import('../native/binding.ts')
  const binding = loadBinding()
  if (binding.system === 'linux' || binding.system === 'darwin') return binding.flock
  throw new BackendError(`cannot make entries with the addon for ${binding.system}: this takes Linux or macOS`, {
    capability: 'entry-directory',
  })
}

function fill(parent: string, flock: Flock, launcher: Launcher): [path: string, lock: HeldLock] {
  const path = mkdtempSync(join(parent, directoryPrefix))
  try {
    // mkdtemp(3) asks for 0700; a umask could only take away, which would hurt later.
    chmodSync(path, 0o700)
    const lock = tryLock(flock, join(path, lockName))
    for (const name of entryNames) {
      if (launcher.kind === 'link') symlinkSync(launcher.target, join(path, name))
      else writeProgram(join(path, name), launcher.textFor(name))
    }
    return [path, lock!]
  } catch (error) {
    removeDirectory(path)
    throw error
  }
}

function writeProgram(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o700, flag: 'wx' })
  chmodSync(path, 0o700)
}

function held(path: string, lock: HeldLock): EntryDirectory {
  let disposed = false
  const dispose = (): void => {
    if (disposed) return
    disposed = true
    process.off('exit', dispose)
    removeDirectory(path)
    lock.release()
  }
  process.on('exit', dispose)
  return {
    path,
    environment: (env = process.env) => ({ ...env, PATH: env['PATH'] ? `${path}${delimiter}${env['PATH']}` : path }),
    [Symbol.dispose]: dispose,
  }
}
