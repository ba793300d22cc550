/**
 * What the elevated backend's accounts are given to read (spec/windows D). Beside this they read what every user may; the plan's
 * limits say so.
 */
import { type AbsolutePath, contains, ROOT } from '../../policy/path.ts'
import { isCredential, openChildren } from './credential-directories.ts'
import type { WindowsEntries } from './entries.ts'
import { policyChild, policyPathOf } from './places.ts'
import { type WindowsRefusal, windowsRefusal } from './refusals.ts'
import { isTooBroad, type RootSurroundings, type WritableParts } from './roots.ts'
import { windowsPathOrNull } from './windows-path.ts'

/** What programs need of the system. */
export const platformReadRoots: readonly string[] = [
  'C:\\Windows',
  'C:\\Program Files',
  'C:\\Program Files (x86)',
  'C:\\ProgramData',
]

export interface ReadQuestion {
  readonly entries: WindowsEntries
  readonly parts: WritableParts
  readonly around: RootSurroundings
  /** Canonical. */
  readonly cwd: AbsolutePath
  /** Whether a policy that reads everything reads the state directory, with the login file in it. */
  readonly stateDirectoryReadable: boolean
}

/** Whether the policy opens the whole disk for reading, denials aside. */
export function readsEverything({ index }: WindowsEntries): boolean {
  return index.accessAt(ROOT) !== 'none'
}

/** What entries open by name. A place in a writable root is read by the grant of the root. */
function namedForReading({ entries, parts }: ReadQuestion): AbsolutePath[] {
  return entries.rules
    .filter(({ access, target, path }) => access === 'read' && target !== 'symlink' && path !== ROOT)
    .map(({ path }) => path)
    .filter(path => !parts.roots.some(root => contains(root, path)))
}

function fullReadRoots(question: ReadQuestion): AbsolutePath[] {
  const { around, cwd, stateDirectoryReadable } = question
  const { profile, places, stateDirectory } = around
  const children = profile === null ? [] : openChildren(profile, places)
  const kept = children.filter(path => stateDirectoryReadable || !contains(path, stateDirectory))
  // The reference gives a fixed set; what the policy names beside it is meant too.
  const named = [cwd, ...namedForReading(question)].filter(path => path !== profile?.path)
  return [...kept, ...named.filter(path => !isTooBroad(path, around))]
}

function restrictedReadRoots(question: ReadQuestion): AbsolutePath[] {
  const { profile, places } = question.around
  return namedForReading(question).flatMap(path =>
    profile !== null && path === profile.path ? openChildren(profile, places) : path,
  )
}

function reopenedReading({ entries, around }: ReadQuestion): WindowsRefusal | null {
  const denials = entries.rules.filter(({ access, path }) => access === 'none' && path !== ROOT)
  const opened = entries.rules.find(
    ({ access, path, target }) =>
      access === 'read' && target !== 'symlink' && denials.some(denial => contains(denial.path, path)),
  )
  if (opened === undefined) return null
  const entry = around.places.spell(opened.path)
  return windowsRefusal(
    'reopened-readable-descendant',
    `cannot open ${entry} for reading: it inherits the denial of a directory above it`,
    { entry },
  )
}

/** Existing places only, without those that are writable: a grant of writing includes reading. */
export function readRoots(question: ReadQuestion): readonly AbsolutePath[] | WindowsRefusal {
  const { entries, parts, around } = question
  const refusal = reopenedReading(question)
  if (refusal !== null) return refusal
  const { view, spell, paths } = around.places
  const everything = readsEverything(entries)
  const asked = everything ? fullReadRoots(question) : restrictedReadRoots(question)
  const broad = everything ? undefined : asked.find(path => isTooBroad(path, around) && !isPlatform(path, question))
  if (broad !== undefined) {
    const entry = spell(broad)
    return windowsRefusal(
      'readable-root-too-broad',
      `cannot open ${entry} for reading: the access lists of a volume, of the system or of all users would be rewritten`,
      { entry, hint: 'name the directories that the command needs' },
    )
  }
  const withPlatform = everything || entries.resolved.platformDefaults
  const platform = withPlatform ? platformPlaces().map(path => paths.canonical(path)) : []
  const closed = new Set<AbsolutePath>([...parts.roots, ...parts.denyRead])
  const chosen = [...platform, ...asked].filter(
    path => view.kindOf(path) !== 'missing' && !closed.has(path) && !isCredential(path, around.profile),
  )
  return [...new Set([policyChild(around.stateDirectory, '.sandbox-bin'), ...chosen])]
}

function platformPlaces(): AbsolutePath[] {
  return platformReadRoots.map(root => policyPathOf(windowsPathOrNull(root)!))
}

/** The system may be read, and mostly can be already. */
function isPlatform(path: AbsolutePath, { around }: ReadQuestion): boolean {
  return contains(around.systemRoot, path)
}
