/** What denying patterns stand for now: the search that the policy layer asks for, on Windows files (spec/windows I.1). */
import { enterPath, type GlobCursor } from '../../policy/glob.ts'
import type { GlobFindings, GlobMatch, GlobPlace, GlobQuestion, GlobSearch } from '../../policy/glob-snapshot.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import { type Places, policyChild } from './places.ts'

/** As many as on Linux: every match costs a change of an access list. */
const MOST_MATCHES = 8192

interface Level {
  readonly path: AbsolutePath
  readonly cursor: GlobCursor
  readonly depth: number
}

/** Walks level by level. A link is a match by its name, and is not walked through: its target has a name of its own. */
function search(
  place: GlobPlace,
  maxDepth: number | null,
  places: Places,
  found: Map<AbsolutePath, GlobMatch>,
): boolean {
  const start = places.paths.canonical(place.path)
  const waiting: Level[] = [{ path: start, cursor: enterPath(place.cursor, place.path), depth: 0 }]
  for (let level = waiting.pop(); level !== undefined; level = waiting.pop()) {
    const { path, cursor, depth } = level
    if (places.view.kindOf(path) !== 'directory' || (maxDepth !== null && depth >= maxDepth)) continue
    const names = places.files.list(places.spell(path))
    if (names === null) return false
    for (const name of names) {
      const child = policyChild(path, name)
      const next = cursor.enter(child.slice(child.lastIndexOf('/') + 1))
      if (next.matched !== null) found.set(child, { path: child, index: next.matched })
      if (next.open) waiting.push({ path: child, cursor: next, depth: depth + 1 })
    }
  }
  return true
}

export function windowsGlobSearch(places: Places): GlobSearch {
  return {
    find({ places: starts, maxDepth }: GlobQuestion): GlobFindings {
      const found = new Map<AbsolutePath, GlobMatch>()
      for (const start of starts) {
        if (!search(start, maxDepth, places, found)) {
          const hint = 'name the directories that can be looked into'
          return { kind: 'refused', reason: 'a directory in its way cannot be listed', hint }
        }
        if (found.size <= MOST_MATCHES) continue
        return { kind: 'refused', reason: `it matches more than ${MOST_MATCHES} names`, hint: 'narrow it' }
      }
      return { kind: 'found', matches: [...found.values()] }
    },
  }
}
