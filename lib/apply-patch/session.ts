/**
 * What planning and applying share: options, the patch read, a draft of it. The disk is read here and not written.
 */

import { isAbsolute } from 'node:path'

import { BackendError, OptionError } from '../errors.ts'
import { Directories } from './directories.ts'
import { Draft } from './draft.ts'
import { abortError, errnoNameOf, PatchError, PatchInvalidError, PatchIoError, type PatchPlace } from './errors.ts'
import type { FileAccess } from './file-access.ts'
import type { Patch } from './grammar.ts'
import { Locator, type PolicyCheck } from './locate.ts'
import { nodeFileAccess } from './node-access.ts'
import { parsePatch } from './parse.ts'

export interface PatchOptions {
  /** The directory that relative paths of the patch start from. Absolute. */
  readonly cwd: string
  /**
   * Asked for every path that would be written, and for every directory that would be made, by its absolute path without
   * symbolic links; anything but `write` refuses the patch. Default: everything is allowed.
   */
  readonly check?: PolicyCheck
  /** How to reach the disk. Default: this machine's race-free way where it has one. */
  readonly access?: FileAccess
  /**
   * What to do when somebody is to be asked (`check`, a policy) and the disk cannot be reached without a race between the
   * answer and the write (`access.raceFree`): refuse the patch, or apply it all the same. Default: refuse.
   */
  readonly races?: 'refuse' | 'accept'
  /** Stops before the first file is changed; from then on the patch is carried out. */
  readonly signal?: AbortSignal
  /** Lets `Add File` and `Move to` replace a file, as the reference does. Default: false, a conflict. */
  readonly overwrite?: boolean
  /** The environment this process is; a patch that names another one is refused. Default: none. */
  readonly environment?: string
}

export interface Session {
  readonly patch: Patch
  readonly draft: Draft
  readonly directories: Directories
}

/** The patch as one draft; the caller closes `directories`. */
export async function withDraft<Result>(
  source: string | Patch,
  options: PatchOptions,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  if (!isAbsolute(options.cwd)) throw new OptionError('cwd', 'cwd must be an absolute path')
  const patch = typeof source === 'string' ? parsePatch(source) : source
  checkEnvironment(patch, options.environment)
  const access = options.access ?? nodeFileAccess()
  checkRaces(options, access)
  const directories = new Directories(access)
  try {
    const locator = new Locator(options.cwd, access, directories, options.check)
    const draft = new Draft(locator, directories, options.overwrite ?? false)
    for (const section of patch.sections) {
      throwIfAborted(options.signal)
      await reading({ path: section.path, line: section.line }, () => draft.apply(section))
    }
    return await use({ patch, draft, directories })
  } finally {
    await directories.close()
  }
}

/** Puts a place to what the system answers while the disk is only read. */
export async function reading<Result>(place: PatchPlace, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof PatchError || errnoNameOf(cause) === undefined) throw cause
    throw new PatchIoError('read', place, { cause, files: [] })
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** An answer that another process can make untrue before the write is none, unless the caller can do with it. */
function checkRaces({ check, races }: PatchOptions, access: FileAccess): void {
  if (races !== undefined && races !== 'refuse' && races !== 'accept') {
    throw new OptionError('races', `races is ${JSON.stringify(races)}; use refuse, accept`)
  }
  if (check === undefined || access.raceFree || races === 'accept') return
  throw new BackendError('cannot hold a patch to a policy: a path could be swapped between the check and the write', {
    capability: 'race-free-files',
    hint: "apply the patch inside a sandbox, or pass races: 'accept' where no other process writes to these directories",
  })
}

/** A patch for another machine, applied here, would change the wrong files. */
function checkEnvironment(patch: Patch, environment: string | undefined): void {
  if (patch.environment === null || patch.environment === environment) return
  throw new PatchInvalidError('it is meant for another environment', {})
}
