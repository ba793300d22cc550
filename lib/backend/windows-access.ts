/**
 * Changes access lists as a plan says, and takes the changes back (spec/windows F, K.3). Every change is written down before the
 * object is touched; whoever comes after a crash settles what was left. All of it under a mutex that every process of the user sees.
 *
 * Nothing here guesses: an object that is not where the plan says, a list that cannot be read or an entry that is not there after it
 * was set ends the launch.
 */
import { randomUUID } from 'node:crypto'

import { LaunchError } from '../errors.ts'
import type { OrFailure, WindowsBinding, WindowsFailure, WindowsObject } from '../native/windows-binding.ts'
import { nullDevice } from '../plan/windows/access-entries.ts'
import type { Ace } from '../plan/windows/acl-machine.ts'
import { type AclOperation, aclOperations, type SidOfRole } from '../plan/windows/acl-operations.ts'
import type { CapabilityRole } from '../plan/windows/capabilities.ts'
import { cleanupOrder, type JournalEntry, recoveryStep } from '../plan/windows/journal.ts'
import type { WindowsPlan } from '../plan/windows/plan.ts'
import { pathKey, type WindowsPath } from '../plan/windows/windows-path.ts'
import type { WindowsState } from './windows-state.ts'

export type AclBinding = Pick<
  WindowsBinding,
  | 'probe'
  | 'processStarted'
  | 'describeObject'
  | 'findObject'
  | 'readAcl'
  | 'setAce'
  | 'removeAce'
  | 'lockMutex'
  | 'unlockMutex'
>

export interface AccessMachine {
  readonly binding: AclBinding
  readonly state: WindowsState
  /** Names the mutex; the same for every process that uses the same state. */
  readonly mutex: string
  /** The group of the sandbox's accounts; null before a setup. */
  readonly groupSid: string | null
  /** Makes an empty directory, with those above it that are missing. */
  readonly makeDirectory: (path: WindowsPath) => void
}

/** What is in force for a plan. */
export interface AppliedAccess {
  readonly sidOf: SidOfRole
  /** Takes back what does not stay. To be called once, when nothing of the plan runs any more. */
  release(): Promise<void>
}

const mutexPatience = 10_000
/** Everyone, Authenticated Users, Users: what one of them reads, every account reads. */
const everybody = new Set(['S-1-1-0', 'S-1-5-11', 'S-1-5-32-545'])

export function accessFailure(message: string, path?: string, cause?: unknown): LaunchError {
  return new LaunchError(message, {
    stage: 'access-lists',
    ...(path === undefined ? {} : { path }),
    ...(cause === undefined ? {} : { cause }),
  })
}

function answered<Value>(result: OrFailure<Value>, act: string, path?: string): Value {
  if (typeof result === 'object' && result !== null && 'failure' in result) {
    const { call, win32 } = result.failure
    throw accessFailure(`cannot ${act}${path === undefined ? '' : ` ${path}`}: ${call} failed with ${win32}`, path)
  }
  return result
}

/** ERROR_ACCESS_DENIED: this process may not change the list of the null device. */
function isDenied(result: unknown): boolean {
  const failure = typeof result === 'object' && result !== null && 'failure' in result ? result.failure : null
  return (failure as WindowsFailure | null)?.win32 === 5
}

function isEntry(one: Ace, other: Ace): boolean {
  return one.type === other.type && one.sid === other.sid
}

function isEqual(one: Ace, other: Ace): boolean {
  return isEntry(one, other) && one.mask === other.mask && one.inherited === other.inherited
}

export class WindowsAccess {
  readonly #machine: AccessMachine

  constructor(machine: AccessMachine) {
    this.#machine = machine
  }

