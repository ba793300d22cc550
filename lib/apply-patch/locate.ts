/**
 * Where a path of a patch leads: absolute, without symbolic links, whatever the patch spells (`..`, a link out of the
 * workspace, an absolute path). The policy is asked about that spelling and no other, before anything of the file is read,
 * and the same spelling is later opened without following links.
 */

import { basename, dirname, join, resolve } from 'node:path'

import type { Directories } from './directories.ts'
import { PatchConflictError, type PatchPlace, PatchRefusedError } from './errors.ts'
import type { EntryStatus, FileAccess } from './file-access.ts'

/** What a policy allows at an absolute path without symbolic links. */
export type PolicyCheck = (absolutePath: string) => 'read' | 'write' | 'none'

export interface Location {
  /** `directory` and `name` together. */
  readonly path: string
  readonly directory: string
  readonly name: string
  /** The directories that must be made first, outermost first. */
  readonly missingDirectories: readonly string[]
  /** What stands there on the disk. */
  readonly status: EntryStatus | null
}

export class Locator {
  readonly #cwd: string
  readonly #access: FileAccess
  readonly #directories: Directories
  readonly #check: PolicyCheck | undefined
  readonly #parents = new Map<string, Pick<Location, 'directory' | 'missingDirectories'>>()

  constructor(cwd: string, access: FileAccess, directories: Directories, check: PolicyCheck | undefined) {
    this.#cwd = cwd
    this.#access = access
    this.#directories = directories
    this.#check = check
  }

  /** The entry itself: a link is not followed. `act` is for the error, for instance `delete`. */
  async locate(act: string, place: PatchPlace): Promise<Location> {
    return this.#locateAbsolute(resolve(this.#cwd, place.path!), act, place)
  }

  /** What `location` leads to when it is a link. */
  async follow(location: Location, act: string, place: PatchPlace): Promise<Location> {
    if (location.status?.kind !== 'symlink') return location
    const target = await this.#access.realPath(location.path)
    if (target === null) {
      this.allow(location, 'write', place)
      throw new PatchConflictError(act, 'dangling-link', place)
    }
    return this.#locateAbsolute(target, act, place)
  }

  /** Throws `PatchRefusedError` unless the policy allows it, for the directories to be made as well. */
  allow(location: Location, wanted: 'read' | 'write', place: PatchPlace): void {
    if (this.#check === undefined) return
    const created = wanted === 'write' ? location.missingDirectories : []
    for (const path of [...created, location.path]) {
      const allowed = this.#check(path)
      // Compared with what allows, not with what refuses: an answer outside the type must not open anything.
      if (allowed === 'write' || (wanted === 'read' && allowed === 'read')) continue
      throw new PatchRefusedError(path, allowed === 'read' ? 'read' : 'none', place)
    }
  }

  async #locateAbsolute(absolute: string, act: string, place: PatchPlace): Promise<Location> {
    const name = basename(absolute)
    if (name === '') throw new PatchConflictError(act, 'directory', place)
    const parent = await this.#parent(dirname(absolute), act, place)
    const location = { ...parent, name, path: join(parent.directory, name), status: null }
    if (parent.missingDirectories.length > 0) return location
    const status = await (await this.#directories.at(parent.directory)).status(name)
    if (status === null || status.kind === 'symlink') return { ...location, status }
    // On a file system that ignores case the entry may be spelled otherwise; its own spelling is the one to compare.
    const spelled = await this.#access.realPath(location.path)
    return { ...location, path: spelled ?? location.path, name: basename(spelled ?? location.path), status }
  }

  async #parent(path: string, act: string, place: PatchPlace) {
    const known = this.#parents.get(path)
    if (known !== undefined) return known
    const missing: string[] = []
    let existing = path
    let base = await this.#access.realPath(existing)
    while (base === null && dirname(existing) !== existing) {
      missing.unshift(basename(existing))
      existing = dirname(existing)
      base = await this.#access.realPath(existing)
    }
    if (base === null) throw new PatchConflictError(act, 'missing', place)
    await this.#checkDirectory(base, missing[0], act, place)
    const missingDirectories = missing.map((_, index) => join(base, ...missing.slice(0, index + 1)))
    const parent = { directory: missingDirectories.at(-1) ?? base, missingDirectories }
    this.#parents.set(path, parent)
    return parent
  }

  /** `base` must be a directory, and what is to be made in it must not be there as a link to nothing. */
  async #checkDirectory(base: string, firstMissing: string | undefined, act: string, place: PatchPlace): Promise<void> {
    try {
      const directory = await this.#directories.at(base)
      if (firstMissing === undefined || (await directory.status(firstMissing)) === null) return
    } catch (cause) {
      throw new PatchConflictError(act, 'not-a-directory', place, { cause })
    }
    throw new PatchConflictError(act, 'dangling-link', place)
  }
}
