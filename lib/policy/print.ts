/**
 * Prints policies in their exact output forms (spec WIRE-1 … WIRE-8): which members are left out when they hold the default,
 * and which are always there. The results are plain JSON values; parsing one gives the policy back.
 */
import { unreachable } from '../errors.ts'
import type {
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  LegacySandboxPolicy,
  ReadOnlyAccess,
} from './policy.ts'

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue }
export type JsonObject = { readonly [member: string]: JsonValue }

function printPath(path: FileSystemPath): JsonObject {
  return path.type === 'path' ? { type: 'path', path: path.path } : { type: 'special', value: { ...path.value } }
}

function printEntry(entry: FileSystemSandboxEntry): JsonObject {
  return { path: printPath(entry.path), access: entry.access }
}

/** WIRE-1: `entries` is left out when empty. */
export function printFileSystemPolicy(policy: FileSystemSandboxPolicy): JsonObject {
  if (policy.entries.length === 0) return { kind: policy.kind }
  return { kind: policy.kind, entries: policy.entries.map(printEntry) }
}

// WIRE-8: full access is the default and is left out by the member that would hold it.
function printReadAccess(member: string, access: ReadOnlyAccess): JsonObject {
  if (access.type === 'full-access') return {}
  const roots = access.readable_roots.length === 0 ? {} : { readable_roots: access.readable_roots }
  return {
    [member]: { type: 'restricted', include_platform_defaults: access.include_platform_defaults, ...roots },
  }
}

/** WIRE-7. */
export function printLegacyPolicy(policy: LegacySandboxPolicy): JsonObject {
  switch (policy.type) {
    case 'danger-full-access':
      return { type: policy.type }
    case 'external-sandbox':
      return { type: policy.type, network_access: policy.network_access }
    case 'read-only': {
      const network = policy.network_access ? { network_access: true } : {}
      return { type: policy.type, ...printReadAccess('access', policy.access), ...network }
    }
    case 'workspace-write': {
      const roots = policy.writable_roots.length === 0 ? {} : { writable_roots: policy.writable_roots }
      return {
        type: policy.type,
        ...roots,
        ...printReadAccess('read_only_access', policy.read_only_access),
        network_access: policy.network_access,
        exclude_tmpdir_env_var: policy.exclude_tmpdir_env_var,
        exclude_slash_tmp: policy.exclude_slash_tmp,
      }
    }
    default:
      return unreachable(policy)
  }
}
