/**
 * The `[permissions]` tables of a configuration file, compiled to a split policy (spec CFG-1 … CFG-8, L6-1, L6-13). Takes
 * the tables as data; `permissions-toml.ts` reads the text.
 */
import { compareBytes } from './byte-order.ts'
import { deepFreeze } from './freeze.ts'
import { globBelow, WORKSPACE_PATTERN } from './glob-place.ts'
import { checked, guarded } from './parse.ts'
import { type AbsolutePath, isAbsolute, ROOT, resolvePath } from './path.ts'
import {
  type InheritanceRefusal,
  InheritanceRefused,
  type MergedProfile,
  mergeProfile,
  type Place,
  type Written,
} from './permissions-inheritance.ts'
import { type Pairs, type PermissionsModel, type ProfileTable, profileTables } from './permissions-schema.ts'
import type {
  FileSystemAccess,
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
  NetworkSandboxPolicy,
} from './policy.ts'

export type PermissionsWarning =
  /** CFG-3: the profile opens nothing, not even for reading. */
  | { readonly kind: 'no-filesystem'; readonly profile: string }
  /** CFG-4: a special name that this version does not know; its entry means nothing, also when it denies. */
  | { readonly kind: 'unknown-special-path'; readonly name: string; readonly access: FileSystemAccess }

export type PermissionsRefusal =
  | InheritanceRefusal
  | 'path-not-absolute'
  | 'nested-not-supported'
  | 'bad-subpath'
  /** A pattern where only a path can be used. */
  | 'pattern-not-supported'

export type CompiledPermissions =
  | {
      readonly kind: 'compiled'
      readonly fileSystem: FileSystemSandboxPolicy
      readonly network: NetworkSandboxPolicy
      readonly warnings: readonly PermissionsWarning[]
    }
  | {
      readonly kind: 'refused'
      readonly reason: PermissionsRefusal
      /** The profile, key or subpath that is the reason. */
      readonly name: string
    }

export interface PermissionsOptions {
  /** What `~` stands for. */
  readonly home?: string | undefined
  /** Holds the tables to the words and names of that version of the model. By default those of both are read. */
  readonly model?: PermissionsModel
}

/** With the places of what it speaks of, for whoever knows the text. */
export interface PlacedPermissions {
  readonly kind: 'compiled'
  readonly fileSystem: FileSystemSandboxPolicy
  readonly network: NetworkSandboxPolicy
  readonly warnings: readonly Written<PermissionsWarning>[]
  readonly profile: MergedProfile
}

export interface PlacedRefusal {
  readonly kind: 'refused'
  readonly reason: PermissionsRefusal
  readonly name: string
  /** From the table `permissions` on; empty where nothing in the tables is the reason. */
  readonly place: Place
}

const DOCUMENT = 'permissions'

class Refused {
  readonly reason: PermissionsRefusal
  readonly name: string

  constructor(reason: PermissionsRefusal, name: string) {
    this.reason = reason
    this.name = name
  }
}

// Keys are processed in byte order, not in the order of the file.
function sorted<Value>(pairs: ReadonlyMap<string, Value>): (readonly [string, Value])[] {
  return [...pairs].sort(([left], [right]) => compareBytes(left, right))
}

/** CFG-4, L6-1: the names of special paths. */
export function specialNames(model: PermissionsModel): string[] {
  const always = [':root', ':minimal', ':tmpdir']
  if (model === '2026-03') return [...always, ':project_roots']
  return [...always, ':slash_tmp', ':workspace_roots', ...(model === undefined ? [':project_roots'] : [])]
}

function specialOf(key: string, model: PermissionsModel): FileSystemSpecialPath | null {
  if (!specialNames(model).includes(key)) return null
  const name = key.slice(1) as 'root' | 'minimal' | 'tmpdir' | 'slash_tmp' | 'project_roots' | 'workspace_roots'
  return { kind: name === 'workspace_roots' ? 'project_roots' : name }
}

