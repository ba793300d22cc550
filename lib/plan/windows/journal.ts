/**
 * The journal of changes to access lists (spec/windows K.3): written before an object is touched, so that whoever comes after a crash
 * can settle every change. Lines of JSON; the states of an entry are
 *
 *     planned ──▶ applied ──▶ revoked          `planned` is on the disk before the list is changed,
 *        └──────────────────────▲              `applied` and `revoked` after.
 */
import type { Ace } from './acl-machine.ts'
import { isCapabilitySid } from './capabilities.ts'

export type JournalState = 'planned' | 'applied' | 'revoked'

/** Which process made the entry. A number alone is given again to other processes. */
export interface JournalOwner {
  readonly pid: number
  /** FILETIME as decimal text. */
  readonly started: string
}

export interface JournalEntry {
  readonly id: string
  /** For people; the object is found by its number. */
  readonly path: string
  /** 128-bit file identifier and volume serial number, as hexadecimal text. */
  readonly file: string
  readonly volume: string
  readonly ace: Ace
  /** The entry that was replaced. */
  readonly before: Ace | null
  /** Grants of writing stay when the command has ended. */
  readonly persistent: boolean
  readonly owner: JournalOwner
  readonly state: JournalState
}

export type JournalLine =
  | ({ readonly version: 1 } & Omit<JournalEntry, 'state'> & { readonly state: 'planned' })
  | { readonly version: 1; readonly id: string; readonly state: 'applied' | 'revoked' }

/** One line, with its end. */
export function journalLine(line: JournalLine): string {
  return `${JSON.stringify(line)}\n`
}

export type ReadJournal = { readonly entries: readonly JournalEntry[] } | { readonly flaw: string }

const next: Readonly<Record<JournalState, readonly JournalState[]>> = {
  planned: ['applied', 'revoked'],
  applied: ['revoked'],
  revoked: [],
}

type Members = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAce(value: unknown): value is Ace {
  if (!isObject(value) || typeof value['sid'] !== 'string') return false
  const { type, mask, inherited } = value
  return (type === 'allow' || type === 'deny') && Number.isInteger(mask) && typeof inherited === 'boolean'
}

function isOwner(value: unknown): value is JournalOwner {
  return isObject(value) && Number.isInteger(value['pid']) && typeof value['started'] === 'string'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function plannedOf(line: Members): JournalEntry | null {
  const { id, path, file, volume, ace, before, persistent, owner } = line
  if (!isText(id) || !isText(path) || !isText(file) || !isText(volume) || typeof persistent !== 'boolean') return null
  if (!isAce(ace) || !isCapabilitySid(ace.sid) || !isOwner(owner)) return null
  // What comes back when the entry goes is what it replaced, and never an entry for somebody else.
  if (before !== null && !(isAce(before) && before.sid === ace.sid && before.type === ace.type)) return null
  return { id, path, file, volume, ace, before, persistent, owner, state: 'planned' }
}

function readLine(text: string): Members | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && value['version'] === 1 ? value : null
  } catch {
    return null
  }
}

function takeLine(line: Members, entries: Map<string, JournalEntry>): string | null {
  const { id, state } = line
  if (state === 'planned') {
    const entry = plannedOf(line)
    if (entry === null || entries.has(entry.id)) return 'it plans nothing that can be read'
    entries.set(entry.id, entry)
    return null
  }
  const entry = typeof id === 'string' ? entries.get(id) : undefined
  if (entry === undefined || !(state === 'applied' || state === 'revoked')) return 'it is about no entry'
  if (!next[entry.state].includes(state)) return `an entry that is ${entry.state} cannot become ${state}`
  entries.set(entry.id, { ...entry, state })
  return null
}

/**
 * Reads a journal. A last line without an end was being written when the process went away, and nothing was done by it. Any other
 * line that cannot be read is a flaw: an entry might be on the disk that nobody knows of.
 */
export function readJournal(text: string): ReadJournal {
  const lines = text.split('\n')
  lines.pop()
  const entries = new Map<string, JournalEntry>()
  for (const [index, given] of lines.entries()) {
    const line = readLine(given)
    const flaw = line === null ? 'it is no record' : takeLine(line, entries)
    if (flaw !== null) return { flaw: `line ${index + 1}: ${flaw}` }
  }
  return { entries: [...entries.values()] }
}

/** What stands at an entry's object now. */
export interface JournalSight {
  /** Found by its number, wherever it was moved to. */
  readonly exists: boolean
  /** The object has the entry as it was planned. */
  readonly present: boolean
  /** The process that made it still runs. */
  readonly ownerAlive: boolean
}

export type RecoveryStep =
  /** Somebody is at it, or nothing is left to do. */
  | 'leave'
  | 'mark-applied'
  | 'mark-revoked'
  /** Take the entry off the object, then mark it. */
  | 'revoke'

/**
 * `others`: entries of the journal but this one. Every run writes its own, also for what stands on the object already: the last one
 * that shares it takes it off.
 */
export function recoveryStep(
  entry: JournalEntry,
  sight: JournalSight,
  others: readonly { readonly entry: JournalEntry; readonly ownerAlive: boolean }[] = [],
): RecoveryStep {
  if (entry.state === 'revoked' || sight.ownerAlive) return 'leave'
  if (!sight.exists || !sight.present) return 'mark-revoked'
  if (entry.persistent) return entry.state === 'planned' ? 'mark-applied' : 'leave'
  const isUsed = others.some(
    other => other.ownerAlive && other.entry.state !== 'revoked' && isShared(entry, other.entry),
  )
  return isUsed ? 'mark-revoked' : 'revoke'
}

function isShared(one: JournalEntry, other: JournalEntry): boolean {
  const sameObject = one.file === other.file && one.volume === other.volume
  return sameObject && one.ace.sid === other.ace.sid && one.ace.type === other.ace.type
}

/** What `cleanup` takes off: everything of ours that may be on the disk, newest first. */
export function cleanupOrder(entries: readonly JournalEntry[], groupSid: string | null): JournalEntry[] {
  const ours = (sid: string) => isCapabilitySid(sid) || sid === groupSid
  return entries.filter(({ state, ace }) => state !== 'revoked' && ours(ace.sid)).reverse()
}
