/**
 * The files of a patch as they would be, section after section, without writing any: a later section sees what an earlier
 * one did. Everything that could make the patch fail is found here, before the first write.
 */

import { unreachable } from '../errors.ts'
import type { Directories } from './directories.ts'
import { type Document, isUtf16, newDocument, readDocument } from './document.ts'
import { editDocument } from './edit.ts'
import { PatchConflictError } from './errors.ts'
import type { Attributes, EntryStatus } from './file-access.ts'
import type { AddSection, DeleteSection, Section, UpdateSection } from './grammar.ts'
import type { Location, Locator } from './locate.ts'
import { placeHunks } from './place.ts'

/** Larger files are refused: content is held in memory, old and new. */
export const largestFile = 256 * 1024 * 1024

interface Place {
  readonly path: string
  readonly line: number
}

export interface OldFile {
  readonly status: EntryStatus
  /** Null for a link, and as long as nobody needed them. */
  readonly bytes: Uint8Array | null
}

export interface NewFile {
  readonly document: Document
  /** What the lines of `document` come from; null for a file that the patch adds. */
  readonly base: Document | null
  /** Null: as the system gives them to a new file. */
  readonly attributes: Attributes | null
}

/** One path that the patch touches. */
export interface DraftEntry {
  readonly location: Location
  /** As the patch spelled it first. */
  readonly place: Place
  before: OldFile | null
  /** Null: nothing stands there. */
  after: NewFile | 'untouched' | null
  /** The entry whose content this one has taken over by a move. */
  movedFrom: DraftEntry | null
}

export class Draft {
  /** By canonical path, in the order in which they were first touched. */
  readonly entries = new Map<string, DraftEntry>()
  readonly #newDirectories = new Set<string>()
  readonly #locator: Locator
  readonly #directories: Directories
  readonly #overwrite: boolean

  constructor(locator: Locator, directories: Directories, overwrite: boolean) {
    this.#locator = locator
    this.#directories = directories
    this.#overwrite = overwrite
  }

  async apply(section: Section): Promise<void> {
    switch (section.kind) {
      case 'add':
        return this.#add(section)
      case 'delete':
        return this.#delete(section)
      case 'update':
        return this.#update(section)
      default:
        return unreachable(section)
    }
  }

  /** Reads what stood at `entry`, when that is a file that fits into memory. */
  async readBefore(entry: DraftEntry): Promise<Uint8Array | null> {
    const { before, location } = entry
    if (before === null || before.bytes !== null || before.status.kind !== 'file') return before?.bytes ?? null
    if (before.status.identity.size > largestFile) return null
    const directory = await this.#directories.at(location.directory)
    const bytes = await directory.read(location.name, largestFile)
    entry.before = { status: before.status, bytes }
    return bytes
  }

