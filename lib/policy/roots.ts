/**
 * The root lists that back ends of the reference work from (spec ROOT-1 … ROOT-4, ROOT-9): canonical, in entry order, later
 * repeats dropped.
 */
import { type AccessIndex, indexAccess } from './access.ts'
import { type CanonicalPaths, canonicalPaths } from './canonical.ts'
import { type AbsolutePath, ROOT } from './path.ts'
import type { FileSystemSandboxPolicy } from './policy.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskRead } from './whole-disk.ts'

/** What the root lists share, so that asking for all of them looks at the disk once. */
export interface RootContext {
  readonly policy: FileSystemSandboxPolicy
  readonly surroundings: Surroundings
  readonly access: AccessIndex
  readonly paths: CanonicalPaths
}

export function rootContext(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  paths: CanonicalPaths = canonicalPaths(surroundings.files),
): RootContext {
  return { policy, surroundings, access: indexAccess(policy, surroundings), paths }
}

/** ROOT-1: empty under full read; else the canonical path of every entry that is readable at its own path. */
export function readableRoots({ policy, access, paths }: RootContext): AbsolutePath[] {
  if (hasFullDiskRead(policy)) return []
  const readable = access.entries.filter(entry => entry.access !== 'none' && access.accessAt(entry.path) !== 'none')
  return [...new Set(readable.map(entry => paths.canonical(entry.path)))]
}

/** ROOT-9: the canonical path of every `none` entry but the root, also of those with something re-opened below. */
export function unreadableRoots({ access, paths }: RootContext): AbsolutePath[] {
  const denied = access.entries.filter(entry => entry.access === 'none' && entry.path !== ROOT)
  return [...new Set(denied.map(entry => paths.canonical(entry.path)))]
}
