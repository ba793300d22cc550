/**
 * Looks on the disk for what denying patterns stand for, by reading directories, whatever ignore files say and hidden or not.
 * Directories are remembered by their times, so that a second look costs one system call for each.
 *
 * Links to directories are not entered. A link that matches is a match, so that what it leads to gets closed; that stays so when
 * the link goes, because a command that may remove it must not open its target for the next command (spec/linux hole 15).
 */
import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import type { GlobCursor } from '../policy/glob.ts'
import type { GlobFindings, GlobMatch, GlobPlace, GlobQuestion, GlobSearch } from '../policy/glob-snapshot.ts'
import type { AbsolutePath } from '../policy/path.ts'
import { isMarked, isPlaceholder } from './placeholder-mark.ts'

export interface GlobLimits {
  /** How many names are looked at. */
  readonly names: number
  /** How many may match: each is a mount of its own. */
  readonly matches: number
}

const LIMITS: GlobLimits = { names: 500_000, matches: 8192 }

export interface RememberingGlobSearch extends GlobSearch {
  /** False when looking again could find something else. */
  unchanged(): boolean
}

type Kind = 'directory' | 'link' | 'other'

interface Entry {
  readonly name: string
  readonly kind: Kind
}

interface Listing {
  readonly stamp: string
  /** The directory was not changed for a while, so that the next change gives it another time. */
  readonly settled: boolean
  /** Null when the directory cannot be read. */
  readonly entries: readonly Entry[] | null
}

/** Longer than the coarsest clock of a file system ticks. */
const SETTLED_AFTER_MS = 2500

class TooMuch extends Error {
  readonly hint: string

  constructor(reason: string, hint: string) {
    super(reason)
    this.hint = hint
  }
}

function stampOf({ dev, ino, mode, mtimeMs, ctimeMs }: Stats): string {
  return `${dev}:${ino}:${mode}:${mtimeMs}:${ctimeMs}`
}

function statsOf(path: string, look: (path: string) => Stats): Stats | null {
  try {
    return look(path)
  } catch {
    return null
  }
}

function readEntries(path: string): Entry[] | null {
  try {
    return readdirSync(path, { withFileTypes: true }).map(found => ({
      name: found.name,
      kind: found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'link' : 'other',
    }))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Gone since it was looked at, or replaced by something that is no directory.
    return code === 'ENOENT' || code === 'ENOTDIR' ? [] : null
  }
}

function listingOf(path: string, stats: Stats): Listing {
  const settled = Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs) > SETTLED_AFTER_MS
  return { stamp: stampOf(stats), settled, entries: readEntries(path) }
}

function sameEntries(one: Listing['entries'], other: Listing['entries']): boolean {
  if (one === null || other === null) return one === other
  const kinds = new Map(one.map(entry => [entry.name, entry.kind]))
  return one.length === other.length && other.every(({ name, kind }) => kinds.get(name) === kind)
}

/** The directories that were read, until they change. */
class Listings {
  readonly #known = new Map<string, Listing>()
  #used = new Set<string>()

  /** What is in a directory; null when that cannot be read. */
  entriesOf(path: string, stats: Stats): readonly Entry[] | null {
    const known = this.#known.get(path)
    this.#used.add(path)
    if (known?.settled === true && known.stamp === stampOf(stats)) return known.entries
    const listing = listingOf(path, stats)
    this.#known.set(path, listing)
    return listing.entries
  }

  /** Forgets what was not asked for since the last time. */
  begin(): void {
    for (const path of this.#known.keys()) if (!this.#used.has(path)) this.#known.delete(path)
    this.#used = new Set()
  }

  /** Whether every directory still has what it had. */
  unchanged(): boolean {
    for (const path of this.#used) {
      const known = this.#known.get(path)
      const stats = statsOf(path, statSync)
      if (known === undefined || stats === null) return false
      if (known.settled && known.stamp === stampOf(stats)) continue
      const now = listingOf(path, stats)
      if (!sameEntries(known.entries, now.entries)) return false
      this.#known.set(path, now)
    }
    return true
  }
}

/** Inside a sandbox both are its own, and hold no file of the host. */
function isPrivate(path: string): boolean {
  return /^\/(dev|proc)(\/|$)/.test(path)
}

function realPathOf(path: string): AbsolutePath | null {
  try {
    return realpathSync.native(path) as AbsolutePath
  } catch {
    return null
  }
}

/** One look. */
class Walk {
  readonly matches: GlobMatch[] = []
  readonly missing: string[] = []
  readonly #listings: Listings
  readonly #limits: GlobLimits
  #names = 0

