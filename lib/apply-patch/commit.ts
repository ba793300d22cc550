/**
 * Carries operations out so that every file is old or new at every moment, a kill included:
 *
 * 1. prepare  every new content goes to a temporary file beside its place and to the disk (a full disk shows here);
 * 2. verify   every old file is still the one that was read;
 * 3. switch   each place is switched by one system call: `rename` for a replaced file, `link` for a new one (it fails
 *             when something appeared there), `rename` to a temporary name for a deleted one;
 * 4. finish   temporary names go, directories are synced.
 *
 * A failure in 1 or 2 leaves all old. A failure in 3 switches back what was switched; what cannot be switched back is
 * named in the error. A kill leaves at most names that match `.castellan-<16 hex digits>.new` or `.old`, and directories
 * that were made.
 */

import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'

import type { Directories } from './directories.ts'
import { errnoNameOf, type FileOutcome, PatchConflictError, PatchIoError, type PatchPlace } from './errors.ts'
import type { FileIdentity } from './file-access.ts'
import type { DeleteOperation, Operation, ReplaceOperation } from './operations.ts'
import { throwIfAborted } from './session.ts'

/** Something about a written file that could not be kept as it was. */
export interface CommitNote {
  readonly kind: 'owner-changed' | 'hard-link-broken' | 'leftover'
  /** Absolute. For `leftover` the file that could not be removed. */
  readonly path: string
}

interface Prepared {
  readonly temporary: string
  readonly identity: FileIdentity
}

/** `ENOTSUP` and its kin: this file system has no hard links. */
const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL', 'EACCES'])

export class Commit {
  readonly #operations: readonly Operation[]
  readonly #directories: Directories
  readonly #notes: CommitNote[] = []
  readonly #prepared = new Map<Operation, Prepared>()
  /** Temporary names to remove at the end, with the directory they are in. */
  readonly #temporaries = new Map<string, string>()
  readonly #made = new Set<string>()
  readonly #switched = new Set<Operation>()

  constructor(operations: readonly Operation[], directories: Directories) {
    this.#operations = operations
    this.#directories = directories
  }

  /** Rejects with `PatchIoError` or `PatchConflictError`, or with an AbortError before the first switch. */
  async run(signal: AbortSignal | undefined): Promise<readonly CommitNote[]> {
    await this.#guarded('prepare', operation => this.#prepare(operation), signal)
    await this.#guarded('verify', operation => this.#verify(operation), signal)
    await this.#guarded('write', operation => this.#switch(operation), undefined)
    await this.#finish()
    return this.#notes
  }

