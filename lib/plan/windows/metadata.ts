/**
 * The git metadata and the agents' configuration of a writable root (spec/windows D): what stands there, as file or directory, and
 * where a git pointer file leads. What is missing cannot carry an access list.
 */
import { type AbsolutePath, baseNameOf, childOf, contains, parentOf } from '../../policy/path.ts'
import { PROTECTED_NAMES } from '../../policy/protections.ts'
import { type Places, policyChild, policyPathOf } from './places.ts'
import { windowsPathFrom } from './policy-input.ts'
import { windowsPathOrNull } from './windows-path.ts'

// The size up to which git itself reads a pointer file.
const POINTER_LIMIT = 1 << 20

export interface Metadata {
  /** Canonical places that stay read-only. */
  readonly closed: readonly AbsolutePath[]
  /** Names that lead to them from inside the root: whoever replaces one replaces what is trusted. */
  readonly links: readonly AbsolutePath[]
  /** Protected names that nothing has. */
  readonly missing: readonly AbsolutePath[]
}

/** The place that a one-line file names, when something is there. */
function pointed(file: AbsolutePath, prefix: RegExp, places: Places): AbsolutePath | null {
  const text = places.view.readText(file, POINTER_LIMIT)
  const value = text === null ? undefined : prefix.exec(text)?.[1]
  if (value === undefined) return null
  const target = windowsPathOrNull(value) ?? windowsPathFrom(places.spell(parentOf(file)), value)
  if (target === null) return null
  const path = places.paths.locate(policyPathOf(target))
  return path.exists ? path.path : null
}

function gitDirectories(pointer: AbsolutePath, places: Places): AbsolutePath[] {
  const directory = pointed(pointer, /^gitdir: *([^\r\n]+)/, places)
  if (directory === null) return []
  const common = pointed(childOf(directory, 'commondir'), /^([^\r\n]+)/, places)
  return common === null ? [directory] : [directory, common]
}

/** `named`: places that entries speak of, which decide there by themselves. */
export function metadataOf(root: AbsolutePath, named: ReadonlySet<AbsolutePath>, places: Places): Metadata {
  const { view, paths } = places
  const closed: AbsolutePath[] = []
  const links: AbsolutePath[] = []
  const missing: AbsolutePath[] = []
  for (const name of PROTECTED_NAMES) {
    const path = policyChild(root, name)
    if (named.has(path)) continue
    const kind = view.kindOf(path)
    if (kind === 'missing') {
      missing.push(path)
      continue
    }
    const target = paths.canonical(path)
    if (target !== path) links.push(path)
    closed.push(target)
    if (name === '.git' && view.targetKindOf(path) === 'file') closed.push(...gitDirectories(target, places))
  }
  return { closed: closed.filter(path => !named.has(path)), links, missing: insideMetadata(root) ? [] : missing }
}

/** A root that is such a place itself, or in one, has no metadata of its own. */
function insideMetadata(root: AbsolutePath): boolean {
  for (let place = root; place !== parentOf(place); place = parentOf(place)) {
    if ((PROTECTED_NAMES as readonly string[]).includes(baseNameOf(place))) return true
  }
  return false
}

/** The directories between a root and a place below it, which would take the place along when they are renamed. */
export function between(root: AbsolutePath, path: AbsolutePath): AbsolutePath[] {
  const list: AbsolutePath[] = []
  for (let place = parentOf(path); place !== root && contains(root, place); place = parentOf(place)) list.push(place)
  return list
}
