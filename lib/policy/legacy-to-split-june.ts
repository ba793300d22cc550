/**
 * Legacy policy to split policy as June has it (spec L4-2, L6-3, L6-11): everything can be read, and the default protections of
 * the workspace and of every root that is named are entries of the policy, unless an entry speaks of them already.
 */
import { unreachable } from '../errors.ts'
import type { AbsolutePath } from './path.ts'
import type { FileSystemPath, FileSystemSandboxEntry, FileSystemSandboxPolicy, LegacySandboxPolicy } from './policy.ts'
import { PROTECTED_NAMES, protectedPathsOf } from './protections.ts'
import { special } from './special.ts'
import type { Surroundings } from './types.ts'
import { targetKey } from './whole-disk.ts'

type WorkspaceWrite = Extract<LegacySandboxPolicy, { type: 'workspace-write' }>

const READ_ALL: FileSystemSandboxEntry = { path: special('root'), access: 'read' }

function pathOf(path: AbsolutePath): FileSystemPath {
  return { type: 'path', path }
}

function writes(policy: WorkspaceWrite): FileSystemSandboxEntry[] {
  const places = [
    special('project_roots'),
    ...(policy.exclude_slash_tmp ? [] : [special('slash_tmp')]),
    ...(policy.exclude_tmpdir_env_var ? [] : [special('tmpdir')]),
    ...policy.writable_roots.map(pathOf),
  ]
  return places.map(path => ({ path, access: 'write' }))
}

/** The entries, then a `read` entry for every place of which none of them speaks. */
function withProtections(
  entries: readonly FileSystemSandboxEntry[],
  places: readonly FileSystemPath[],
): FileSystemSandboxEntry[] {
  const named = new Set(entries.map(entry => targetKey(entry.path)))
  const added: FileSystemSandboxEntry[] = []
  for (const path of places) {
    const key = targetKey(path)
    if (named.has(key)) continue
    named.add(key)
    added.push({ path, access: 'read' })
  }
  return [...entries, ...added]
}

/** By name, whether anything stands there or not. */
const NAMED_PLACES: readonly FileSystemPath[] = PROTECTED_NAMES.map(subpath => ({
  type: 'special',
  value: { kind: 'project_roots', subpath },
}))

function placesInRoots(policy: WorkspaceWrite, surroundings: Surroundings): FileSystemPath[] {
  return policy.writable_roots.flatMap(root => protectedPathsOf(root, surroundings, '2026-06')).map(pathOf)
}

function placesInWorkspace(surroundings: Surroundings): FileSystemPath[] {
  return protectedPathsOf(surroundings.policyCwd, surroundings, '2026-06', true).map(pathOf)
}

function protectedPlaces(policy: WorkspaceWrite, surroundings: Surroundings | null): FileSystemPath[] {
  if (surroundings === null) return [...NAMED_PLACES]
  return [...NAMED_PLACES, ...placesInRoots(policy, surroundings), ...placesInWorkspace(surroundings)]
}

/** L6-11. Without surroundings no protection is known but those by name. */
export function juneLegacyToSplit(
  policy: LegacySandboxPolicy,
  surroundings: Surroundings | null,
): FileSystemSandboxPolicy {
  switch (policy.type) {
    case 'danger-full-access':
      return { kind: 'unrestricted', entries: [] }
    case 'external-sandbox':
      return { kind: 'external-sandbox', entries: [] }
    case 'read-only':
      return { kind: 'restricted', entries: [READ_ALL] }
    case 'workspace-write': {
      const entries = withProtections([READ_ALL, ...writes(policy)], protectedPlaces(policy, surroundings))
      return { kind: 'restricted', entries }
    }
    default:
      return unreachable(policy)
  }
}

/** L6-10: what a legacy back end holds, for the comparison only: protections where something stands, and `.codex`. */
export function juneRuntimePolicy(policy: LegacySandboxPolicy, surroundings: Surroundings): FileSystemSandboxPolicy {
  if (policy.type !== 'workspace-write') return juneLegacyToSplit(policy, surroundings)
  const places = [...placesInWorkspace(surroundings), ...placesInRoots(policy, surroundings)]
  return { kind: 'restricted', entries: withProtections([READ_ALL, ...writes(policy)], places) }
}
