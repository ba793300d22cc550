/**
 * The wire forms as schemas (spec WIRE-1 … WIRE-8, L6-1 … L6-3): shape and words only. `parse.ts` makes the paths absolute and
 * gives the types of `policy.ts`.
 *
 * Absent and `null` are different things here, member by member: a defaulted member may be absent but not `null`, an
 * optional one (`subpath`) may be either. Unknown members are ignored, as the reference does, or refused, because a misspelt
 * member of a hand-written policy would weaken it without a word.
 */
import type { z as Zod } from 'zod'
import { lazily, z } from '../schema.ts'
import type { Model } from './model.ts'

/** More entries than any policy has; keeps a hostile list from holding the process. */
export const LONGEST_LIST = 1_000_000

// Neither can be part of a path that the system takes: a NUL ends it, half a surrogate pair has no UTF-8 form.
const UNUSABLE = /[\0\p{Surrogate}]/u

export const text = lazily(() =>
  z.string().refine(value => !UNUSABLE.test(value), 'holds a NUL or half a surrogate pair'),
)

// The length is asked before the items are looked at.
function listOf<Item extends Zod.ZodType>(item: Item) {
  return z
    .custom<unknown>(value => !(Array.isArray(value) && value.length > LONGEST_LIST), {
      error: `has more than ${LONGEST_LIST} items`,
      abort: true,
    })
    .pipe(z.array(item))
}

type ObjectMaker = typeof Zod.object

const KINDS = ['restricted', 'unrestricted', 'external-sandbox'] as const

function specialPathSchema(object: ObjectMaker) {
  const optionalText = text().nullish()
  return z.discriminatedUnion('kind', [
    object({ kind: z.literal('root') }),
    object({ kind: z.literal('minimal') }),
    object({ kind: z.literal('current_working_directory') }),
    object({ kind: z.literal('project_roots'), subpath: optionalText }),
    object({ kind: z.literal('tmpdir') }),
    object({ kind: z.literal('slash_tmp') }),
    object({ kind: z.literal('unknown'), path: text(), subpath: optionalText }),
  ])
}

/** How many levels; a whole number from `least` on. */
export function scanDepth(least: 0 | 1) {
  return z.int().min(least).max(Number.MAX_SAFE_INTEGER)
}

// WIRE-1 … WIRE-4.
function marchFileSystem(object: ObjectMaker) {
  const path = z.discriminatedUnion('type', [
    object({ type: z.literal('path'), path: text() }),
    object({ type: z.literal('special'), value: specialPathSchema(object) }),
  ])
  return object({
    kind: z.enum(KINDS),
    entries: listOf(object({ path, access: z.enum(['read', 'write', 'none']) })).default([]),
  })
}

// L6-1, L6-2. `deny` and `none` are the same word there.
function juneEntries(object: ObjectMaker) {
  const path = z.discriminatedUnion('type', [
    object({ type: z.literal('path'), path: text() }),
    object({ type: z.literal('special'), value: specialPathSchema(object) }),
    object({ type: z.literal('glob_pattern'), pattern: text() }),
  ])
  const access = z.enum(['read', 'write', 'none', 'deny'])
  return listOf(object({ path, access, missing_path_behavior: z.enum(['skip']).nullish() }))
}

function juneFileSystem(object: ObjectMaker) {
  return object({
    kind: z.enum(KINDS),
    entries: juneEntries(object).default([]),
    glob_scan_max_depth: scanDepth(0).nullish(),
  })
}

export const networkWord = lazily(() => z.enum(['restricted', 'enabled']))

// WIRE-7, WIRE-8. `withReadAccess`: June has no members that restrict reading (L6-3).
function legacySchema(object: ObjectMaker, withReadAccess: boolean) {
  const readAccess = z
    .discriminatedUnion('type', [
      object({ type: z.literal('full-access') }),
      object({
        type: z.literal('restricted'),
        include_platform_defaults: z.boolean().default(true),
        readable_roots: listOf(text()).default([]),
      }),
    ])
    .default({ type: 'full-access' })
  const flag = z.boolean().default(false)
  const readOnly = { type: z.literal('read-only'), network_access: flag }
  const workspaceWrite = {
    type: z.literal('workspace-write'),
    writable_roots: listOf(text()).default([]),
    network_access: flag,
    exclude_tmpdir_env_var: flag,
    exclude_slash_tmp: flag,
  }
  return z.discriminatedUnion('type', [
    object({ type: z.literal('danger-full-access') }),
    object(withReadAccess ? { ...readOnly, access: readAccess } : readOnly),
    object({ type: z.literal('external-sandbox'), network_access: networkWord().default('restricted') }),
    object(withReadAccess ? { ...workspaceWrite, read_only_access: readAccess } : workspaceWrite),
  ])
}

/**
 * The schemas for a model. Without one: the words of both, and no member of either is passed over that would restrict more.
 */
function schemasFor(object: ObjectMaker, model: Model | undefined) {
  return {
    fileSystem: model === '2026-03' ? marchFileSystem(object) : juneFileSystem(object),
    legacy: legacySchema(object, model !== '2026-06'),
    entries: juneEntries(object),
  }
}

// The two makers differ in what they do with unknown members, not in the type they give.
const makers = { ignore: () => z.object, refuse: () => z.strictObject as unknown as ObjectMaker }

type WireSchemas = ReturnType<typeof schemasFor>

const made = new Map<string, WireSchemas>()

/** Made on first use; most hosts need one of them. */
export function wireSchemas(unknownMembers: keyof typeof makers, model: Model | undefined): WireSchemas {
  const key = `${unknownMembers} ${model}`
  const known = made.get(key)
  if (known !== undefined) return known
  const schemas = schemasFor(makers[unknownMembers](), model)
  made.set(key, schemas)
  return schemas
}

export type WireFileSystemPolicy = Zod.infer<ReturnType<typeof juneFileSystem>>
export type WireEntry = WireFileSystemPolicy['entries'][number]
export type WireSpecialPath = Extract<WireEntry['path'], { type: 'special' }>['value']
export type WireLegacyPolicy = Zod.infer<ReturnType<typeof legacySchema>>
export type WireReadAccess = Extract<WireLegacyPolicy, { access: unknown }>['access']

/** Every member name of the wire forms, for "did you mean". */
export const MEMBER_NAMES = [
  'kind',
  'entries',
  'path',
  'access',
  'pattern',
  'missing_path_behavior',
  'glob_scan_max_depth',
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
