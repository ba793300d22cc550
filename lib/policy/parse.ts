/**
 * Reads the wire forms of a policy (spec chapter 2): unknown JSON in, frozen values of `policy.ts` out.
 *
 * Every function here throws `PolicyError` with code ERR_POLICY_INVALID and nothing else, whatever it is given; `location`
 * is the place in the document. What the reference keeps is kept: order, repeats, subpaths as written.
 */
import type { z } from 'zod'
import { PolicyError, unreachable } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import type { Model } from './model.ts'
import { type AbsolutePath, isAbsolute, normalizeAbsolute, resolvePath } from './path.ts'
import type {
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
  LegacySandboxPolicy,
  NetworkSandboxPolicy,
  ReadOnlyAccess,
} from './policy.ts'
import { refusal, refusalOf, show } from './refusal.ts'
import {
  MEMBER_NAMES,
  networkWord,
  text,
  type WireEntry,
  type WireFileSystemPolicy,
  type WireLegacyPolicy,
  type WireReadAccess,
  type WireSpecialPath,
  wireSchemas,
} from './wire.ts'

export interface ParseOptions {
  /** Relative paths and `~` are resolved against it. Without it every path must be absolute (WIRE-5). */
  readonly base?: AbsolutePath | undefined
  /** What `~` stands for. Without it a path that needs it is refused. */
  readonly home?: string | undefined
  /** What to do with members that do not exist. Default `ignore`, as the reference does. */
  readonly unknownMembers?: 'ignore' | 'refuse' | undefined
  /**
   * Reads exactly what that version of the model reads: `2026-03` refuses `deny` and patterns, `2026-06` passes over what a
   * legacy policy says about reading (L6-3). Default: the newest, except that nothing is passed over that restricts.
   */
  readonly model?: Model | undefined
}

/** Runs a reader; what it throws that is not ours (a getter of the input, say) is the input's fault, not a crash. */
export function guarded<Value>(document: string, read: () => Value): Value {
  try {
    return deepFreeze(read())
  } catch (error) {
    if (error instanceof PolicyError) throw error
    throw refusal(document, '', 'it cannot be looked at', error)
  }
}

/** `input` as the schema has it, or the error for the first thing that is wrong. */
export function checked<Schema extends z.ZodType>(document: string, input: unknown, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(input, { reportInput: true })
  if (result.success) return result.data
  throw refusalOf(document, input, result.error, MEMBER_NAMES)
}

function schemas({ unknownMembers = 'ignore', model }: ParseOptions) {
  return wireSchemas(unknownMembers, model)
}

/** WIRE-5 for one text that is free of NUL. */
export function readPath(document: string, location: string, text: string, options: ParseOptions): AbsolutePath {
  const { base, home } = options
  if (base === undefined) {
    if (isAbsolute(text)) return normalizeAbsolute(text)
    throw refusal(
      document,
      location,
      `found ${show(text)}, accepted is an absolute path, as no base directory is given`,
    )
  }
  if ((text === '~' || text.startsWith('~/')) && (home === undefined || home === '')) {
    throw refusal(document, location, `found ${show(text)}, but the home directory is not known`)
  }
  return resolvePath(text, base, home)
}

function readPaths(document: string, location: string, texts: readonly string[], options: ParseOptions) {
  return texts.map((text, index) => readPath(document, `${location}[${index}]`, text, options))
}

function readSpecial(value: WireSpecialPath, model: Model | undefined): FileSystemSpecialPath {
  switch (value.kind) {
    case 'project_roots':
      return value.subpath == null ? { kind: value.kind } : { kind: value.kind, subpath: value.subpath }
    case 'unknown':
      return value.subpath == null
        ? { kind: value.kind, path: value.path }
        : { kind: value.kind, path: value.path, subpath: value.subpath }
    case 'current_working_directory':
      // June has one name for both (L6-1); otherwise the author's word is kept.
      return { kind: model === '2026-06' ? 'project_roots' : value.kind }
    case 'root':
    case 'minimal':
    case 'tmpdir':
    case 'slash_tmp':
      return { kind: value.kind }
    default:
      return unreachable(value)
  }
}