  /** Throws LaunchError (stage `access-lists`); what was changed until then is taken back. */
  async apply(plan: WindowsPlan): Promise<AppliedAccess> {
    return await this.#locked(async () => {
      const { state, groupSid } = this.#machine
      const { sids } = state.capabilities(
        plan.accessEntries
          .flatMap(({ roles }) => roles)
          .concat(plan.capabilities)
          .filter(isCapability),
      )
      const sidOf: SidOfRole = role => (role === 'group' ? ((groupSid ?? undefined) as never) : sids[role])
      const made: JournalEntry[] = []
      try {
        for (const operation of aclOperations(plan, sidOf)) {
          await this.#carryOut(operation, plan, made)
        }
      } catch (error) {
        // Nothing runs that could rest on them, so the lasting ones go too.
        const all = made.map(entry => ({ ...entry, persistent: false }))
        // What cannot be taken back is in the journal for whoever comes next; this error says why nothing runs.
        await this.#takeBack(all).catch(() => {})
        throw error
      }
      const passing = made.filter(({ persistent }) => !persistent)
      return { sidOf, release: () => this.#locked(() => this.#takeBack(passing)) }
    })
  }

  /** Takes off everything of ours that may be on the disk. Returns the paths of entries that could not be taken off. */
  async cleanup(): Promise<readonly string[]> {
    return await this.#locked(async () => {
      const { state, groupSid, binding } = this.#machine
      const left: string[] = []
      for (const entry of cleanupOrder(state.journal(), groupSid)) {
        const { id, path, file, volume, ace } = entry
        const place = this.#find(entry)
        const isOff =
          place === 'gone' ||
          (place !== 'unknown' &&
            (await binding.removeAce({ path: place, file, volume }, ace.type, ace.sid)) === undefined)
        if (isOff) state.note({ version: 1, id, state: 'revoked' })
        else left.push(place === 'unknown' ? path : place)
      }
      if (left.length === 0) state.emptyJournal()
      return left
    })
  }

  async #locked<Result>(act: () => Promise<Result>): Promise<Result> {
    const { binding, mutex } = this.#machine
    const locked = answered(await binding.lockMutex(mutex, mutexPatience), 'lock the access lists')
    if (locked.state === 'timeout') {
      throw accessFailure(`cannot lock the access lists: another process has held them for ${mutexPatience} ms`)
    }
    try {
      await this.#recover()
      return await act()
    } finally {
      binding.unlockMutex(locked.id)
    }
  }

  /** What processes left that are no more. */
  async #recover(): Promise<void> {
    const { state } = this.#machine
    const entries = state.journal()
    for (const entry of entries) {
      if (entry.state !== 'revoked' && !this.#isAlive(entry)) await this.#settle(entry, entries)
    }
    if (entries.length > 0 && state.journal().every(entry => entry.state === 'revoked')) state.emptyJournal()
  }

  async #takeBack(made: readonly JournalEntry[]): Promise<void> {
    for (const entry of [...made].reverse()) {
      // How far each came stands in the journal.
      const entries = this.#machine.state.journal()
      const state = entries.find(({ id }) => id === entry.id)?.state ?? entry.state
      await this.#settle({ ...entry, state }, entries)
    }
  }

  async #settle(entry: JournalEntry, entries: readonly JournalEntry[]): Promise<void> {
    const { binding, state } = this.#machine
    const { id, file, volume, ace, before } = entry
    const path = this.#find(entry)
    // Its volume may come back, and the entry with it.
    if (path === 'unknown') return
    const exists = path !== 'gone'
    const own = exists ? answered(binding.readAcl(path), 'read the access list of', path).own : []
    const sight = { exists, present: own.some(other => isEqual(other, ace)), ownerAlive: false }
    const others = entries
      .filter(other => other.id !== id)
      .map(other => ({ entry: other, ownerAlive: this.#isAlive(other) }))
    switch (recoveryStep(entry, sight, others)) {
      case 'leave':
        return
      case 'mark-applied':
        return state.note({ version: 1, id, state: 'applied' })
      case 'revoke': {
        const place = { path, file, volume }
        const done = await (before === null
          ? binding.removeAce(place, ace.type, ace.sid)
          : binding.setAce(place, before))
        // An entry that an administrator's run put there is one's to take off, and goes when the system starts anew.
        if (path === nullDevice && isDenied(done)) return
        answered(done, 'change the access list of', path)
        break
      }
      case 'mark-revoked':
        break
    }
    state.note({ version: 1, id, state: 'revoked' })
  }

  /**
   * Where the object of an entry is now, by its number: something that was moved took its entries along. `gone`: nowhere.
   * `unknown`: its volume is not there, or cannot be asked.
   */
  #find({ path, file, volume }: JournalEntry): WindowsPath | 'gone' | 'unknown' {
    const { binding } = this.#machine
    const isIt = (object: WindowsObject) => object.file === file && object.volume === volume
    const there = binding.describeObject(path)
    if (!('failure' in there) && isIt(there)) return path as WindowsPath
    const found = binding.findObject(path, file, volume)
    if (found === null) return 'gone'
    return 'failure' in found || !isIt(found) ? 'unknown' : (found.finalPath as WindowsPath)
  }

  #isAlive({ owner }: JournalEntry): boolean {
    return answered(this.#machine.binding.processStarted(owner.pid), 'look at a process') === owner.started
  }

  /** `made`: gets the entry before the object is touched. */
  async #carryOut(operation: AclOperation, plan: WindowsPlan, made: JournalEntry[]): Promise<void> {
    if (operation.kind === 'make-directory') return this.#machine.makeDirectory(operation.path)
    const { path, ace, onlyWhenUnreadable, whenPermitted } = operation
    const { binding, state } = this.#machine
    const seen = binding.describeObject(path)
    if (whenPermitted && isDenied(seen)) return
    const object = answered(seen, 'look at', path)
    if (pathKey(object.finalPath) !== pathKey(path)) {
      throw accessFailure(`cannot change the access list of ${path}: it leads to ${object.finalPath}`, path)
    }
    if (!object.hasAcls && plan.limits.some(({ code }) => code === 'no-acl-volume')) return
    if (ace.type === 'allow' && object.reparseTag !== 0) {
      throw accessFailure(`cannot open ${path}: it is a link, and what it names may change`, path)
    }
    const read = binding.readAcl(path)
    if (whenPermitted && isDenied(read)) return
    const list = answered(read, 'read the access list of', path)
    // Everybody may write there: nothing is left to open.
    if (list.missing && whenPermitted) return
    if (list.missing)
      throw accessFailure(`cannot change the access list of ${path}: it has none, so everybody may do everything`, path)
    if (onlyWhenUnreadable && list.readers.some(sid => everybody.has(sid))) return
    const before = list.own.find(other => isEntry(other, ace)) ?? null
    const persistent = plan.persistAcl && !whenPermitted && operation.ace.sid !== this.#machine.groupSid
    const isThere = before !== null && isEqual(before, ace)
    if (isThere && persistent && this.#isJournaled(object, ace)) return
    const { pid, started } = this.#own()
    const entry: JournalEntry = {
      id: randomUUID(),
      path,
      file: object.file,
      volume: object.volume,
      ace,
      before: isThere ? null : before,
      persistent,
      owner: { pid, started },
      state: 'planned',
    }
    state.note({ version: 1, ...entry, state: 'planned' })
    made.push(entry)
    if (!isThere) {
      const { file, volume } = object
      const done = await binding.setAce({ path, file, volume }, ace)
      if (whenPermitted && isDenied(done)) return state.note({ version: 1, id: entry.id, state: 'revoked' })
      answered(done, 'change the access list of', path)
      const after = answered(binding.readAcl(path), 'read the access list of', path)
      if (!after.own.some(other => isEqual(other, ace))) {
        throw accessFailure(`cannot change the access list of ${path}: the entry is not there after it was set`, path)
      }
    }
    state.note({ version: 1, id: entry.id, state: 'applied' })
  }

  /** Who owns what is written into the journal. Without it an entry would look like one of a process that has ended. */
  #own() {
    const { pid, started } = answered(this.#machine.binding.probe(), 'look at this process')
    return { pid, started }
  }

  #isJournaled(object: WindowsObject, ace: Ace): boolean {
    return this.#machine.state
      .journal()
      .some(
        entry =>
          entry.state === 'applied' &&
          entry.file === object.file &&
          entry.volume === object.volume &&
          isEqual(entry.ace, ace),
      )
  }
}

function isCapability(role: string): role is CapabilityRole {
  return role !== 'group'
}
