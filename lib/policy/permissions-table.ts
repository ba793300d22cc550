/**
 * The `[permissions]` tables of a configuration file, compiled to a split policy (spec CFG-1 … CFG-8). Takes the tables as
 * data; who reads TOML is not decided here.
 */
import { z } from 'zod'
import { compareBytes } from './byte-order.ts'
import { deepFreeze } from './freeze.ts'
import type { Model } from './model.ts'
import { checked, guarded } from './parse.ts'
import { type AbsolutePath, isAbsolute, ROOT, resolvePath } from './path.ts'
import type {
  FileSystemAccess,
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
  NetworkSandboxPolicy,
} from './policy.ts'
import { text } from './wire.ts'

export type PermissionsWarning =
  /** CFG-3: the profile opens nothing, not even for reading. */
  | { readonly kind: 'no-filesystem'; readonly profile: string }
  /** CFG-4: a special name that this version does not know; its entry means nothing, also when it denies. */
  | { readonly kind: 'unknown-special-path'; readonly name: string; readonly access: FileSystemAccess }

export type PermissionsRefusal = 'undefined-profile' | 'path-not-absolute' | 'nested-not-supported' | 'bad-subpath'

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

const DOCUMENT = 'permissions'

type Words = readonly (readonly [string, FileSystemAccess])[]

// Names come from the file, so a table is read as a list of pairs: `__proto__` is a name like any other.
function table<Value>(value: z.ZodType<Value>) {
  return z
    .custom<object>(
      input => typeof input === 'object' && input !== null && !Array.isArray(input),
      'accepted is a table',
    )
    .transform((input, context) => {
      const pairs: [string, Value][] = []
      for (const [name, member] of Object.entries(input)) {
        const result = z.safeParse(value, member)
        if (result.success && isUsable(name)) pairs.push([name, result.data])
        else refuseMember(name, result.error?.issues[0], context)
      }
      return pairs
    })
}

function isUsable(name: string): boolean {
  return text.safeParse(name).success
}

function refuseMember(name: string, issue: z.core.$ZodIssue | undefined, context: z.RefinementCtx): void {
  const problem = issue ?? { code: 'custom', message: 'the name holds a NUL or half a surrogate pair', path: [] }
  context.issues.push({ ...problem, path: [name, ...problem.path], input: undefined } as z.core.$ZodRawIssue)
}

type AccessWord = z.ZodType<FileSystemAccess>

const exactWord: AccessWord = z.enum(['read', 'write', 'none'])
const word: AccessWord = z
  .enum(['read', 'write', 'none', 'deny'])
  .transform(access => (access === 'deny' ? 'none' : access))

const flag = z.boolean().optional()
const words = z.array(z.string()).optional()

// CFG-8: only `enabled` is of this layer; the rest configures the proxy and is checked for its type alone.
const networkTable = z.object({
  enabled: flag,
  proxy_url: z.string().optional(),
  enable_socks5: flag,
  socks_url: z.string().optional(),
  enable_socks5_udp: flag,
  allow_upstream_proxy: flag,
  dangerously_allow_non_loopback_proxy: flag,
  dangerously_allow_all_unix_sockets: flag,
  mode: z.enum(['limited', 'full']).optional(),
  allowed_domains: words,
  denied_domains: words,
  allow_unix_sockets: words,
  allow_local_binding: flag,
})

function tablesOf(access: AccessWord) {
  const accessOrTable: z.ZodType<FileSystemAccess | Words> = z.union(
    [access, table(access)],
    'accepted is read, write, none, or a table from subpaths to these',
  )
  return table(
    z.object({
      filesystem: table(accessOrTable).optional(),
      network: networkTable.optional(),
    }),
  )
}

const tables = tablesOf(word)
const exactTables = tablesOf(exactWord)

class Refused {
  readonly reason: PermissionsRefusal
  readonly name: string

  constructor(reason: PermissionsRefusal, name: string) {
    this.reason = reason
    this.name = name
  }
}

