/** Where a pattern of an entry belongs (spec L6-5, L6-13). */
import { type AbsolutePath, expandHome, isAbsolute, normalizeAbsolute, resolvePath } from './path.ts'
import type { Surroundings } from './types.ts'

/** Begins a pattern that is meant from the workspace's root, as the tables of a configuration write it. */
export const WORKSPACE_PATTERN = 'codex-project-roots://'

/** A path as the pattern that stands for it alone: what would be a sign in a pattern (`[id]` is a common name) means itself. */
export function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{}]/g, '\\$&')
}

/**
 * The pattern made absolute as if it were a path (PATH-2): relative ones belong to the directory. The directory and the home
 * directory are names, never signs.
 */
export function globBelow(pattern: string, directory: AbsolutePath, home: string | undefined): AbsolutePath {
  const expanded = expandHome(pattern, home === undefined ? undefined : escapeGlob(home))
  if (isAbsolute(expanded)) return normalizeAbsolute(expanded)
  return resolvePath(expanded, escapeGlob(directory) as AbsolutePath)
}

/** The text of a pattern that is meant from the workspace's root; null for any other. */
export function workspaceGlob(pattern: string): string | null {
  return pattern.startsWith(WORKSPACE_PATTERN) ? pattern.slice(WORKSPACE_PATTERN.length) : null
}

/** The pattern made absolute: relative ones belong to the policy's working directory. */
export function resolveGlob(pattern: string, { policyCwd, home }: Surroundings): AbsolutePath {
  return globBelow(workspaceGlob(pattern) ?? pattern, policyCwd, home)
}
