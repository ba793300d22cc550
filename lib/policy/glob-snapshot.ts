/**
 * What the denying patterns of a policy stand for on the disk as it is (spec L6-5, L6-6): each match is a `none` entry of its own
 * for the rules. A snapshot: what appears later is not in it, so whoever enforces it has to say so.
 */
import type { ResolvedEntry } from './access.ts'
import { compileGlob, fixedPlaces, type Glob, type GlobCursor, globCursor } from './glob.ts'
import { resolveGlob } from './glob-place.ts'
import { type AbsolutePath, ROOT } from './path.ts'
import type { FileSystemSandboxPolicy } from './policy.ts'
import type { Surroundings } from './types.ts'

/** A place to look in: `path` and what is below it, as far as the cursor, which stands at the root, has hope. */
export interface GlobPlace {
  readonly path: AbsolutePath
  readonly cursor: GlobCursor
}

export interface GlobQuestion {
  readonly places: readonly GlobPlace[]
  /** How many levels below a place are looked at; null: all. */
  readonly maxDepth: number | null
}

export interface GlobMatch {
  readonly path: AbsolutePath
  /** The entry that it is a match of. */
  readonly index: number
}

export type GlobFindings =
  | { readonly kind: 'found'; readonly matches: readonly GlobMatch[] }
  /** Not everything could be looked at. */
  | { readonly kind: 'refused'; readonly reason: string; readonly hint: string }

/** Looks at the disk for what patterns stand for. The real one is `host/glob-search.ts`. Never throws. */
export interface GlobSearch {
  find(question: GlobQuestion): GlobFindings
}

/** What became of the denying patterns of a policy; null when it has none. */
export type GlobSnapshot =
  | { readonly kind: 'snapshot'; readonly matches: readonly AbsolutePath[] }
  /** Whoever enforces the policy must refuse it, because of the entry at `index`. */
  | { readonly kind: 'refused'; readonly index: number; readonly reason: string; readonly hint?: string }
  | null

export interface ExpandedGlobs {
  readonly snapshot: GlobSnapshot
  readonly entries: readonly ResolvedEntry[]
}

const NONE: ExpandedGlobs = { snapshot: null, entries: [] }

function refused(index: number, reason: string, hint?: string): ExpandedGlobs {
  const snapshot = hint === undefined ? { index, reason } : { index, reason, hint }
  return { snapshot: { kind: 'refused', ...snapshot }, entries: [] }
}

/** Patterns that begin in the same directory are looked for together. */
function placesOf(globs: readonly Glob[]): GlobPlace[] {
  const byPath = new Map<AbsolutePath, Set<Glob>>()
  for (const glob of globs) {
    for (const { path, whole } of fixedPlaces(glob)) {
      if (whole) continue
      const known = byPath.get(path)
      if (known === undefined) byPath.set(path, new Set([glob]))
      else known.add(glob)
    }
  }
  return [...byPath].map(([path, found]) => ({ path, cursor: globCursor([...found]) }))
}

/** A choice without signs names one path, and closes it whether anything stands there or not. */
function wholePaths(globs: readonly Glob[]): GlobMatch[] {
  return globs.flatMap(glob =>
    fixedPlaces(glob).flatMap(({ path, whole }) => (whole ? [{ path, index: glob.index }] : [])),
  )
}

function entriesOf(matches: readonly GlobMatch[]): ResolvedEntry[] {
  const byPath = new Map<AbsolutePath, number>()
  for (const { path, index } of matches) byPath.set(path, Math.min(index, byPath.get(path) ?? index))
  return [...byPath].map(([path, index]) => ({ path, index, access: 'none' }))
}

/** Looks for what the policy's patterns deny. */
export function expandGlobs(policy: FileSystemSandboxPolicy, surroundings: Surroundings): ExpandedGlobs {
  if (policy.kind !== 'restricted' || !policy.entries.some(({ path }) => path.type === 'glob_pattern')) return NONE
  const globs: Glob[] = []
  for (const [index, { path, access }] of policy.entries.entries()) {
    if (path.type !== 'glob_pattern' || access !== 'none') continue
    const glob = compileGlob(resolveGlob(path.pattern, surroundings), index)
    if (glob === null) return refused(index, 'it cannot be read', 'close its braces, classes and escapes')
    const isUnbounded = fixedPlaces(glob).some(place => place.path === ROOT)
    if (isUnbounded) return refused(index, 'it is about the whole disk', 'begin it with a directory')
    globs.push(glob)
  }
  const first = globs[0]
  if (first === undefined) return NONE
  const search = surroundings.globs
  if (search === undefined) return refused(first.index, 'nothing here looks at the disk for what it matches')
  const findings = search.find({ places: placesOf(globs), maxDepth: policy.glob_scan_max_depth ?? null })
  if (findings.kind === 'refused') return refused(first.index, findings.reason, findings.hint)
  const entries = entriesOf([...wholePaths(globs), ...findings.matches])
  return { snapshot: { kind: 'snapshot', matches: entries.map(entry => entry.path) }, entries }
}
