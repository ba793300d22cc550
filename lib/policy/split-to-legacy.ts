/**
 * Split policy to legacy policy (spec CONV-5 … CONV-9; June: L4-5, L6-3).
 *
 * The result LOSES rules without a word: every `none`, every carve-out, everything beside a `root write`. It must never be
 * enforced, shown or logged as "the policy" before `equivalence.ts` was asked.
 */
import { unreachable } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, normalizeAbsolute } from './path.ts'
import type {
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
  LegacySandboxPolicy,
  NetworkSandboxPolicy,
  ReadOnlyAccess,
} from './policy.ts'
import { resolveEntryPath } from './special.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

/** CONV-8. The only refusal there is. */
export type LegacyConversion =
  | { readonly kind: 'converted'; readonly policy: LegacySandboxPolicy }
  | { readonly kind: 'refused'; readonly reason: 'writes-outside-workspace' }

/** What one walk over the entries, as written, collects. */
interface Collected {
  fullRead: boolean
  fullWrite: boolean
  platformDefaults: boolean
  workspace: boolean
  temporaryDirectory: boolean
  slashTmp: boolean
  readonly writable: Set<AbsolutePath>
  readonly readable: Set<AbsolutePath>
}

function collectPath(path: AbsolutePath, writes: boolean, into: Collected, workspace: AbsolutePath): void {
  if (!writes) into.readable.add(path)
  else if (path === workspace) into.workspace = true
  else into.writable.add(path)
}

function collectSpecial(
  special: FileSystemSpecialPath,
  writes: boolean,
  into: Collected,
  resolved: AbsolutePath | null,
) {
  if (special.kind === 'root') {
    into.fullRead = true
    if (writes) into.fullWrite = true
  } else if (special.kind === 'minimal') into.platformDefaults = true
  else if (!writes) {
    if (resolved !== null) into.readable.add(resolved)
  } else collectWrittenSpecial(special, into, resolved)
}

function collectWrittenSpecial(
  special: Exclude<FileSystemSpecialPath, { kind: 'root' | 'minimal' }>,
  into: Collected,
  resolved: AbsolutePath | null,
): void {
  switch (special.kind) {
    case 'current_working_directory':
      into.workspace = true
      return
    case 'project_roots':
      if (special.subpath === undefined) into.workspace = true
      else if (resolved !== null) into.writable.add(resolved)
      return
    case 'tmpdir':
      into.temporaryDirectory = true
      return
    case 'slash_tmp':
      into.slashTmp = true
      return
    case 'unknown':
      return
    default:
      unreachable(special)
  }
}

function collect(entries: readonly FileSystemSandboxEntry[], surroundings: Surroundings): Collected {
  const collected: Collected = {
    fullRead: false,
    fullWrite: false,
    platformDefaults: false,
    workspace: false,
    temporaryDirectory: false,
    slashTmp: false,
    writable: new Set(),
    readable: new Set(),
  }
  const workspace = normalizeAbsolute(surroundings.policyCwd)
  entries.forEach(({ path, access }) => {
    if (access === 'none') return
    const writes = access === 'write'
    if (path.type === 'path') collectPath(path.path, writes, collected, workspace)
    else if (path.type === 'special')
      collectSpecial(path.value, writes, collected, resolveEntryPath(path, surroundings))
  })
  return collected
}

function fullAccess(network: NetworkSandboxPolicy): LegacySandboxPolicy {
  return network === 'enabled'
    ? { type: 'danger-full-access' }
    : { type: 'external-sandbox', network_access: 'restricted' }
}

function readAccessOf(found: Collected, model: Model): ReadOnlyAccess {
  // June's legacy model cannot restrict reading.
  if (found.fullRead || model === '2026-06') return { type: 'full-access' }
  return {
    type: 'restricted',
    include_platform_defaults: found.platformDefaults,
    readable_roots: [...found.readable],
  }
}

/** March looks at the root entry alone; June asks DISK-2, and a root entry that is narrowed is a write outside (L4-5). */
function fromCollected(
  found: Collected,
  network: NetworkSandboxPolicy,
  fullWrite: boolean,
  model: Model,
): LegacySandboxPolicy | null {
  if (fullWrite) return fullAccess(network)
  const access = readAccessOf(found, model)
  const network_access = network === 'enabled'
  if (found.workspace) {
    return {
      type: 'workspace-write',
      writable_roots: [...found.writable],
      read_only_access: access,
      network_access,
      exclude_tmpdir_env_var: !found.temporaryDirectory,
      exclude_slash_tmp: !found.slashTmp,
    }
  }
  if (found.fullWrite || found.writable.size > 0 || found.temporaryDirectory || found.slashTmp) return null
  return { type: 'read-only', access, network_access }
}

function convert(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
  model: Model,
): LegacySandboxPolicy | null {
  switch (policy.kind) {
    case 'external-sandbox':
      return { type: 'external-sandbox', network_access: network }
    case 'unrestricted':
      return fullAccess(network)
    case 'restricted': {
      const found = collect(policy.entries, surroundings)
      const fullWrite = model === '2026-03' ? found.fullWrite : hasFullDiskWrite(policy)
      return fromCollected(found, network, fullWrite, model)
    }
    default:
      return unreachable(policy.kind)
  }
}

/** The legacy policy that comes closest, or the refusal. See the warning at the head of this file. */
export function splitToLegacy(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): LegacyConversion {
  const converted = convert(policy, network, surroundings, model)
  if (converted === null) return { kind: 'refused', reason: 'writes-outside-workspace' }
  return { kind: 'converted', policy: deepFreeze(converted) }
}
