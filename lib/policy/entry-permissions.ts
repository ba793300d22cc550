/**
 * Additional permissions for one command as June has them (spec L6-4): entries instead of two lists of paths, so that they can
 * deny. March's form is `permission-profile.ts`.
 */
import { lazily, z } from '../schema.ts'
import { checked, guarded, type ParseOptions, readEntries, readPath } from './parse.ts'
import type { FileSystemSandboxEntry } from './policy.ts'
import { type JsonObject, printEntry } from './print.ts'
import { scanDepth, text, type WireEntry, wireSchemas } from './wire.ts'

export interface EntryPermissions {
  readonly entries: readonly FileSystemSandboxEntry[]
  /** At least 1; null: all levels. */
  readonly glob_scan_max_depth: number | null
}

export interface AdditionalPermissions {
  readonly network: { readonly enabled: boolean | null } | null
  readonly file_system: EntryPermissions | null
}

const DOCUMENT = 'additional permissions'

const twoLists = lazily(() => {
  const paths = z.array(text()).nullish()
  return z.strictObject({ read: paths, write: paths })
})
const entryList = lazily(() =>
  z.strictObject({
    entries: wireSchemas('ignore', '2026-06').entries.default([]),
    glob_scan_max_depth: scanDepth(1).nullish(),
  }),
)

const profile = lazily(() => {
  const networkPermissions = z.object({ enabled: z.boolean().nullable().default(null) })
  // Which of the two forms it is decides which error it gets; a mixture is neither.
  const looseObject = z.looseObject({})
  return z.object({
    network: networkPermissions.nullable().default(null),
    file_system: looseObject.nullable().default(null),
  })
})

function pathEntries(
  document: string,
  location: string,
  list: readonly string[],
  access: WireEntry['access'],
  options: ParseOptions,
): FileSystemSandboxEntry[] {
  const word = access === 'deny' ? 'none' : access
  return list.map((item, index) => ({
    path: { type: 'path', path: readPath(document, `${location}[${index}]`, item, options) },
    access: word,
  }))
}

/** Reads either form: `{entries, glob_scan_max_depth?}`, or the older `{read, write}`, reads first. */
export function readEntryPermissions(document: string, input: object, options: ParseOptions): EntryPermissions {
  if ('read' in input || 'write' in input) {
    const wire = checked(document, input, twoLists())
    const reads = pathEntries(document, 'read', wire.read ?? [], 'read', options)
    const writes = pathEntries(document, 'write', wire.write ?? [], 'write', options)
    return { entries: [...reads, ...writes], glob_scan_max_depth: null }
  }
  const wire = checked(document, input, entryList())
  return {
    entries: readEntries(document, 'entries', wire.entries, options),
    glob_scan_max_depth: wire.glob_scan_max_depth ?? null,
  }
}

/**
 * Reads additional permissions (L6-4).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parseAdditionalPermissions(input: unknown, options: ParseOptions = {}): AdditionalPermissions {
  return guarded(DOCUMENT, () => {
    const { network, file_system } = checked(DOCUMENT, input, profile())
    return { network, file_system: file_system && readEntryPermissions(DOCUMENT, file_system, june(options)) }
  })
}

/** The form itself is of 2026-06, whatever else a caller reads. */
export function june(options: ParseOptions): ParseOptions {
  return { ...options, model: '2026-06' }
}

function pathsWith(access: 'read' | 'write', entries: readonly FileSystemSandboxEntry[]): JsonObject {
  const list = entries.flatMap(({ path, access: word }) => (path.type === 'path' && word === access ? [path.path] : []))
  return list.length === 0 ? {} : { [access]: list }
}

/** The older form wherever it says the same. */
function printEntryPermissions({ entries, glob_scan_max_depth: depth }: EntryPermissions): JsonObject {
  const isOld = ({ path, access, missing_path_behavior }: FileSystemSandboxEntry) =>
    path.type === 'path' && access !== 'none' && missing_path_behavior === undefined
  if (depth === null && entries.every(isOld)) return { ...pathsWith('read', entries), ...pathsWith('write', entries) }
  const list = entries.length === 0 ? {} : { entries: entries.map(entry => printEntry(entry, '2026-06')) }
  return depth === null ? list : { ...list, glob_scan_max_depth: depth }
}

/** L6-4: both members are there, `null` for what is absent. */
export function printAdditionalPermissions({ network, file_system }: AdditionalPermissions): JsonObject {
  return {
    network: network && { enabled: network.enabled },
    file_system: file_system && printEntryPermissions(file_system),
  }
}
