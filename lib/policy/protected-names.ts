/** The names that June keeps a command from writing to at the top of what it may write to (spec L6-7). */
import type { AccessIndex } from './access.ts'
import { type AbsolutePath, childOf, contains, relativeTo } from './path.ts'
import { PROTECTED_NAMES, type ProtectedName } from './protections.ts'

interface ProtectedPlace {
  readonly name: ProtectedName
  readonly path: AbsolutePath
}

/** The protected place that a path is in or at. When several entries make one, the first in the list does. */
function placeOf(path: AbsolutePath, { writesAbove }: AccessIndex): ProtectedPlace | null {
  let first: { readonly index: number; readonly place: ProtectedPlace } | null = null
  for (const entry of writesAbove(path)) {
    if (first !== null && first.index < entry.index) continue
    const [component] = relativeTo(entry.path, path).split('/', 1)
    const name = PROTECTED_NAMES.find(item => item === component)
    if (name !== undefined) first = { index: entry.index, place: { name, path: childOf(entry.path, name) } }
  }
  return first?.place ?? null
}

/**
 * The protected name that keeps a path from being written to although its access may be `write`; null when none does. A `write`
 * entry for the protected place itself, or below it on the way to the path, lifts that.
 */
export function protectedNameAt(path: AbsolutePath, access: AccessIndex): ProtectedName | null {
  const place = placeOf(path, access)
  if (place === null) return null
  for (const entry of access.writesAbove(path)) if (contains(place.path, entry.path)) return null
  return place.name
}