/** CFG-5. */
function absoluteKey(key: string, home: string | undefined): AbsolutePath | Refused {
  const isHome = key === '~' || key.startsWith('~/')
  if (isAbsolute(key) || (isHome && home !== undefined && home !== '')) return resolvePath(key, ROOT, home)
  return new Refused('path-not-absolute', key)
}

/** CFG-7: plain names, downwards only. In the tables of 2026-03 `~` is one, and leads to the home directory all the same. */
function isPlainSubpath(subpath: string, model: PermissionsModel): boolean {
  const components = subpath.split('/')
  if (model !== '2026-03' && components[0] === '~') return false
  return components[0] !== '' && components[0] !== '.' && !components.includes('..')
}

/** Since the model has patterns, these characters make one of a key or subpath. */
function isPattern(text: string, model: PermissionsModel): boolean {
  return model !== '2026-03' && /[*?[\]]/.test(text)
}

function special(value: FileSystemSpecialPath): FileSystemPath {
  return { type: 'special', value }
}

/** A key of the tables, or a directory, in whose name nothing is a sign of a pattern. */
type Key = { readonly written: string } | { readonly directory: AbsolutePath }

/**
 * CFG-4 … CFG-7, L6-2: what a key, or a subpath below it, stands for. The subpath is looked at before the key. Patterns can only
 * deny; one that opens something is a path when all of it that is a pattern is `**` at its end.
 */
function compilePath(
  key: Key,
  subpath: string | null,
  access: FileSystemAccess,
  options: PermissionsOptions,
): FileSystemPath | Refused {
  const { model } = options
  if (subpath !== null && !isPlainSubpath(subpath, model)) return new Refused('bad-subpath', subpath)
  const written = 'written' in key ? key.written : ''
  const last = subpath ?? written
  if (access !== 'none' && isPattern(`${written}/${subpath ?? ''}`, model)) {
    const tree = last.replace(/(^|\/)\*\*$/, '')
    if (isPattern(subpath === null ? tree : `${written}/${tree}`, model)) {
      return new Refused('pattern-not-supported', last)
    }
    return subpath === null
      ? compilePath({ written: tree === '' ? '/' : tree }, null, access, options)
      : compilePath(key, tree === '' ? null : tree, access, options)
  }
  if ('directory' in key) return pathBelow(key.directory, subpath, options)
  return written.startsWith(':') ? specialPath(written, subpath, options) : plainPath(written, subpath, options)
}

function pathBelow(
  directory: AbsolutePath,
  subpath: string | null,
  { home, model }: PermissionsOptions,
): FileSystemPath {
  if (subpath === null) return { type: 'path', path: directory }
  if (isPattern(subpath, model)) return { type: 'glob_pattern', pattern: globBelow(subpath, directory, home) }
  return { type: 'path', path: resolvePath(subpath, directory, home) }
}

/** The home directory is never a pattern, whatever its name. */
function plainPath(key: string, subpath: string | null, options: PermissionsOptions): FileSystemPath | Refused {
  const base = absoluteKey(key, options.home)
  if (base instanceof Refused) return base
  if (!isPattern(key, options.model)) return pathBelow(base, subpath, options)
  const pattern = subpath === null ? key : `${key}/${subpath}`
  return { type: 'glob_pattern', pattern: globBelow(pattern, ROOT, options.home) }
}

function specialPath(key: string, subpath: string | null, { model }: PermissionsOptions): FileSystemPath | Refused {
  const known = specialOf(key, model)
  if (subpath === null) return special(known ?? { kind: 'unknown', path: key })
  if (known === null) return special({ kind: 'unknown', path: key, subpath })
  if (known.kind !== 'project_roots') return new Refused('nested-not-supported', key)
  if (isPattern(subpath, model)) return { type: 'glob_pattern', pattern: `${WORKSPACE_PATTERN}${subpath}` }
  return special({ kind: 'project_roots', subpath })
}

