/** Questions for a profile, from a few words, on a disk in memory. */
import { parseMacosGrants } from '../../../lib/plan/macos/grants.ts'
import { closedNetwork, type NetworkGrants } from '../../../lib/plan/macos/network.ts'
import { makeProfile, type Profile, type ProfileOptions } from '../../../lib/plan/macos/profile.ts'
import { canonicalPaths } from '../../../lib/policy/canonical.ts'
import { compileGlob } from '../../../lib/policy/glob.ts'
import { resolvePolicy } from '../../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../../lib/policy/sandbox-policy.ts'
import { path, surroundingsIn, type Tree } from '../../policy/fake-files.ts'

export const macTree: Tree = {
  '/Users/u/repo/.git': 'dir',
  '/private/tmp': 'dir',
  '/tmp': { link: '/private/tmp' },
  '/private/var/folders/T': 'dir',
  '/var': { link: '/private/var' },
}

export interface ProfileWords {
  readonly policy: unknown
  readonly tree?: Tree
  readonly grants?: unknown
  readonly network?: Partial<NetworkGrants>
  readonly patterns?: readonly string[]
  readonly options?: ProfileOptions
}

export function profileOf({
  policy,
  tree = macTree,
  grants,
  network,
  patterns = [],
  options = {},
}: ProfileWords): Profile {
  const surroundings = surroundingsIn(tree, { cwd: '/Users/u/repo', home: '/Users/u', tmpdir: '/var/folders/T' })
  const resolved = resolvePolicy(parseSandboxPolicy(policy), surroundings)
  return makeProfile({
    resolved,
    network: { ...closedNetwork, enabled: resolved.network === 'enabled', ...network },
    grants: parseMacosGrants(grants),
    globs: patterns.map((pattern, index) => compileGlob(path(pattern), index)!),
    home: path('/Users/u'),
    userCacheDirectory: path('/private/var/folders/C'),
    canonical: canonicalPaths(surroundings.files).canonical,
    options,
  })
}

/** For golden files: the text, then its parameters. */
export function printed({ text, parameters }: Profile): string {
  return `${text}\n${Object.entries(parameters)
    .map(([key, value]) => `-D${key}=${value}`)
    .join('\n')}\n`
}
