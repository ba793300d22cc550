/**
 * June's profiles as a runtime hands them on (spec L6-4): what is confined, by whom, and whether the network is open. The untagged
 * shape of older records is read as one that is managed.
 */
import type { z as Zod } from 'zod'
import { unreachable } from '../errors.ts'
import { lazily, z } from '../schema.ts'
import { june, readEntryPermissions } from './entry-permissions.ts'
import { checked, guarded, type ParseOptions, readEntries } from './parse.ts'
import type { FileSystemSandboxPolicy, NetworkSandboxPolicy } from './policy.ts'
import { type JsonObject, printFileSystemPolicy } from './print.ts'
import { within } from './refusal.ts'
import { networkWord, scanDepth, wireSchemas } from './wire.ts'

export type RuntimeProfile =
  /** Confined by what reads this. `fileSystem` is `restricted` or `unrestricted`. */
  | {
      readonly type: 'managed'
      readonly fileSystem: FileSystemSandboxPolicy
      readonly network: NetworkSandboxPolicy
    }
  /** Not confined. */
  | { readonly type: 'disabled' }
  /** Confined by the caller. */
  | { readonly type: 'external'; readonly network: NetworkSandboxPolicy }

/** The tags by which a profile is told from other policies. */
export const PROFILE_TAGS = ['managed', 'disabled', 'external'] as const

const DOCUMENT = 'permission profile'

function taggedSchema(object: typeof Zod.object, unknownMembers: 'ignore' | 'refuse') {
  const managed = z.discriminatedUnion('type', [
    object({
      type: z.literal('restricted'),
      entries: wireSchemas(unknownMembers, '2026-06').entries,
      glob_scan_max_depth: scanDepth(1).nullish(),
    }),
    object({ type: z.literal('unrestricted') }),
  ])
  return z.discriminatedUnion('type', [
    object({ type: z.literal('managed'), file_system: managed, network: networkWord() }),
    object({ type: z.literal('disabled') }),
    object({ type: z.literal('external'), network: networkWord() }),
  ])
}

const taggedSchemas = {
  ignore: lazily(() => taggedSchema(z.object, 'ignore')),
  refuse: lazily(() => taggedSchema(z.strictObject as unknown as typeof Zod.object, 'refuse')),
}

/** The tagged shapes, without room for members that do not exist. */
export const profileSchema = taggedSchemas.refuse

type WireProfile = Zod.infer<ReturnType<typeof taggedSchema>>

const untagged = lazily(() =>
  z.strictObject({
    network: z.object({ enabled: z.boolean().nullish() }).nullish(),
    file_system: z.looseObject({}).nullish(),
  }),
)

function restricted(
  entries: FileSystemSandboxPolicy['entries'],
  depth: number | null | undefined,
): FileSystemSandboxPolicy {
  return depth == null ? { kind: 'restricted', entries } : { kind: 'restricted', entries, glob_scan_max_depth: depth }
}

function readTagged(wire: WireProfile, options: ParseOptions): RuntimeProfile {
  if (wire.type !== 'managed') return wire
  const { file_system: files, network } = wire
  if (files.type === 'unrestricted') {
    return { type: wire.type, fileSystem: { kind: 'unrestricted', entries: [] }, network }
  }
  const entries = readEntries(DOCUMENT, 'file_system.entries', files.entries, options)
  return { type: wire.type, fileSystem: restricted(entries, files.glob_scan_max_depth), network }
}

function readUntagged(input: unknown, options: ParseOptions): RuntimeProfile {
  const { network, file_system: files } = checked(DOCUMENT, input, untagged())
  const read = files == null ? null : within('file_system', () => readEntryPermissions(DOCUMENT, files, options))
  return {
    type: 'managed',
    fileSystem: restricted(read?.entries ?? [], read?.glob_scan_max_depth),
    network: network?.enabled === true ? 'enabled' : 'restricted',
  }
}

/**
 * Reads a runtime profile (L6-4).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parseRuntimeProfile(input: unknown, options: ParseOptions = {}): RuntimeProfile {
  return guarded(DOCUMENT, () => {
    const isTagged = typeof input === 'object' && input !== null && 'type' in input
    if (!isTagged) return readUntagged(input, june(options))
    return readTagged(checked(DOCUMENT, input, taggedSchemas[options.unknownMembers ?? 'ignore']()), june(options))
  })
}

/** The two halves of a profile as a policy. */
export function policyOfProfile(profile: RuntimeProfile): {
  readonly fileSystem: FileSystemSandboxPolicy
  readonly network: NetworkSandboxPolicy
} {
  switch (profile.type) {
    case 'managed':
      return { fileSystem: profile.fileSystem, network: profile.network }
    case 'disabled':
      return { fileSystem: { kind: 'unrestricted', entries: [] }, network: 'enabled' }
    case 'external':
      return { fileSystem: { kind: 'external-sandbox', entries: [] }, network: profile.network }
    default:
      return unreachable(profile)
  }
}

/** L6-4: tagged; `entries` is always there. */
export function printRuntimeProfile(profile: RuntimeProfile): JsonObject {
  if (profile.type !== 'managed') return { ...profile }
  const { kind, ...rest } = printFileSystemPolicy(profile.fileSystem, '2026-06')
  const files = kind === 'restricted' ? { type: kind, entries: [], ...rest } : { type: 'unrestricted' }
  return { type: profile.type, file_system: files, network: profile.network }
}
