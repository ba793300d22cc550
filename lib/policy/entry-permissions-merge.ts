/** Putting June's additional permissions together, and applying them (spec L6-12). */
import { PolicyError } from '../errors.ts'
import { type AccessIndex, indexAccess } from './access.ts'
import { pathForm } from './canonical.ts'
import type { AdditionalPermissions, EntryPermissions } from './entry-permissions.ts'
import { deepFreeze } from './freeze.ts'
import { compileGlob, fixedPlaces } from './glob.ts'
import { resolveGlob } from './glob-place.ts'
import { type AbsolutePath, contains, ROOT } from './path.ts'
import type { FileSystemPath, FileSystemSandboxEntry, FileSystemSandboxPolicy } from './policy.ts'
import { printEntry } from './print.ts'
import { readDenyTest } from './read-deny.ts'
import { resolveEntryPath, spellingOf } from './special.ts'
import type { Surroundings } from './types.ts'

type Entries = readonly FileSystemSandboxEntry[]

const keyOf = (entry: FileSystemSandboxEntry) => JSON.stringify(printEntry(entry, '2026-06'))

/** The entries of all lists in order, each once. */
function union(...lists: readonly Entries[]): FileSystemSandboxEntry[] {
  return [...new Map(lists.flat().map(entry => [keyOf(entry), entry] as const)).values()]
}

function fileSystem(entries: Entries, depth: number | null): EntryPermissions | null {
  return entries.length === 0 && depth === null ? null : { entries, glob_scan_max_depth: depth }
}

function isDenyingGlob({ path, access }: FileSystemSandboxEntry): boolean {
  return path.type === 'glob_pattern' && access === 'none'
}

/** The deeper scan of two sides; a side with patterns and no depth scans everything, one without patterns has no say. */
function deeperScan(...sides: readonly { readonly entries: Entries; readonly depth: number | null }[]): number | null {
  const scanning = sides.filter(({ entries }) => entries.some(isDenyingGlob))
  if (scanning.some(({ depth }) => depth === null)) return null
  return scanning.length === 0 ? null : Math.max(...scanning.map(({ depth }) => depth ?? 0))
}

function sideOf({ entries, glob_scan_max_depth: depth }: EntryPermissions) {
  return { entries, depth }
}

/**
 * Paths in the form of June's lists (L4-3), no repeats, nothing that says nothing.
 *
 * @throws {PolicyError} ERR_POLICY_INVALID for a pattern that opens something: patterns can only deny
 */
export function normalizeAdditional(
  permissions: AdditionalPermissions,
  surroundings: Surroundings,
): AdditionalPermissions {
  const form = pathForm(surroundings.files, '2026-06')
  const files = permissions.file_system
  for (const [index, { path, access }] of (files?.entries ?? []).entries()) {
    if (path.type !== 'glob_pattern' || access === 'none') continue
    const location = `file_system.entries[${index}].access`
    const message = `cannot use additional permissions at ${location}: the pattern ${spellingOf(path)} can only be denied`
    throw new PolicyError('ERR_POLICY_INVALID', message, { location, entry: spellingOf(path) })
  }
  const entries = (files?.entries ?? []).map(entry =>
    entry.path.type === 'path' ? { ...entry, path: { ...entry.path, path: form(entry.path.path) } } : entry,
  )
  return deepFreeze({
    network: permissions.network?.enabled == null ? null : permissions.network,
    file_system: files && fileSystem(union(entries), files.glob_scan_max_depth),
  })
}

function isEmpty({ network, file_system }: AdditionalPermissions): boolean {
  return network === null && file_system === null
}

/** Both sides together. `null` is an absent profile, also in the result. */
export function mergeAdditional(
  base: AdditionalPermissions | null,
  added: AdditionalPermissions | null,
): AdditionalPermissions | null {
  if (added === null) return base
  if (base === null) return isEmpty(added) ? null : added
  const enabled = base.network?.enabled === true || added.network?.enabled === true
  const [one, other] = [base.file_system, added.file_system]
  const files =
    one === null || other === null
      ? (one ?? other)
      : fileSystem(union(one.entries, other.entries), deeperScan(sideOf(one), sideOf(other)))
  const merged: AdditionalPermissions = { network: enabled ? { enabled } : null, file_system: files }
  return isEmpty(merged) ? null : deepFreeze(merged)
}

/** The directories that everything a pattern matches lies in: one for each choice. One that cannot be read may match anything. */
function fixedParts(pattern: string, surroundings: Surroundings): AbsolutePath[] {
  const glob = compileGlob(resolveGlob(pattern, surroundings), 0)
  return glob === null ? [ROOT] : fixedPlaces(glob).map(place => place.path)
}

