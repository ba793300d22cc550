/** A policy whose workspace is more than one directory (spec L6-13). */
import { unreachable } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import { globBelow, workspaceGlob } from './glob-place.ts'
import { type AbsolutePath, expandHome, isAbsolute, resolvePath } from './path.ts'
import type { FileSystemPath, FileSystemSandboxPolicy } from './policy.ts'

export interface WorkspaceRootsOptions {
  /** What `~` at the beginning of a subpath stands for. */
  readonly home?: string | undefined
}

type Place = (root: AbsolutePath) => FileSystemPath

/** What the path stands for in each directory, and whether it has no meaning beside that; null when it is not about the workspace. */
function placeOf(
  path: FileSystemPath,
  home: string | undefined,
): { readonly at: Place; readonly only: boolean } | null {
  switch (path.type) {
    case 'path':
      return null
    case 'glob_pattern': {
      const pattern = workspaceGlob(path.pattern)
      const text = pattern ?? path.pattern
      // A relative pattern belongs to the working directory, as the preset `strict` has them. It stays there, and its denial
      // reaches the other directories as well.
      if (pattern === null && isAbsolute(expandHome(text, '/'))) return null
      return { at: root => ({ type: path.type, pattern: globBelow(text, root, home) }), only: pattern !== null }
    }
    case 'special': {
      const { value } = path
      if (value.kind !== 'project_roots' && value.kind !== 'current_working_directory') return null
      const subpath = value.kind === 'project_roots' ? value.subpath : undefined
      const place = (root: AbsolutePath) => (subpath === undefined ? root : resolvePath(subpath, root, home))
      return { at: root => ({ type: 'path', path: place(root) }), only: true }
    }
    default:
      return unreachable(path)
  }
}

/**
 * The policy with every entry about the workspace said of each of the directories by its path: `:workspace_roots` and what is below
 * it, the working directory, and patterns that begin at the workspace's root. Relative patterns stay, and are repeated for each
 * directory. All other entries stay as they are; what two directories have in common is said once.
 *
 * The working directory is part of the workspace afterwards only when it is one of `roots`, which must be absolute and normal
 * (`parseAbsolutePath`). Without any directory the policy stays as it is: its denials must not vanish with the last root.
 */
export function withWorkspaceRoots(
  policy: FileSystemSandboxPolicy,
  roots: readonly AbsolutePath[],
  { home }: WorkspaceRootsOptions = {},
): FileSystemSandboxPolicy {
  if (roots.length === 0) return policy
  const made = new Set<string>()
  const entries = policy.entries.flatMap(entry => {
    const place = placeOf(entry.path, home)
    if (place === null) return [entry]
    const repeated = roots.map(root => ({ ...entry, path: place.at(root) }))
    const fresh = repeated.filter(item => {
      const key = JSON.stringify(item)
      return !made.has(key) && made.add(key)
    })
    return place.only ? fresh : [entry, ...fresh]
  })
  return deepFreeze({ ...policy, entries })
}
