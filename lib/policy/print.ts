/**
 * Prints policies in their exact output forms (spec WIRE-1 … WIRE-8, L6-1, L6-2): which members are left out when they hold the default,
 * and which are always there. The results are plain JSON values; parsing one gives the policy back.
 */
import { PolicyError, unreachable } from '../errors.ts'
import type { Model } from './model.ts'
import type {
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  LegacySandboxPolicy,
  ReadOnlyAccess,
} from './policy.ts'
import { spellingOf } from './special.ts'

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue }
export type JsonObject = { readonly [member: string]: JsonValue }

function printPath(path: FileSystemPath, model: Model): JsonObject {
  switch (path.type) {
    case 'path':
      return { type: path.type, path: path.path }
    case 'glob_pattern':
      return { type: path.type, pattern: path.pattern }
    case 'special': {
      const { value } = path
      const folded = model === '2026-06' && value.kind === 'current_working_directory'
      return { type: path.type, value: folded ? { kind: 'project_roots' } : { ...value } }
    }
    default:
      return unreachable(path)
  }
}

/** One entry in the words of a model. */
export function printEntry(entry: FileSystemSandboxEntry, model: Model): JsonObject {
  const access = entry.access === 'none' && model === '2026-06' ? 'deny' : entry.access
  const missing =
    entry.missing_path_behavior === undefined ? {} : { missing_path_behavior: entry.missing_path_behavior }
  return { path: printPath(entry.path, model), access, ...missing }
}

function isOfJune({ path, missing_path_behavior }: FileSystemSandboxEntry): boolean {
  return path.type === 'glob_pattern' || missing_path_behavior !== undefined
}

/** The oldest model that has words for all that the policy says. */
export function oldestModelOf(policy: FileSystemSandboxPolicy): Model {
  return policy.glob_scan_max_depth !== undefined || policy.entries.some(isOfJune) ? '2026-06' : '2026-03'
}

/**
 * WIRE-1: `entries` is left out when empty. Prints the words of `model`, by default of the oldest one that has them all.
 *
 * @throws {PolicyError} ERR_POLICY_NO_ROUND_TRIP when the model has no word for something in the policy
 */
export function printFileSystemPolicy(policy: FileSystemSandboxPolicy, model?: Model): JsonObject {
  const least = oldestModelOf(policy)
  if (model === '2026-03' && least === '2026-06') {
    const entry = policy.entries.find(isOfJune)
    const named = entry === undefined ? 'glob_scan_max_depth' : spellingOf(entry.path)
    throw new PolicyError(
      'ERR_POLICY_NO_ROUND_TRIP',
      `cannot print a policy of 2026-03: it has no words for ${named}`,
      {
        entry: named,
      },
    )
  }
  const depth = policy.glob_scan_max_depth === undefined ? {} : { glob_scan_max_depth: policy.glob_scan_max_depth }
  const words = model ?? least
  const entries = policy.entries.length === 0 ? {} : { entries: policy.entries.map(entry => printEntry(entry, words)) }
  return { kind: policy.kind, ...depth, ...entries }
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