/** The entry with what depends on the working directory filled in. */
function concrete(entry: FileSystemSandboxEntry, surroundings: Surroundings): FileSystemSandboxEntry {
  const { path } = entry
  if (path.type === 'glob_pattern') {
    return { ...entry, path: { type: 'glob_pattern', pattern: resolveGlob(path.pattern, surroundings) } }
  }
  const isWorkspace =
    path.type === 'special' && (path.value.kind === 'project_roots' || path.value.kind === 'current_working_directory')
  const place = isWorkspace ? resolveEntryPath(path, surroundings) : null
  return place === null ? entry : { ...entry, path: { type: 'path', path: place } }
}

const samePath = (left: FileSystemPath, right: FileSystemPath) =>
  keyOf({ path: left, access: 'read' }) === keyOf({ path: right, access: 'read' })

function covers(requested: FileSystemSandboxEntry['access'], granted: FileSystemSandboxEntry['access']): boolean {
  return granted === 'write' ? requested === 'write' : granted === 'read' && requested !== 'none'
}

interface Request {
  readonly entries: Entries
  readonly access: AccessIndex
  readonly isDenied: (path: string) => boolean
}

/** Whether a granted entry lies within what was requested. */
function isWithin({ entries, access, isDenied }: Request, granted: FileSystemSandboxEntry, surroundings: Surroundings) {
  const place = resolveEntryPath(granted.path, surroundings)
  if (place !== null) return !isDenied(place) && covers(access.accessAt(place), granted.access)
  return entries.some(entry => samePath(entry.path, granted.path) && covers(entry.access, granted.access))
}

/** The `none` entries that touch a place that was granted. */
function constraining(entries: Entries, places: readonly AbsolutePath[], surroundings: Surroundings) {
  const touches = ({ path }: FileSystemSandboxEntry) => {
    const denied =
      path.type === 'glob_pattern' ? fixedParts(path.pattern, surroundings) : [resolveEntryPath(path, surroundings)]
    return denied.some(one => one !== null && places.some(place => contains(place, one) || contains(one, place)))
  }
  return entries.filter(entry => entry.access === 'none' && touches(entry)).map(entry => concrete(entry, surroundings))
}

function intersectFiles(
  requested: EntryPermissions,
  granted: EntryPermissions,
  surroundings: Surroundings,
): EntryPermissions | null {
  const policy: FileSystemSandboxPolicy = { kind: 'restricted', entries: requested.entries }
  const request: Request = {
    entries: requested.entries,
    access: indexAccess(policy, surroundings),
    isDenied: readDenyTest(policy, surroundings),
  }
  const accepted = granted.entries
    .filter(entry => entry.access !== 'none' && isWithin(request, entry, surroundings))
    .map(entry => concrete(entry, surroundings))
  const places = accepted.map(({ path }) => resolveEntryPath(path, surroundings)).filter(place => place !== null)
  const ofRequest = constraining(requested.entries, places, surroundings)
  const ofGrant = constraining(granted.entries, places, surroundings)
  const depth = deeperScan(
    { entries: ofRequest, depth: requested.glob_scan_max_depth },
    { entries: ofGrant, depth: granted.glob_scan_max_depth },
  )
  return fileSystem(union(accepted, ofRequest, ofGrant), depth)
}

const NOTHING: EntryPermissions = { entries: [], glob_scan_max_depth: null }

/** What was granted within the request, with the denials of both sides that touch it. */
export function intersectAdditional(
  requested: AdditionalPermissions,
  granted: AdditionalPermissions,
  surroundings: Surroundings,
): AdditionalPermissions {
  const enabled = requested.network?.enabled === true && granted.network?.enabled === true
  const files =
    requested.file_system && intersectFiles(requested.file_system, granted.file_system ?? NOTHING, surroundings)
  return deepFreeze({ network: enabled ? { enabled } : null, file_system: files })
}

/** The policy widened by the permissions: what is not there yet is appended; denials stay and win at their own place. */
export function effectiveWith(
  policy: FileSystemSandboxPolicy,
  permissions: AdditionalPermissions | null,
): FileSystemSandboxPolicy {
  const added = permissions?.file_system
  if (policy.kind !== 'restricted' || added == null) return policy
  const known = new Set(policy.entries.map(keyOf))
  const fresh = union(added.entries).filter(entry => !known.has(keyOf(entry)))
  const depth = deeperScan({ entries: policy.entries, depth: policy.glob_scan_max_depth ?? null }, sideOf(added))
  const entries = [...policy.entries, ...fresh]
  return deepFreeze(
    depth === null ? { kind: policy.kind, entries } : { kind: policy.kind, entries, glob_scan_max_depth: depth },
  )
}
