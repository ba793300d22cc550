/**
 * From rules to the places whose access lists change: writable roots, what stays closed in them, and what has to be pinned or made
 * so that it can carry a denial (spec/windows D, F, I).
 */
import { type AbsolutePath, contains, ROOT } from '../../policy/path.ts'
import type { AccessRule } from '../../policy/types.ts'
import { isCredential, isProtectedName, openChildren, type Profile } from './credential-directories.ts'
import type { WindowsEntries } from './entries.ts'
import { between, metadataOf } from './metadata.ts'
import { type Places, policyChild, windowsPathOf } from './places.ts'
import { type WindowsRefusal, windowsRefusal } from './refusals.ts'
import { isAnchor } from './windows-path.ts'

export interface RootSurroundings {
  readonly places: Places
  readonly profile: Profile | null
  /** Canonical. */
  readonly stateDirectory: AbsolutePath
  /** Canonical. */
  readonly systemRoot: AbsolutePath
}

export interface WritableParts {
  readonly roots: readonly AbsolutePath[]
  readonly denyWrite: readonly AbsolutePath[]
  readonly denyRead: readonly AbsolutePath[]
  /** Of the denied places those that are missing. */
  readonly materialize: readonly AbsolutePath[]
  /** What may not be renamed or replaced: directories and links on the way to a denied place. */
  readonly pins: readonly AbsolutePath[]
  /** Protected names that nothing has, so that nothing can carry a denial. */
  readonly missingMetadata: readonly AbsolutePath[]
  /** Roots that the policy has and the plan leaves out. */
  readonly dropped: readonly { readonly path: AbsolutePath; readonly reason: string }[]
}

const stateChildren = ['.sandbox', '.sandbox-bin', '.sandbox-secrets']

function isAnchorPlace(path: AbsolutePath): boolean {
  const plain = windowsPathOf(path)
  return plain === null || isAnchor(plain)
}

/** A volume, the system, or everything that holds the profiles. */
export function isTooBroad(path: AbsolutePath, { systemRoot, profile }: RootSurroundings): boolean {
  if (isAnchorPlace(path) || contains(systemRoot, path) || contains(path, systemRoot)) return true
  return profile !== null && path !== profile.path && contains(path, profile.path)
}

/** The state directory itself, and the three directories in it that hold what the sandbox rests on. */
function isState(path: AbsolutePath, stateDirectory: AbsolutePath): boolean {
  if (path === stateDirectory) return true
  return stateChildren.some(name => contains(policyChild(stateDirectory, name), path))
}

interface Candidates {
  readonly roots: AbsolutePath[]
  readonly dropped: { path: AbsolutePath; reason: string }[]
}

/** A profile is opened child by child. */
function chooseRoots(writes: readonly AccessRule[], around: RootSurroundings): Candidates {
  const roots = new Set<AbsolutePath>()
  const dropped: Candidates['dropped'] = []
  for (const { path, target } of writes) {
    if (target === 'missing') dropped.push({ path, reason: 'nothing is there' })
    else if (isState(path, around.stateDirectory))
      dropped.push({ path, reason: 'the sandbox keeps its own state there' })
    else if (isCredential(path, around.profile)) dropped.push({ path, reason: 'credentials are kept there' })
    else if (path === around.profile?.path) {
      const children = openChildren(around.profile, around.places)
      const open = children.filter(child => !isState(child, around.stateDirectory) && !isProtectedName(child))
      for (const child of open) roots.add(child)
    } else roots.add(path)
  }
  return { roots: [...roots], dropped }
}

function isUnder(path: AbsolutePath, roots: readonly AbsolutePath[]): boolean {
  return roots.some(root => contains(root, path))
}

/** The names of the links by which entries deny; the reference gives both spellings the denial. */
function deniedLinks({ index }: WindowsEntries, { paths, view }: Places): AbsolutePath[] {
  return index.entries.flatMap(({ path, access }) => {
    const link = access === 'none' ? paths.locate(path).links.at(-1) : undefined
    return link !== undefined && view.kindOf(path) === 'symlink' ? link : []
  })
}

function tooBroad(path: AbsolutePath, { places }: RootSurroundings): WindowsRefusal {
  const entry = path === ROOT ? ':root' : places.spell(path)
  return windowsRefusal(
    'writable-root-too-broad',
    `cannot open ${entry} for writing: the access lists of a volume, of the system or of all users would be rewritten`,
    { entry, hint: 'name the directories that the command needs' },
  )
}

function reopened(root: AbsolutePath, denial: AbsolutePath, { places }: RootSurroundings): WindowsRefusal {
  const entry = places.spell(root)
  return windowsRefusal(
    'reopened-writable-descendant',
    `cannot open ${entry} for writing: it inherits the denial of ${places.spell(denial)}`,
    { entry },
  )
}

/** Everything about writing, or why it cannot be held. */
export function writableParts(entries: WindowsEntries, around: RootSurroundings): WritableParts | WindowsRefusal {
  const { places, stateDirectory } = around
  const { rules, named, temporary } = entries
  const writes = rules.filter(rule => rule.access === 'write')
  const broad = writes.find(({ path }) => isTooBroad(path, around))
  if (broad !== undefined) return tooBroad(broad.path, around)
  const { roots, dropped } = chooseRoots(writes, around)
  const metadata = roots.filter(root => !temporary.has(root)).map(root => metadataOf(root, named, places))
  const closed = rules.filter(({ access, path }) => access !== 'write' && path !== ROOT)
  const links = closed.filter(({ target }) => target === 'symlink')
  const denyRead = new Set([
    ...closed.filter(({ access }) => access === 'none').map(({ path }) => path),
    ...deniedLinks(entries, places),
  ])
  const inside = closed
    .filter(({ path, target }) => target !== 'symlink' && isUnder(path, roots))
    .map(rule => rule.path)
  // Also while it is missing: it is there before the command is.
  const state = isUnder(stateDirectory, roots)
  const denyWrite = [
    ...new Set([...inside, ...metadata.flatMap(item => item.closed), ...(state ? [stateDirectory] : [])]),
  ]
  const denials = [...new Set([...denyWrite, ...denyRead])]
  for (const root of roots) {
    const denial = denials.find(path => contains(path, root))
    if (denial !== undefined) return reopened(root, denial, around)
  }
  const onTheWay = denials.flatMap(path => roots.flatMap(root => (contains(root, path) ? between(root, path) : [])))
  const pins = new Set([
    ...links.map(({ path }) => path),
    ...metadata.flatMap(item => item.links),
    // Those that are missing are made together with what is denied in them.
    ...onTheWay,
  ])
  return {
    roots,
    denyWrite,
    denyRead: [...denyRead],
    materialize: denials.filter(path => places.view.kindOf(path) === 'missing'),
    pins: [...pins].filter(path => isUnder(path, roots) && !denyWrite.includes(path)),
    missingMetadata: [...new Set(metadata.flatMap(item => item.missing))],
    dropped,
  }
}
