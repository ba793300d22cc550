/**
 * Additional permissions for one command, as they come over the wire (spec WIRE-9 … WIRE-11). Absent and `null` are the same
 * here; a profile prints as it is, with `null` for what is absent.
 */
import type { z as Zod } from 'zod'
import { lazily, z } from '../schema.ts'
import { exactMacosExtension, type MacosExtension, macosExtension } from './macos-extension.ts'
import { checked, guarded, type ParseOptions, readPath } from './parse.ts'
import type { AbsolutePath } from './path.ts'
import { text } from './wire.ts'

export interface FileSystemPermissions {
  readonly read: readonly AbsolutePath[] | null
  readonly write: readonly AbsolutePath[] | null
}

export interface PermissionProfile {
  readonly network: { readonly enabled: boolean | null } | null
  readonly file_system: FileSystemPermissions | null
  readonly macos: MacosExtension | null
}

function optional<Schema extends Zod.ZodType>(schema: Schema) {
  return schema.nullable().default(null)
}

function profileWith(macos: Zod.ZodType<MacosExtension>) {
  const paths = optional(z.array(text()))
  return z.object({
    network: optional(z.object({ enabled: optional(z.boolean()) })),
    file_system: optional(z.object({ read: paths, write: paths })),
    macos: optional(macos),
  })
}

const profile = lazily(() => profileWith(macosExtension()))
const exactProfile = lazily(() => profileWith(exactMacosExtension()))

const DOCUMENT = 'permission profile'

function readList(list: readonly string[] | null, member: string, options: ParseOptions): AbsolutePath[] | null {
  return list?.map((item, index) => readPath(DOCUMENT, `file_system.${member}[${index}]`, item, options)) ?? null
}

/**
 * Reads additional permissions (WIRE-9).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parsePermissionProfile(input: unknown, options: ParseOptions = {}): PermissionProfile {
  return guarded(DOCUMENT, () => {
    const wire = checked(DOCUMENT, input, options.model === '2026-03' ? exactProfile() : profile())
    const files = wire.file_system
    return {
      network: wire.network,
      file_system: files && {
        read: readList(files.read, 'read', options),
        write: readList(files.write, 'write', options),
      },
      macos: wire.macos,
    }
  })
}

/**
 * Reads a macOS extension by itself (WIRE-10).
 *
 * @throws {PolicyError} ERR_POLICY_INVALID
 */
export function parseMacosExtension(input: unknown, { model }: Pick<ParseOptions, 'model'> = {}): MacosExtension {
  const schema = model === '2026-03' ? exactMacosExtension() : macosExtension()
  return guarded('macOS extension', () => checked('macOS extension', input, schema))
}
