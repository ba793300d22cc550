/** The legacy policy's own questions (spec LEG-1 … LEG-5). */
import { unreachable } from '../errors.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import type { AbsolutePath } from './path.ts'
import type { LegacySandboxPolicy, NetworkSandboxPolicy, ReadOnlyAccess } from './policy.ts'
import { protectedPathsOf } from './protections.ts'
import { slashTmp, temporaryDirectory } from './special.ts'
import type { Surroundings, WritableRoot } from './types.ts'

/** The read access of the two shapes that can restrict reading; null for the two that cannot. */
function readAccessOf(policy: LegacySandboxPolicy): ReadOnlyAccess | null {
  switch (policy.type) {
    case 'danger-full-access':
    case 'external-sandbox':
      return null
    case 'read-only':
      return policy.access
    case 'workspace-write':
      return policy.read_only_access
    default:
      return unreachable(policy)
  }
}

/** LEG-1. */
export function legacyFullDiskRead(policy: LegacySandboxPolicy): boolean {
  const access = readAccessOf(policy)
  return access === null || access.type === 'full-access'
}

/** LEG-1. */
export function legacyFullDiskWrite(policy: LegacySandboxPolicy): boolean {
  return policy.type === 'danger-full-access' || policy.type === 'external-sandbox'
}

/** LEG-1 as the word of the split model (CONV-1). */
export function networkFromLegacy(policy: LegacySandboxPolicy): NetworkSandboxPolicy {
  switch (policy.type) {
    case 'danger-full-access':
      return 'enabled'
    case 'external-sandbox':
      return policy.network_access
    case 'read-only':
    case 'workspace-write':
      return policy.network_access ? 'enabled' : 'restricted'
    default:
      return unreachable(policy)
  }
}

/** LEG-5: only when reading is restricted and the flag is set. */
export function legacyPlatformDefaults(policy: LegacySandboxPolicy): boolean {
  const access = readAccessOf(policy)
  return access?.type === 'restricted' && access.include_platform_defaults
}

/** LEG-2, LEG-3: the roots alone, neither canonical nor free of repeats. */
function writableRootPaths(policy: LegacySandboxPolicy, surroundings: Surroundings): AbsolutePath[] {
  if (policy.type !== 'workspace-write') return []
  const slash = policy.exclude_slash_tmp ? null : slashTmp(surroundings)
  const temporary = policy.exclude_tmpdir_env_var ? null : temporaryDirectory(surroundings)
  const optional = [slash, temporary].filter(path => path !== null)
  return [...policy.writable_roots, surroundings.policyCwd, ...optional]
}

/**
 * LEG-2 … LEG-4: each root with the default protections at its top. In June the working directory's `.codex` is one also when it
 * is missing (L4-4), and no name is protected that nothing has.
 */
export function legacyWritableRoots(
  policy: LegacySandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): WritableRoot[] {
  return writableRootPaths(policy, surroundings).map(root => {
    if (model === '2026-03') return { root, readOnly: protectedPathsOf(root, surroundings) }
    const readOnly = protectedPathsOf(root, surroundings, model, root === surroundings.policyCwd)
    return { root, readOnly, protectedNames: [] }
  })
}

/** LEG-5: `workspace-write` lists its writable roots also when everything can be read. */
export function legacyReadableRoots(policy: LegacySandboxPolicy, surroundings: Surroundings): AbsolutePath[] {
  const access = readAccessOf(policy)
  const readable = access?.type === 'restricted' ? [...access.readable_roots, surroundings.policyCwd] : []
  return [...new Set([...readable, ...writableRootPaths(policy, surroundings)])]
}
