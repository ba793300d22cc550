/**
 * The shape of the `[permissions]` tables (spec CFG-1, CFG-8; L6-1, L6-2, L6-13): words and types only. What the keys mean
 * is decided in `permissions-table.ts`.
 */
import type { z as Zod } from 'zod'
import { lazily, z } from '../schema.ts'
import type { Model } from './model.ts'
import type { FileSystemAccess } from './policy.ts'
import { text } from './wire.ts'

/** Which version's words and names hold. Undefined: those of both, as a host that reads anybody's file wants it. */
export type PermissionsModel = Model | undefined

/** In the order of the document. Names come from the file, so a table is a list of pairs: `__proto__` is a name like any other. */
export type Pairs<Value> = readonly (readonly [name: string, value: Value])[]
export type Words = Pairs<FileSystemAccess>

export interface FileSystemTable {
  readonly keys: Pairs<FileSystemAccess | Words>
  readonly globScanMaxDepth?: number | undefined
}

export interface ProfileTable {
  /** Always undefined in the tables of 2026-03, which have no such member. */
  readonly extends?: string | undefined
  readonly filesystem?: FileSystemTable | undefined
  readonly network?: Readonly<Record<string, unknown>> | undefined
  readonly workspace_roots?: Pairs<boolean> | undefined
}

/** The members of a profile and of its network table that exist. Others are ignored here (and refused by `permissions-toml.ts`). */
export const PROFILE_MEMBERS = ['description', 'extends', 'filesystem', 'network', 'workspace_roots'] as const
export const FIRST_PROFILE_MEMBERS = ['filesystem', 'network'] as const
export const SCAN_DEPTH = 'glob_scan_max_depth'

function isTable(input: unknown): input is object {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

function table<Value>(value: Zod.ZodType<Value>) {
  return z.custom<object>(isTable, 'accepted is a table').transform((input, context): Pairs<Value> => {
    const pairs: [string, Value][] = []
    for (const [name, member] of Object.entries(input)) {
      const result = z.safeParse(value, member)
      if (result.success && text().safeParse(name).success) pairs.push([name, result.data])
      else refuseMember(name, result.error?.issues[0], context)
    }
    return pairs
  })
}

function refuseMember(name: string, issue: Zod.core.$ZodIssue | undefined, context: Zod.RefinementCtx): void {
  const problem = issue ?? { code: 'custom', message: 'the name holds a NUL or half a surrogate pair', path: [] }
  context.issues.push({ ...problem, path: [name, ...problem.path], input: undefined } as Zod.core.$ZodRawIssue)
}

type AccessWord = Zod.ZodType<FileSystemAccess>

const exactWord = (): AccessWord => z.enum(['read', 'write', 'none'])
const word = (): AccessWord =>
  z.enum(['read', 'write', 'none', 'deny']).transform(access => (access === 'deny' ? 'none' : access))

const networkMembers = [
  'enabled',
  'proxy_url',
  'enable_socks5',
  'socks_url',
  'enable_socks5_udp',
  'allow_upstream_proxy',
  'dangerously_allow_non_loopback_proxy',
  'dangerously_allow_all_unix_sockets',
  'mode',
  'allowed_domains',
  'denied_domains',
  'allow_unix_sockets',
  'allow_local_binding',
] as const
export const NETWORK_MEMBERS: readonly string[] = networkMembers

// CFG-8: only `enabled` is of this layer; the rest configures a proxy and is checked for its type alone.
const networkTable = lazily(() => {
  const flag = z.boolean().optional()
  const words = z.array(z.string()).optional()
  const members = {
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
  } satisfies Record<(typeof networkMembers)[number], Zod.ZodType>
  return z.object(members)
})

function keysOf(access: AccessWord) {
  const accessOrTable: Zod.ZodType<FileSystemAccess | Words> = z.union(
    [access, table(access)],
    'accepted is read, write, none, or a table from subpaths to these',
  )
  return table(accessOrTable)
}

const firstFileSystem = () => keysOf(exactWord()).transform((keys): FileSystemTable => ({ keys }))

// L6-2: beside the keys, which are paths and specials, stands one name that is neither.
function laterFileSystem() {
  const keys = keysOf(word())
  const scanDepth = z.number().int().min(1).optional()
  return z.custom<object>(isTable, 'accepted is a table').transform((input, context): FileSystemTable => {
    const { [SCAN_DEPTH]: depth, ...others } = input as Record<string, unknown>
    const read = { depth: z.safeParse(scanDepth, depth), keys: z.safeParse(keys, others) }
    if (!read.depth.success) {
      const message = `found ${String(depth)}, accepted is a whole number of at least 1`
      context.issues.push({ code: 'custom', message, path: [SCAN_DEPTH], input: depth } as Zod.core.$ZodRawIssue)
    }
    for (const issue of read.keys.error?.issues ?? []) {
      context.issues.push({ ...issue, input: undefined } as Zod.core.$ZodRawIssue)
    }
    return { keys: read.keys.data ?? [], globScanMaxDepth: read.depth.data }
  })
}

const first = lazily(() =>
  table(z.object({ filesystem: firstFileSystem().optional(), network: networkTable().optional() })),
)
const later = lazily(() =>
  table(
    z.object({
      extends: z.string().optional(),
      description: z.string().optional(),
      filesystem: laterFileSystem().optional(),
      network: networkTable().optional(),
      workspace_roots: table(z.boolean()).optional(),
    }),
  ),
)

/** The schema of all profiles, by name. */
export function profileTables(model: PermissionsModel): Zod.ZodType<Pairs<ProfileTable>> {
  return (model === '2026-03' ? first() : later()) as Zod.ZodType<Pairs<ProfileTable>>
}
