/**
 * The files in which the sandbox keeps its state on Windows (spec/windows H.1, K.3): the store of capabilities and the journal of
 * changes to access lists. They lie where no command may write.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'

import { LaunchError } from '../errors.ts'
import {
  type CapabilityRole,
  type CapabilityStore,
  emptyCapabilityStore,
  readCapabilityStore,
  withRoles,
} from '../plan/windows/capabilities.ts'
import { type JournalEntry, type JournalLine, journalLine, readJournal } from '../plan/windows/journal.ts'

/** Throws LaunchError (stage `access-lists`) wherever the state cannot be read or written: nothing may run then. */
export class WindowsState {
  readonly #folder: string

  /** `folder`: `<state directory>\.sandbox`. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** The store with an identifier for each role, on the disk before anybody uses it. */
  capabilities(roles: readonly CapabilityRole[]): CapabilityStore {
    const before = this.#read('capabilities.json')
    const store = before === null ? emptyCapabilityStore : readCapabilityStore(before)
    if (store === null) throw this.#damaged('capabilities.json', 'it is no store of capabilities')
    const after = withRoles(store, roles, () => randomBytes(16))
    if (Object.keys(after.sids).length > Object.keys(store.sids).length) {
      this.#replace('capabilities.json', JSON.stringify(after))
    }
    return after
  }

  journal(): readonly JournalEntry[] {
    const read = readJournal(this.#read('acl-journal.jsonl') ?? '')
    if ('flaw' in read) throw this.#damaged('acl-journal.jsonl', read.flaw)
    return read.entries
  }

  /** On the disk when this returns. */
  note(line: JournalLine): void {
    this.#write('acl-journal.jsonl', 'a', journalLine(line))
  }

  /** To be called when every entry is revoked. */
  emptyJournal(): void {
    if ((this.#read('acl-journal.jsonl') ?? '') !== '') this.#replace('acl-journal.jsonl', '')
  }

  #read(name: string): string | null {
    try {
      return readFileSync(path.join(this.#folder, name), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw this.#failed('read', name, error)
    }
  }

  #replace(name: string, text: string): void {
    const temporary = `${name}.${randomBytes(6).toString('hex')}`
    this.#write(temporary, 'wx', text)
    try {
      renameSync(path.join(this.#folder, temporary), path.join(this.#folder, name))
    } catch (error) {
      throw this.#failed('replace', name, error)
    }
  }

  #write(name: string, flags: 'a' | 'wx', text: string): void {
    try {
      mkdirSync(this.#folder, { recursive: true })
      const fd = openSync(path.join(this.#folder, name), flags, 0o600)
      try {
        const bytes = Buffer.from(text)
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    } catch (error) {
      throw this.#failed('write', name, error)
    }
  }

  #failed(act: string, name: string, cause: unknown): LaunchError {
    const file = path.join(this.#folder, name)
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    return new LaunchError(`cannot ${act} ${file}: ${code}`, {
      stage: 'access-lists',
      path: file,
      errnoName: code,
      cause,
    })
  }

  #damaged(name: string, why: string): LaunchError {
    const file = path.join(this.#folder, name)
    const hint =
      'Nothing was changed. Hint: what it told of entries on access lists is lost where it cannot be read; ' +
      'take away what cannot be read, and look for the entries with icacls'
    return new LaunchError(`cannot use ${file}: ${why}. ${hint}`, { stage: 'access-lists', path: file })
  }
}