  async #guarded(
    act: string,
    step: (operation: Operation) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const operation of this.#operations) {
      try {
        throwIfAborted(signal)
        await step(operation)
      } catch (error) {
        await this.#undo()
        throw this.#failure(act, operation, error)
      }
    }
  }

  async #prepare(operation: Operation): Promise<void> {
    if (operation.kind === 'delete') return
    for (const path of operation.location.missingDirectories) await this.#makeDirectory(path)
    const temporary = temporaryName('new')
    const directory = await this.#directories.at(operation.location.directory)
    const created = await directory.create(temporary, operation.bytes, operation.attributes)
    this.#temporaries.set(temporary, operation.location.directory)
    this.#prepared.set(operation, { temporary, identity: created.identity })
    if (!created.ownerKept) this.#notes.push({ kind: 'owner-changed', path: operation.location.path })
    if (operation.kind === 'replace' && operation.before.status.links > 1) {
      this.#notes.push({ kind: 'hard-link-broken', path: operation.location.path })
    }
  }

  async #makeDirectory(path: string): Promise<void> {
    if (this.#made.has(path)) return
    const parent = await this.#directories.at(dirname(path))
    await parent.makeDirectory(basename(path))
    this.#made.add(path)
  }

  async #verify(operation: Operation): Promise<void> {
    const directory = await this.#directories.at(operation.location.directory)
    const status = await directory.status(operation.location.name)
    const expected = operation.kind === 'create' ? null : operation.before.status.identity
    const same = expected === null ? status === null : status !== null && sameFile(expected, status.identity)
    if (!same) throw changed(operation)
  }

  async #switch(operation: Operation): Promise<void> {
    if (operation.kind === 'delete') await this.#setAside(operation)
    else if (operation.kind === 'create') await this.#putNew(operation)
    else await this.#replace(operation)
  }

  async #replace(operation: ReplaceOperation): Promise<void> {
    // Asked again: between the check of all and the switch of this one, the others took their time.
    await this.#verify(operation)
    const { temporary } = this.#prepared.get(operation)!
    const directory = await this.#directories.at(operation.location.directory)
    await directory.rename(temporary, operation.location.name)
    this.#temporaries.delete(temporary)
    this.#switched.add(operation)
  }

  async #putNew(operation: Operation): Promise<void> {
    const { temporary } = this.#prepared.get(operation)!
    const directory = await this.#directories.at(operation.location.directory)
    try {
      await directory.link(temporary, operation.location.name)
    } catch (error) {
      if (errnoNameOf(error) === 'EEXIST') throw changed(operation)
      if (!withoutLinks.has(errnoNameOf(error) ?? '')) throw error
      await this.#verify(operation)
      await directory.rename(temporary, operation.location.name)
      this.#temporaries.delete(temporary)
    }
    this.#switched.add(operation)
  }

  async #setAside(operation: DeleteOperation): Promise<void> {
    const { directory: path, name } = operation.location
    const aside = temporaryName('old')
    const directory = await this.#directories.at(path)
    await directory.rename(name, aside)
    this.#prepared.set(operation, { temporary: aside, identity: operation.before.status.identity })
    this.#switched.add(operation)
    const status = await directory.status(aside)
    if (status === null || !sameInode(operation.before.status.identity, status.identity)) throw changed(operation)
  }

  /** Nothing here can make a file old again: what fails is reported as a note or, for the sync, as an error. */
  async #finish(): Promise<void> {
    for (const operation of this.#operations) {
      const prepared = this.#prepared.get(operation)
      if (operation.kind === 'delete' && prepared !== undefined) {
        this.#temporaries.set(prepared.temporary, operation.location.directory)
      }
    }
    await this.#removeTemporaries()
    for (const operation of this.#operations) {
      try {
        await (await this.#directories.at(operation.location.directory)).sync()
      } catch (error) {
        throw this.#failure('sync the directory of', operation, error)
      }
    }
  }

  async #removeTemporaries(): Promise<void> {
    for (const [name, path] of this.#temporaries) {
      try {
        await (await this.#directories.at(path)).unlink(name)
      } catch {
        this.#notes.push({ kind: 'leftover', path: join(path, name) })
      }
    }
    this.#temporaries.clear()
  }

  /** Best effort, last switched first; what stays in `#switched` could not be undone. */
  async #undo(): Promise<void> {
    for (const operation of [...this.#switched].reverse()) {
      try {
        await this.#switchBack(operation)
        this.#switched.delete(operation)
      } catch {
        // The file stays new and the error says so.
      }
    }
    await this.#removeTemporaries()
    for (const path of [...this.#made].reverse()) await this.#removeMade(path)
  }

  async #switchBack(operation: Operation): Promise<void> {
    const directory = await this.#directories.at(operation.location.directory)
    const { name } = operation.location
    const { temporary, identity } = this.#prepared.get(operation)!
    const status = await directory.status(name)
    if (operation.kind === 'delete') return this.#putBack(operation, temporary)
    if (status === null || !sameInode(identity, status.identity)) throw changed(operation)
    if (operation.kind === 'create') await directory.unlink(name)
    else await this.#restore(operation)
  }

  async #putBack(operation: DeleteOperation, aside: string): Promise<void> {
    const { directory: path, name } = operation.location
    const directory = await this.#directories.at(path)
    try {
      await directory.link(aside, name)
      this.#temporaries.set(aside, path)
    } catch (error) {
      if (!withoutLinks.has(errnoNameOf(error) ?? '') || (await directory.status(name)) !== null) throw error
      await directory.rename(aside, name)
    }
  }

  async #restore(operation: ReplaceOperation): Promise<void> {
    const directory = await this.#directories.at(operation.location.directory)
    const { bytes, status } = operation.before
    const temporary = temporaryName('new')
    await directory.create(temporary, bytes!, { mode: status.mode, owner: status.owner, group: status.group })
    this.#temporaries.set(temporary, operation.location.directory)
    await directory.rename(temporary, operation.location.name)
    this.#temporaries.delete(temporary)
  }

  async #removeMade(path: string): Promise<void> {
    try {
      await this.#directories.forget(path)
      const parent = await this.#directories.at(dirname(path))
      await parent.removeDirectory(basename(path))
    } catch {
      // Somebody has put something into it, or it is gone.
    }
  }

  #failure(act: string, operation: Operation, error: unknown): unknown {
    const files = this.#outcomes()
    const intact = files.every(file => file.state === 'old')
    if (intact && (error instanceof PatchConflictError || (error as Error).name === 'AbortError')) return error
    return new PatchIoError(act, placeOf(operation), { cause: error, files })
  }

  #outcomes(): FileOutcome[] {
    return this.#operations.map(operation => ({
      path: operation.location.path,
      state: this.#switched.has(operation) ? 'new' : 'old',
    }))
  }
}

function temporaryName(kind: 'new' | 'old'): string {
  return `.castellan-${randomBytes(8).toString('hex')}.${kind}`
}

function sameInode(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode
}

function sameFile(one: FileIdentity, other: FileIdentity): boolean {
  const sameTimes = one.modified === other.modified && one.changed === other.changed
  return sameInode(one, other) && one.size === other.size && sameTimes
}

function placeOf(operation: Operation): PatchPlace {
  return { path: operation.spelled, line: operation.entry.place.line }
}

function changed(operation: Operation): PatchConflictError {
  return new PatchConflictError('write', 'changed', placeOf(operation))
}
