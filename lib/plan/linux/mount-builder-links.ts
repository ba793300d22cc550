/**
 * Symbolic links of a new, empty root: names under which the policy's places are known on the host. Without them a policy
 * that opens /usr would have no /bin/sh. A link only adds a name for a place that has its own operation; it opens nothing.
 */
import { type AbsolutePath, depthOf, resolvePath } from '../../policy/path.ts'
import type { AccessRule, ResolvedPolicy, RuleOrigin } from '../../policy/types.ts'

export interface Link {
  readonly path: AbsolutePath
  readonly to: string
}

const mergedNames: ReadonlySet<string> = new Set(['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'])

/**
 * Where a link of a merged /usr leads; null for other paths. The rules say that /bin is a link but not where to. Every
 * distribution that merges them keeps these, if need be through a second link below /usr (Arch: /usr/sbin -> bin).
 */
export function platformLink(path: AbsolutePath): string | null {
  return mergedNames.has(path) ? `usr${path}` : null
}

/** The absolute spelling of the entry behind a rule, before links were resolved; null when the policy does not tell. */
export function entryAlias(resolved: ResolvedPolicy, origin: RuleOrigin): AbsolutePath | null {
  if (origin.kind !== 'entry') return null
  const path = resolved.fileSystem.entries[origin.index]?.path
  if (path === undefined) return null
  if (path.type === 'path') return path.path
  // A match of a pattern has many places, and none needs another name.
  if (path.type === 'glob_pattern') return null
  switch (path.value.kind) {
    case 'current_working_directory':
      return resolved.cwd
    case 'project_roots':
      return path.value.subpath === undefined ? resolved.cwd : resolvePath(path.value.subpath, resolved.cwd)
    case 'slash_tmp':
      return '/tmp' as AbsolutePath
    default:
      return null
  }
}

/** The names under which the entries of a policy reach their places through links, shallow first. */
export function aliasLinks(resolved: ResolvedPolicy, rules: readonly AccessRule[]): Link[] {
  const links = new Map<AbsolutePath, Link>()
  for (const rule of rules) {
    if (rule.access === 'none') continue
    const alias = entryAlias(resolved, rule.origin)
    if (alias !== null && alias !== rule.path) links.set(alias, { path: alias, to: rule.path })
  }
  return [...links.values()].sort((a, b) => depthOf(a.path) - depthOf(b.path) || (a.path < b.path ? -1 : 1))
}