  constructor(listings: Listings, limits: GlobLimits) {
    this.#listings = listings
    this.#limits = limits
  }

  /** The place itself may be reached through links. */
  look({ path, cursor }: GlobPlace, maxDepth: number): void {
    const stats = statsOf(path, statSync)
    if (stats === null) this.missing.push(path)
    if (stats?.isDirectory() !== true) return
    let at = cursor
    for (const name of path.split('/')) if (name !== '') at = at.enter(name)
    this.#directory(path, stats, at, maxDepth)
  }

  #directory(path: AbsolutePath, stats: Stats, cursor: GlobCursor, levels: number): void {
    const waiting = [{ path, stats, cursor, levels }]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { path: directory, cursor: at, levels: left } = next
      if (left === 0) continue
      const entries = this.#listings.entriesOf(directory, next.stats)
      // What cannot be read may hold a match, and its owner may make it readable: it is closed as a whole.
      if (entries === null) this.#add(directory, at.matched ?? at.firstOpen)
      for (const { name, kind } of entries ?? []) {
        this.#count()
        const below = at.enter(name)
        if (below.matched === null && (!below.open || kind !== 'directory')) continue
        const path = `${directory}/${name}` as AbsolutePath
        const found = this.#statsOf(path, directory)
        if (found === null || (found.isDirectory() && isMarked(found) && isPlaceholder(path, found))) continue
        if (below.matched !== null) this.#add(path, below.matched)
        else if (found.isDirectory()) waiting.push({ path, stats: found, cursor: below, levels: left - 1 })
      }
    }
  }

  #statsOf(path: AbsolutePath, directory: string): Stats | null {
    const found = statsOf(path, lstatSync)
    // Node puts this character for bytes that are no text: such a name cannot be asked for, nor closed.
    if (found === null && path.includes('\ufffd')) {
      throw new TooMuch(`${directory} holds a name that is not UTF-8 and may match`, 'rename it')
    }
    return found
  }

  #add(path: AbsolutePath, index: number): void {
    this.matches.push({ path, index })
    if (this.matches.length <= this.#limits.matches) return
    throw new TooMuch(`it matches more than ${this.#limits.matches} places`, 'deny the directory that holds them')
  }

  #count(): void {
    if (++this.#names <= this.#limits.names) return
    const hint = 'begin it with a deeper directory, or set glob_scan_max_depth'
    throw new TooMuch(`more than ${this.#limits.names} names would have to be looked at`, hint)
  }
}

class Search implements RememberingGlobSearch {
  readonly #listings = new Listings()
  readonly #limits: GlobLimits
  /** What matching links led to, and the entry that they matched. */
  readonly #targets = new Map<AbsolutePath, number>()
  /** Where the matching links of the last look led. */
  #links = new Map<AbsolutePath, AbsolutePath | null>()
  #missing: readonly string[] = []

  constructor(limits: GlobLimits) {
    this.#limits = limits
  }

  find({ places, maxDepth }: GlobQuestion): GlobFindings {
    this.#listings.begin()
    const walk = new Walk(this.#listings, this.#limits)
    try {
      for (const place of places) walk.look(place, maxDepth ?? Number.POSITIVE_INFINITY)
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error
      return { kind: 'refused', reason: error.message, hint: error.hint }
    }
    this.#missing = walk.missing
    return { kind: 'found', matches: [...this.#withoutIdleLinks(walk.matches), ...this.#remembered()] }
  }

  unchanged(): boolean {
    const stillMissing = this.#missing.every(path => statsOf(path, statSync) === null)
    const stillLead = [...this.#links].every(([link, target]) => realPathOf(link) === target)
    return stillMissing && stillLead && this.#listings.unchanged()
  }

  /** Leaves out links that lead to nothing of the host, and keeps in mind where the others lead. */
  #withoutIdleLinks(matches: readonly GlobMatch[]): GlobMatch[] {
    this.#links = new Map()
    return matches.filter(({ path, index }) => {
      if (statsOf(path, lstatSync)?.isSymbolicLink() !== true) return true
      const target = realPathOf(path)
      this.#links.set(path, target)
      if (target === null || isPrivate(target)) return false
      this.#targets.set(target, index)
      return true
    })
  }

  #remembered(): GlobMatch[] {
    return [...this.#targets].flatMap(([path, index]) => (statsOf(path, lstatSync) === null ? [] : [{ path, index }]))
  }
}

/** For one policy: what it remembers belongs to that policy's patterns. */
export function globSearch(limits: GlobLimits = LIMITS): RememberingGlobSearch {
  return new Search(limits)
}