function readEntryPath(
  document: string,
  place: string,
  path: WireEntry['path'],
  options: ParseOptions,
): FileSystemPath {
  switch (path.type) {
    case 'path':
      return { type: path.type, path: readPath(document, `${place}.path.path`, path.path, options) }
    case 'special':
      return { type: path.type, value: readSpecial(path.value, options.model) }
    case 'glob_pattern':
      return { type: path.type, pattern: path.pattern }
    default:
      return unreachable(path)
  }
}

/** The entries of `list`, which stands at `location` in the document. */
export function readEntries(
  document: string,
  location: string,
  list: readonly WireEntry[],
  options: ParseOptions,
): FileSystemSandboxEntry[] {
  return list.map((entry, index) => {
    const path = readEntryPath(document, `${location}[${index}]`, entry.path, options)
    const access = entry.access === 'deny' ? 'none' : entry.access
    return entry.missing_path_behavior == null
      ? { path, access }
      : { path, access, missing_path_behavior: entry.missing_path_behavior }
  })
}

const FILE_SYSTEM = 'file-system policy'
const LEGACY = 'sandbox policy'
const NETWORK = 'network policy'

function readFileSystem(wire: WireFileSystemPolicy, options: ParseOptions): FileSystemSandboxPolicy {
  const entries = readEntries(FILE_SYSTEM, 'entries', wire.entries, options)
  return wire.glob_scan_max_depth == null
    ? { kind: wire.kind, entries }
    : { kind: wire.kind, entries, glob_scan_max_depth: wire.glob_scan_max_depth }
}

/**
 * Reads a file-system policy (WIRE-1 … WIRE-5, L6-1, L6-2).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parseFileSystemPolicy(input: unknown, options: ParseOptions = {}): FileSystemSandboxPolicy {
  return guarded(FILE_SYSTEM, () => readFileSystem(checked(FILE_SYSTEM, input, schemas(options).fileSystem), options))
}

/**
 * Reads a network policy, a bare word (WIRE-6).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parseNetworkPolicy(input: unknown): NetworkSandboxPolicy {
  return guarded(NETWORK, () => checked(NETWORK, input, networkWord()))
}

const FULL_READ = { type: 'full-access' } as const

function readReadAccess(access: WireReadAccess, member: string, options: ParseOptions): ReadOnlyAccess {
  if (access.type === 'full-access') return { type: 'full-access' }
  return {
    type: 'restricted',
    include_platform_defaults: access.include_platform_defaults,
    readable_roots: readPaths(LEGACY, `${member}.readable_roots`, access.readable_roots, options),
  }
}

function readLegacy(wire: WireLegacyPolicy, options: ParseOptions): LegacySandboxPolicy {
  switch (wire.type) {
    case 'danger-full-access':
      return { type: wire.type }
    case 'external-sandbox':
      return { type: wire.type, network_access: wire.network_access }
    case 'read-only':
      return {
        type: wire.type,
        access: readReadAccess('access' in wire ? wire.access : FULL_READ, 'access', options),
        network_access: wire.network_access,
      }
    case 'workspace-write': {
      const readable = 'read_only_access' in wire ? wire.read_only_access : FULL_READ
      return {
        type: wire.type,
        writable_roots: readPaths(LEGACY, 'writable_roots', wire.writable_roots, options),
        read_only_access: readReadAccess(readable, 'read_only_access', options),
        network_access: wire.network_access,
        exclude_tmpdir_env_var: wire.exclude_tmpdir_env_var,
        exclude_slash_tmp: wire.exclude_slash_tmp,
      }
    }
    default:
      return unreachable(wire)
  }
}

/**
 * Reads a legacy policy (WIRE-7, WIRE-8, L6-3).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parseLegacyPolicy(input: unknown, options: ParseOptions = {}): LegacySandboxPolicy {
  return guarded(LEGACY, () => readLegacy(checked(LEGACY, input, schemas(options).legacy), options))
}

/**
 * Reads one path (WIRE-5, PATH-1, PATH-2).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID for a path that is relative without a base, or cannot be a path at all
 */
export function parseAbsolutePath(input: unknown, options: ParseOptions = {}): AbsolutePath {
  return guarded('path', () => readPath('path', '', checked('path', input, text()), options))
}
