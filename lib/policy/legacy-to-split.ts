/**
 * Legacy policy to split policy (spec CONV-1 … CONV-4; June: L6-11). Always possible; nothing is resolved, specials stay
 * symbolic.
 */
import { unreachable } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import { legacyWritableRoots } from './legacy.ts'
import { juneLegacyToSplit } from './legacy-to-split-june.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import type { AbsolutePath } from './path.ts'
import { PathTree } from './path-tree.ts'
import type {
  FileSystemAccess,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  LegacySandboxPolicy,
  ReadOnlyAccess,
} from './policy.ts'
import { special } from './special.ts'
import type { Surroundings, WritableRoot } from './types.ts'
import { writableRootAllows } from './writable-roots.ts'

type WorkspaceWrite = Extract<LegacySandboxPolicy, { type: 'workspace-write' }>

function entryOf(kind: Parameters<typeof special>[0], access: FileSystemAccess): FileSystemSandboxEntry {
  return { path: special(kind), access }
}

function paths(roots: readonly AbsolutePath[], access: FileSystemAccess): FileSystemSandboxEntry[] {
  return roots.map(path => ({ path: { type: 'path', path }, access }))
}

function readPart(access: ReadOnlyAccess): FileSystemSandboxEntry[] {
  if (access.type === 'full-access') return [entryOf('root', 'read')]
  const defaults = access.include_platform_defaults ? [entryOf('minimal', 'read')] : []
  return [...defaults, ...paths(access.readable_roots, 'read')]
}

/** CONV-4: a readable root that the legacy model lets be written was redundant there and must not narrow here. */
function withoutRedundantReads(
  entries: readonly FileSystemSandboxEntry[],
  policy: WorkspaceWrite,
  surroundings: Surroundings,
): readonly FileSystemSandboxEntry[] {
  // The roots look at the disk, and most policies have nothing to ask them.
  if (!entries.some(({ path, access }) => access === 'read' && path.type === 'path')) return entries
  const roots = legacyWritableRoots(policy, surroundings)
  const tree = new PathTree<WritableRoot>()
  // A root that is listed twice has the same protections twice.
  for (const root of new Map(roots.map(item => [item.root, item])).values()) tree.add(root.root, root)
  const allowed = (path: AbsolutePath) => {
    for (const found of tree.above(path)) if (found.some(root => writableRootAllows(root, path))) return true
    return false
  }
  return entries.filter(({ path, access }) => access !== 'read' || path.type !== 'path' || !allowed(path.path))
}

function workspaceEntries(policy: WorkspaceWrite): FileSystemSandboxEntry[] {
  const entries: FileSystemSandboxEntry[] = [
    ...readPart(policy.read_only_access),
    entryOf('current_working_directory', 'write'),
  ]
  if (!policy.exclude_slash_tmp) entries.push(entryOf('slash_tmp', 'write'))
  if (!policy.exclude_tmpdir_env_var) entries.push(entryOf('tmpdir', 'write'))
  return [...entries, ...paths(policy.writable_roots, 'write')]
}

function convert(policy: LegacySandboxPolicy, surroundings: Surroundings | null): FileSystemSandboxPolicy {
  switch (policy.type) {
    case 'danger-full-access':
      return { kind: 'unrestricted', entries: [] }
    case 'external-sandbox':
      return { kind: 'external-sandbox', entries: [] }
    case 'read-only': {
      const cwd = policy.access.type === 'restricted' ? [entryOf('current_working_directory', 'read')] : []
      return { kind: 'restricted', entries: [...cwd, ...readPart(policy.access)] }
    }
    case 'workspace-write': {
      const entries = workspaceEntries(policy)
      if (surroundings === null) return { kind: 'restricted', entries }
      return { kind: 'restricted', entries: withoutRedundantReads(entries, policy, surroundings) }
    }
    default:
      return unreachable(policy)
  }
}

/**
 * The file-system policy that means what the legacy policy means. Without surroundings CONV-4 is not done: readable roots
 * inside writable ones then stay and narrow them. The network word is `networkFromLegacy`. June knows no restricted reads and
 * writes the default protections down (L6-3, L6-11).
 */
export function legacyToSplit(
  policy: LegacySandboxPolicy,
  surroundings: Surroundings | null = null,
  model: Model = MAIN_MODEL,
): FileSystemSandboxPolicy {
  return deepFreeze(model === '2026-03' ? convert(policy, surroundings) : juneLegacyToSplit(policy, surroundings))
}