  async #add(section: AddSection): Promise<void> {
    const place = { path: section.path, line: section.line }
    const entry = await this.#destination('add', place)
    entry.after = { document: newDocument(section.content), base: null, attributes: attributesOf(entry) }
    entry.movedFrom = null
  }

  async #delete(section: DeleteSection): Promise<void> {
    const place = { path: section.path, line: section.line }
    const entry = this.#entry(await this.#locator.locate('delete', place), 'write', 'delete', place)
    if (entry.after === null) throw new PatchConflictError('delete', 'missing', place)
    entry.after = null
    entry.movedFrom = null
  }

  async #update(section: UpdateSection): Promise<void> {
    const place = { path: section.path, line: section.line }
    const link = await this.#locator.locate('update', place)
    const source = await this.#source(link, section.moveTo !== null, place)
    const file = await this.#content(source, place)
    const document = section.hunks.length === 0 ? file.document : edited(file.document, section, source, place)
    const changed = { ...file, document }
    if (section.moveTo === null) source.after = changed
    else await this.#move(link, source, changed, { path: section.moveTo, line: section.line })
  }

  /** The file that an update reads. Of a link that is moved away, only the link itself is going to be written. */
  async #source(link: Location, moves: boolean, place: Place): Promise<DraftEntry> {
    const known = this.entries.has(link.path)
    const target = known ? link : await this.#locator.follow(link, 'update', place)
    const wanted = moves && target.path !== link.path ? 'read' : 'write'
    return this.#entry(target, wanted, 'update', place)
  }

  async #content(entry: DraftEntry, place: Place): Promise<NewFile> {
    if (entry.after === null) throw new PatchConflictError('update', 'missing', place)
    if (entry.after !== 'untouched') return entry.after
    await this.#checkWritable(entry, place)
    const bytes = await this.readBefore(entry)
    if (bytes === null) {
      throw new PatchConflictError('update', entry.before?.status.kind === 'file' ? 'too-large' : 'not-a-file', place)
    }
    const base = readDocument(bytes)
    return { document: base, base, attributes: attributesOf(entry) }
  }

  async #move(link: Location, source: DraftEntry, file: NewFile, place: Place): Promise<void> {
    const removed = this.#entry(link, 'write', 'move', source.place)
    const goal = await this.#locator.locate('move to', place)
    if (goal.path === removed.location.path || goal.path === source.location.path) {
      this.#locator.allow(source.location, 'write', place)
      source.after = file
      return
    }
    const destination = await this.#destination('move to', place)
    destination.after = file
    destination.movedFrom = removed.movedFrom ?? removed
    removed.after = null
    removed.movedFrom = null
  }

  /** A place where a file is about to be: free, or a file that may be overwritten. */
  async #destination(act: string, place: Place): Promise<DraftEntry> {
    const link = await this.#locator.locate(act, place)
    const follows = this.#overwrite && !this.entries.has(link.path)
    const location = follows ? await this.#locator.follow(link, act, place) : link
    const entry = this.#entry(location, 'write', act, place)
    if (this.#newDirectories.has(location.path)) throw new PatchConflictError(act, 'directory', place)
    if (entry.after !== null) {
      if (!this.#overwrite) throw new PatchConflictError(act, 'exists', place)
      await this.#content(entry, place)
    }
    // A link that the patch deletes and replaces could not be brought back after a failure.
    if (entry.before?.status.kind === 'symlink') throw new PatchConflictError(act, 'not-a-file', place)
    for (const directory of location.missingDirectories) this.#newDirectories.add(directory)
    return entry
  }

  #entry(location: Location, wanted: 'read' | 'write', act: string, place: Place): DraftEntry {
    this.#locator.allow(location, wanted, place)
    const known = this.entries.get(location.path)
    if (known !== undefined) return known
    const { status } = location
    if (status?.kind === 'directory') throw new PatchConflictError(act, 'directory', place)
    if (status?.kind === 'other') throw new PatchConflictError(act, 'not-a-file', place)
    // A file that the patch adds cannot be a directory as well.
    if (location.missingDirectories.some(path => (this.entries.get(path)?.after ?? null) !== null)) {
      throw new PatchConflictError(act, 'not-a-directory', place)
    }
    const before = status === null ? null : { status, bytes: null }
    const after = status === null ? null : ('untouched' as const)
    const entry: DraftEntry = { location, place, before, after, movedFrom: null }
    this.entries.set(location.path, entry)
    return entry
  }

  /** Putting a new file in the place of an old one needs no right to write the old one; it is asked for all the same. */
  async #checkWritable(entry: DraftEntry, place: Place): Promise<void> {
    if (entry.before?.status.kind !== 'file') return
    const directory = await this.#directories.at(entry.location.directory)
    const writable = (entry.before.status.mode & 0o222) !== 0 && (await directory.writable(entry.location.name))
    if (!writable) throw new PatchConflictError('write', 'read-only', place)
  }
}

function edited(document: Document, section: UpdateSection, source: DraftEntry, place: Place): Document {
  const bytes = source.before?.bytes
  if (bytes != null && isUtf16(bytes)) throw new PatchConflictError('update', 'encoding', place)
  return editDocument(document, placeHunks(document, section))
}

function attributesOf(entry: DraftEntry): Attributes | null {
  if (entry.before?.status.kind !== 'file') return null
  const { mode, owner, group } = entry.before.status
  return { mode, owner, group }
}
