/** Where a pattern of an entry belongs (spec L6-5, L6-13). */
import { type AbsolutePath, resolvePath } from './path.ts'
import type { Surroundings } from './types.ts'

/** Begins a pattern that is meant from the workspace's root, as the tables of a configuration write it. */
export const WORKSPACE_PATTERN = 'codex-project-roots://'

/** The pattern made absolute as if it were a path (PATH-2): relative ones belong to the policy's working directory. */
export function resolveGlob(pattern: string, { policyCwd, home }: Surroundings): AbsolutePath {
  const text = pattern.startsWith(WORKSPACE_PATTERN) ? pattern.slice(WORKSPACE_PATTERN.length) : pattern
  return resolvePath(text, policyCwd, home)
}
