/**
 * Split policy to legacy policy (spec CONV-5 … CONV-9).
 *
 * The result LOSES rules without a word: every `none`, every carve-out, everything beside a `root write`. It must never be
 * enforced, shown or logged as "the policy" before `equivalence.ts` was asked.
 */
import { unreachable } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import { type AbsolutePath, normalizeAbsolute } from './path.ts'
import type {
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
  LegacySandboxPolicy,
  NetworkSandboxPolicy,
} from './policy.ts'
import { resolveEntryPath } from './special.ts'
import type { Surroundings } from './types.ts'

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

function collectPath(path: AbsolutePath, writes: boolean, into: Collected, surroundings: Surroundings): void {
  if (!writes) into.readable.add(path)
  else if (path === normalizeAbsolute(surroundings.policyCwd)) into.workspace = true
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
  for (const { path, access } of entries) {
    if (access === 'none') continue
    const writes = access === 'write'
    if (path.type === 'path') collectPath(path.path, writes, collected, surroundings)
    else collectSpecial(path.value, writes, collected, resolveEntryPath(path, surroundings))
  }
  return collected
}

function fullAccess(network: NetworkSandboxPolicy): LegacySandboxPolicy {
  return network === 'enabled'
    ? { type: 'danger-full-access' }
    : { type: 'external-sandbox', network_access: 'restricted' }
}

function fromCollected(found: Collected, network: NetworkSandboxPolicy): LegacySandboxPolicy | null {
  if (found.fullWrite) return fullAccess(network)
  const access = found.fullRead
    ? ({ type: 'full-access' } as const)
    : ({
        type: 'restricted',
        include_platform_defaults: found.platformDefaults,
        readable_roots: [...found.readable],
      } as const)
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
  if (found.writable.size > 0 || found.temporaryDirectory || found.slashTmp) return null
  return { type: 'read-only', access, network_access }
}

function convert(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
): LegacySandboxPolicy | null {
  switch (policy.kind) {
    case 'external-sandbox':
      return { type: 'external-sandbox', network_access: network }
    case 'unrestricted':
      return fullAccess(network)
    case 'restricted':
      return fromCollected(collect(policy.entries, surroundings), network)
    default:
      return unreachable(policy.kind)
  }
}

/** The legacy policy that comes closest, or the refusal. See the warning at the head of this file. */
export function splitToLegacy(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
): LegacyConversion {
  const converted = convert(policy, network, surroundings)
  if (converted === null) return { kind: 'refused', reason: 'writes-outside-workspace' }
  return { kind: 'converted', policy: deepFreeze(converted) }
}
