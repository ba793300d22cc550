/**
 * The wire forms as schemas (spec WIRE-1 … WIRE-8): shape and words only. `parse.ts` makes the paths absolute and gives the
 * types of `policy.ts`.
 *
 * Absent and `null` are different things here, member by member: a defaulted member may be absent but not `null`, an
 * optional one (`subpath`) may be either. Unknown members are ignored by `tolerant`, as the reference does, and refused by
 * `exact`, because a misspelt member of a hand-written policy would weaken it without a word.
 */
import { z } from 'zod'

/** More entries than any policy has; keeps a hostile list from holding the process. */
export const LONGEST_LIST = 1_000_000

// Neither can be part of a path that the system takes: a NUL ends it, half a surrogate pair has no UTF-8 form.
const UNUSABLE = /[\0\p{Surrogate}]/u

export const text = z.string().refine(value => !UNUSABLE.test(value), 'holds a NUL or half a surrogate pair')

// The length is asked before the items are looked at.
function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .custom<unknown>(value => !(Array.isArray(value) && value.length > LONGEST_LIST), {
      error: `has more than ${LONGEST_LIST} items`,
      abort: true,
    })
    .pipe(z.array(item))
}

function makeSchemas(object: typeof z.object) {
  const optionalText = text.nullish()

  const specialPath = z.discriminatedUnion('kind', [
    object({ kind: z.literal('root') }),
    object({ kind: z.literal('minimal') }),
    object({ kind: z.literal('current_working_directory') }),
    object({ kind: z.literal('project_roots'), subpath: optionalText }),
    object({ kind: z.literal('tmpdir') }),
    object({ kind: z.literal('slash_tmp') }),
    object({ kind: z.literal('unknown'), path: text, subpath: optionalText }),
  ])

  const path = z.discriminatedUnion('type', [
    object({ type: z.literal('path'), path: text }),
    object({ type: z.literal('special'), value: specialPath }),
  ])

  // `deny` is the later spelling of `none` (L6-1).
  const access = z.enum(['read', 'write', 'none', 'deny'])

  const fileSystem = object({
    kind: z.enum(['restricted', 'unrestricted', 'external-sandbox']),
    entries: listOf(object({ path, access })).default([]),
  })

  const network = z.enum(['restricted', 'enabled'])

  const readAccess = z.discriminatedUnion('type', [
    object({ type: z.literal('full-access') }),
    object({
      type: z.literal('restricted'),
      include_platform_defaults: z.boolean().default(true),
      readable_roots: listOf(text).default([]),
    }),
  ])
  const readAccessOrFull = readAccess.default({ type: 'full-access' })
  const flag = z.boolean().default(false)

  const legacy = z.discriminatedUnion('type', [
    object({ type: z.literal('danger-full-access') }),
    object({ type: z.literal('read-only'), access: readAccessOrFull, network_access: flag }),
    object({ type: z.literal('external-sandbox'), network_access: network.default('restricted') }),
    object({
      type: z.literal('workspace-write'),
      writable_roots: listOf(text).default([]),
      read_only_access: readAccessOrFull,
      network_access: flag,
      exclude_tmpdir_env_var: flag,
      exclude_slash_tmp: flag,
    }),
  ])

  return { fileSystem, network, legacy }
}

export const tolerant = makeSchemas(z.object)

// The two makers differ in what they do with unknown members, not in the type they give.
export const exact = makeSchemas(z.strictObject as unknown as typeof z.object)

export type WireFileSystemPolicy = z.infer<typeof tolerant.fileSystem>
export type WireEntry = WireFileSystemPolicy['entries'][number]
export type WireSpecialPath = Extract<WireEntry['path'], { type: 'special' }>['value']
export type WireLegacyPolicy = z.infer<typeof tolerant.legacy>
export type WireReadAccess = Extract<WireLegacyPolicy, { type: 'read-only' }>['access']

/** Every member name of the wire forms, for "did you mean". */
export const MEMBER_NAMES = [
  'kind',
  'entries',
  'path',
  'access',
  'type',
  'value',
  'subpath',
  'network_access',
  'writable_roots',
  'read_only_access',
  'exclude_tmpdir_env_var',
  'exclude_slash_tmp',
  'include_platform_defaults',
  'readable_roots',
] as const
