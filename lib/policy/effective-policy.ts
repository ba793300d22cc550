/**
 * A policy widened by additional permissions (spec ADD-5, ADD-6). The split result is exact and is the one to enforce; the
 * legacy one is an over-approximation of the reference, kept for those who must show it.
 */
import { unreachable } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import type { AbsolutePath } from './path.ts'
import type { PermissionProfile } from './permission-profile.ts'
import type {
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  LegacySandboxPolicy,
  NetworkSandboxPolicy,
  ReadOnlyAccess,
} from './policy.ts'

/** ADD-5: grants are appended, `none` entries stay and win for exactly their own path. */
export function effectiveFileSystem(
  policy: FileSystemSandboxPolicy,
  permissions: PermissionProfile | null,
): FileSystemSandboxPolicy {
  if (policy.kind !== 'restricted' || permissions === null) return policy
  const key = (path: AbsolutePath, access: string) => `${access} ${path}`
  const known = new Set(policy.entries.map(({ path, access }) => (path.type === 'path' ? key(path.path, access) : '')))
  const appended: FileSystemSandboxEntry[] = []
  for (const access of ['read', 'write'] as const) {
    for (const path of permissions.file_system?.[access] ?? []) {
      if (known.has(key(path, access))) continue
      known.add(key(path, access))
      appended.push({ path: { type: 'path', path }, access })
    }
  }
  return deepFreeze({ kind: policy.kind, entries: [...policy.entries, ...appended] })
}

/** ADD-5: permissions can open the network, never close it. */
export function effectiveNetwork(
  network: NetworkSandboxPolicy,
  permissions: PermissionProfile | null,
): NetworkSandboxPolicy {
  return permissions?.network?.enabled === true ? 'enabled' : network
}

function withReads(access: ReadOnlyAccess, reads: readonly AbsolutePath[]): ReadOnlyAccess {
  if (access.type === 'full-access') return access
  return { ...access, readable_roots: [...new Set([...access.readable_roots, ...reads])] }
}

function widened(policy: LegacySandboxPolicy, permissions: PermissionProfile): LegacySandboxPolicy {
  const opens = permissions.network?.enabled === true
  const reads = permissions.file_system?.read ?? []
  const writes = permissions.file_system?.write ?? []
  switch (policy.type) {
    case 'danger-full-access':
      return policy
    case 'external-sandbox':
      return opens ? { ...policy, network_access: 'enabled' } : policy
    case 'workspace-write':
      return {
        ...policy,
        writable_roots: [...new Set([...policy.writable_roots, ...writes])],
        read_only_access: withReads(policy.read_only_access, reads),
        network_access: policy.network_access || opens,
      }
    case 'read-only': {
      const access = withReads(policy.access, reads)
      const network_access = policy.network_access || opens
      if (writes.length === 0) return { ...policy, access, network_access }
      return {
        type: 'workspace-write',
        writable_roots: [...new Set(writes)],
        read_only_access: access,
        network_access,
        exclude_tmpdir_env_var: false,
        exclude_slash_tmp: false,
      }
    }
    default:
      return unreachable(policy)
  }
}

/**
 * ADD-6. Beware: a read-only policy with one write becomes `workspace-write`, which also opens the working directory and
 * both temporary directories. Enforce the split result instead.
 */
export function effectiveLegacy(
  policy: LegacySandboxPolicy,
  permissions: PermissionProfile | null,
): LegacySandboxPolicy {
  if (permissions === null) return policy
  const { network, file_system, macos } = permissions
  if (network === null && file_system === null && macos === null) return policy
  return deepFreeze(widened(policy, permissions))
}