interface Compiled {
  readonly entries: FileSystemSandboxEntry[]
  readonly warnings: Written<PermissionsWarning>[]
}

function compileKey(
  key: Key,
  subpaths: ReadonlyMap<string, Written<FileSystemAccess>>,
  into: Compiled,
  options: PermissionsOptions,
): PlacedRefusal | null {
  for (const [subpath, { value: access, place }] of sorted(subpaths)) {
    const path = compilePath(key, subpath === '.' ? null : subpath, access, options)
    if (path instanceof Refused) return { kind: 'refused', reason: path.reason, name: path.name, place }
    if (path.type === 'special' && path.value.kind === 'unknown') {
      into.warnings.push({ value: { kind: 'unknown-special-path', name: path.value.path, access }, place })
    }
    into.entries.push({ path, access })
  }
  return null
}

/** L6-13: what is said of the workspace holds in its further roots as well. */
function compileWorkspaceRoots(
  { keys, workspaceRoots }: MergedProfile,
  into: Compiled,
  options: PermissionsOptions,
): PlacedRefusal | null {
  for (const [root, { value, place }] of sorted(workspaceRoots)) {
    if (!value) continue
    const path = absoluteKey(root, options.home)
    if (path instanceof Refused) return { kind: 'refused', reason: path.reason, name: path.name, place }
    for (const name of [':project_roots', ':workspace_roots']) {
      const refused = compileKey({ directory: path }, keys.get(name) ?? new Map(), into, options)
      if (refused !== null) return refused
    }
  }
  return null
}

/** Compiles one profile of tables that have the right shape. */
export function compileProfile(
  profiles: Pairs<ProfileTable>,
  name: string,
  options: PermissionsOptions,
): PlacedPermissions | PlacedRefusal {
  const profile = mergeProfile(profiles, name, options.model)
  if (profile instanceof InheritanceRefused) {
    return { kind: 'refused', reason: profile.reason, name: profile.name, place: profile.place }
  }
  const compiled: Compiled = { entries: [], warnings: [] }
  const network = profile.network.get('enabled')?.value === true ? 'enabled' : 'restricted'
  if (profile.unrestricted) {
    return { kind: 'compiled', fileSystem: { kind: 'unrestricted', entries: [] }, network, warnings: [], profile }
  }
  if (profile.keys.size === 0)
    compiled.warnings.push({ value: { kind: 'no-filesystem', profile: name }, place: [name] })
  for (const [key, subpaths] of sorted(profile.keys)) {
    const refused = compileKey({ written: key }, subpaths, compiled, options)
    if (refused !== null) return refused
  }
  const refused = compileWorkspaceRoots(profile, compiled, options)
  if (refused !== null) return refused
  const depth = profile.globScanMaxDepth === undefined ? {} : { glob_scan_max_depth: profile.globScanMaxDepth.value }
  const fileSystem = { kind: 'restricted', entries: compiled.entries, ...depth } as const
  return { kind: 'compiled', fileSystem, network, warnings: compiled.warnings, profile }
}

function compile(input: unknown, profile: string, options: PermissionsOptions): CompiledPermissions {
  const profiles = checked(DOCUMENT, input, profileTables(options.model))
  const result = compileProfile(profiles, profile, options)
  if (result.kind === 'refused') return { kind: result.kind, reason: result.reason, name: result.name }
  const { kind, fileSystem, network, warnings } = result
  return { kind, fileSystem, network, warnings: warnings.map(({ value }) => value) }
}

/**
 * Compiles one profile of the `[permissions]` tables. Refusals that the specification names are results; tables of the wrong
 * shape, wrong access words among it, are errors.
 *
 * @throws {PolicyError} ERR_POLICY_INVALID for tables of the wrong shape
 */
export function compilePermissions(
  tables: unknown,
  profile: string,
  options: PermissionsOptions = {},
): CompiledPermissions {
  return guarded(DOCUMENT, () => deepFreeze(compile(tables, profile, options)))
}