// Keys are processed in byte order, not in the order of the file.
function sorted<Value>(pairs: readonly (readonly [string, Value])[]): (readonly [string, Value])[] {
  return [...pairs].sort(([left], [right]) => compareBytes(left, right))
}

/** CFG-4. Null for a name that is not known. */
function specialOf(key: string): FileSystemSpecialPath | null {
  switch (key) {
    case ':root':
    case ':minimal':
    case ':tmpdir':
      return { kind: key.slice(1) as 'root' | 'minimal' | 'tmpdir' }
    case ':project_roots':
      return { kind: 'project_roots' }
    default:
      return null
  }
}

/** CFG-5. */
function absoluteKey(key: string, home: string | undefined): AbsolutePath | Refused {
  const isHome = key === '~' || key.startsWith('~/')
  if (isAbsolute(key) || (isHome && home !== undefined && home !== '')) return resolvePath(key, ROOT, home)
  return new Refused('path-not-absolute', key)
}

/** CFG-7: plain names, downwards only. */
function isPlainSubpath(subpath: string): boolean {
  const components = subpath.split('/')
  return components[0] !== '' && components[0] !== '.' && !components.includes('..')
}

function special(value: FileSystemSpecialPath): FileSystemPath {
  return { type: 'special', value }
}

/** CFG-4 … CFG-7: what a key, or a subpath below it, stands for. The subpath is looked at before the key. */
function compilePath(key: string, subpath: string | null, home: string | undefined): FileSystemPath | Refused {
  if (subpath !== null && !isPlainSubpath(subpath)) return new Refused('bad-subpath', subpath)
  if (!key.startsWith(':')) {
    const path = absoluteKey(key, home)
    if (path instanceof Refused) return path
    return { type: 'path', path: subpath === null ? path : resolvePath(subpath, path, home) }
  }
  const known = specialOf(key)
  if (subpath === null) return special(known ?? { kind: 'unknown', path: key })
  if (known === null) return special({ kind: 'unknown', path: key, subpath })
  if (known.kind === 'project_roots') return special({ kind: 'project_roots', subpath })
  return new Refused('nested-not-supported', key)
}

interface Compiled {
  readonly entries: FileSystemSandboxEntry[]
  readonly warnings: PermissionsWarning[]
}

function compileKey(key: string, value: FileSystemAccess | Words, into: Compiled, home: string | undefined) {
  const words: Words = typeof value === 'string' ? [['.', value]] : sorted(value)
  for (const [subpath, access] of words) {
    const path = compilePath(key, subpath === '.' ? null : subpath, home)
    if (path instanceof Refused) return path
    if (path.type === 'special' && path.value.kind === 'unknown') {
      into.warnings.push({ kind: 'unknown-special-path', name: key, access })
    }
    into.entries.push({ path, access })
  }
  return null
}

export interface PermissionsOptions {
  /** What `~` stands for. */
  readonly home?: string | undefined
  /** Holds the tables to the words of that version of the model. By default `deny` is read as `none`. */
  readonly model?: Model | undefined
  readonly cwd?: AbsolutePath | undefined
}

function compile(input: unknown, profile: string, { home, model }: PermissionsOptions): CompiledPermissions {
  const profiles = checked(DOCUMENT, input, model === '2026-03' ? exactTables : tables)
  const found = profiles.find(([name]) => name === profile)?.[1]
  if (found === undefined) return { kind: 'refused', reason: 'undefined-profile', name: profile }
  const compiled: Compiled = { entries: [], warnings: [] }
  const keys = found.filesystem ?? []
  if (keys.length === 0) compiled.warnings.push({ kind: 'no-filesystem', profile })
  for (const [key, value] of sorted(keys)) {
    const refused = compileKey(key, value, compiled, home)
    if (refused !== null) return { kind: 'refused', reason: refused.reason, name: refused.name }
  }
  return {
    kind: 'compiled',
    fileSystem: { kind: 'restricted', entries: compiled.entries },
    network: found.network?.enabled === true ? 'enabled' : 'restricted',
    warnings: compiled.warnings,
  }
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
