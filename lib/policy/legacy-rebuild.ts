/** Legacy and split policy side by side in a host that changes one of them (spec L4-7, L6-14). */
import { accessOf, canRead, canWrite } from './access.ts'
import { deepFreeze } from './freeze.ts'
import { legacyToSplit } from './legacy-to-split.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, normalizeAbsolute } from './path.ts'
import type {
  FileSystemAccess,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  LegacySandboxPolicy,
  NetworkSandboxPolicy,
} from './policy.ts'
import { rootContext } from './roots.ts'
import { slashTmp, special, temporaryDirectory } from './special.ts'
import { splitToLegacy } from './split-to-legacy.ts'
import type { Surroundings } from './types.ts'
import { targetKey } from './whole-disk.ts'
import { writableRoots } from './writable-roots.ts'

function denialsOf(policy: FileSystemSandboxPolicy): FileSystemSandboxEntry[] {
  return policy.kind === 'restricted' ? policy.entries.filter(({ access }) => access === 'none') : []
}

/**
 * The file-system policy of a legacy policy, with the denials that `existing` has, and how deep its patterns are looked for
 * (L4-7). A host that rebuilds a policy from its legacy form must not lose them, because the legacy model has no word for them.
 *
 * A legacy policy that closes nothing becomes a restricted one that opens the whole disk, when there is something to deny. One
 * whose sandbox is the host's business (`external-sandbox`) stays what it is: nothing here would hold the denials.
 */
export function legacyToSplitKeepingDenials(
  legacy: LegacySandboxPolicy,
  existing: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): FileSystemSandboxPolicy {
  const rebuilt = legacyToSplit(legacy, surroundings, model)
  const known = new Set(denialsOf(rebuilt).map(entry => targetKey(entry.path)))
  const denials = denialsOf(existing).filter(entry => !known.has(targetKey(entry.path)))
  if (denials.length === 0 || rebuilt.kind === 'external-sandbox') return rebuilt
  const open: FileSystemSandboxEntry[] = [{ path: special('root'), access: 'write' }]
  const entries = [...(rebuilt.kind === 'unrestricted' ? open : rebuilt.entries), ...denials]
  const depth = existing.glob_scan_max_depth
  return deepFreeze(
    depth === undefined ? { kind: 'restricted', entries } : { kind: 'restricted', entries, glob_scan_max_depth: depth },
  )
}

/**
 * The policy with an entry for each root that has not that much access by it already (L4-7). A root that is denied stays denied: at
 * one place `none` wins.
 */
export function withRoots(
  policy: FileSystemSandboxPolicy,
  roots: readonly AbsolutePath[],
  access: Exclude<FileSystemAccess, 'none'>,
  surroundings: Surroundings,
): FileSystemSandboxPolicy {
  if (policy.kind !== 'restricted') return policy
  const has = access === 'write' ? canWrite : canRead
  const missing = [...new Set(roots.map(normalizeAbsolute))].filter(root => !has(policy, surroundings, root))
  if (missing.length === 0) return policy
  const added = missing.map((path): FileSystemSandboxEntry => ({ path: { type: 'path', path }, access }))
  return deepFreeze({ ...policy, entries: [...policy.entries, ...added] })
}

/**
 * Some legacy policy for every split policy (L6-14): what it converts to, and where that is refused a `workspace-write` made of its
 * writable roots. It opens the working directory and says nothing of denials and carve-outs: to be shown, never to be enforced.
 */
export function legacyForDisplay(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): LegacySandboxPolicy {
  const conversion = splitToLegacy(policy, network, surroundings, model)
  if (conversion.kind === 'converted') return conversion.policy
  const writes = (path: AbsolutePath | null) => path !== null && accessOf(policy, surroundings, path) === 'write'
  const roots = writableRoots(rootContext(policy, surroundings, model)).map(({ root }) => root)
  return deepFreeze({
    type: 'workspace-write',
    writable_roots: roots.filter(root => root !== surroundings.policyCwd),
    read_only_access: { type: 'full-access' },
    network_access: network === 'enabled',
    exclude_tmpdir_env_var: !writes(temporaryDirectory(surroundings)),
    exclude_slash_tmp: !writes(slashTmp(surroundings)),
  })
}
