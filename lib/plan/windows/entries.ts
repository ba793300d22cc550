/**
 * The policy's entries as places on a Windows disk: the temporary directories are `TEMP` and `TMP` of the command (spec/windows D),
 * `/tmp` is nothing, and everything else is as the policy layer has it.
 */
import { type AccessIndex, indexAccess } from '../../policy/access.ts'
import { networkFromLegacy } from '../../policy/legacy.ts'
import { legacyToSplit } from '../../policy/legacy-to-split.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import type { FileSystemSandboxEntry, FileSystemSandboxPolicy, Policy } from '../../policy/policy.ts'
import { resolvePolicy } from '../../policy/resolve.ts'
import type { AccessRule, ResolvedPolicy, Surroundings } from '../../policy/types.ts'
import { getVariable, type Variables } from './environment-names.ts'
import { type Places, policyPathOf } from './places.ts'
import { windowsPathOrNull } from './windows-path.ts'

export interface WindowsEntries {
  readonly resolved: ResolvedPolicy
  readonly index: AccessIndex
  /** The rules of entries, canonical, without the library's protections, which `metadata.ts` has for Windows. */
  readonly rules: readonly AccessRule[]
  /** Canonical places that only a temporary directory is the reason of. */
  readonly temporary: ReadonlySet<AbsolutePath>
  /** Every place that an entry speaks of: as spelled, and canonical. */
  readonly named: ReadonlySet<AbsolutePath>
  /** Whether any entry means to open something for writing, whatever became of it. */
  readonly wantsWriting: boolean
}

/** `TEMP`, then `TMP`; of the command's environment, else of the host's. Relative values are nothing. */
export function temporaryDirectories(command: Variables, host: Variables): AbsolutePath[] {
  return ['TEMP', 'TMP'].flatMap(name => {
    const value = getVariable(command, name) ?? getVariable(host, name)
    const path = value === undefined ? null : windowsPathOrNull(value)
    return path === null ? [] : policyPathOf(path)
  })
}

function isTemporary({ path }: FileSystemSandboxEntry): boolean {
  return path.type === 'special' && path.value.kind === 'tmpdir'
}

/** The split form, with the temporary directories spelled out. */
function spelledOut(policy: Policy, temporary: readonly AbsolutePath[], surroundings: Surroundings) {
  const fileSystem = policy.form === 'split' ? policy.fileSystem : legacyToSplit(policy.legacy, surroundings)
  const network = policy.form === 'split' ? policy.network : networkFromLegacy(policy.legacy)
  const indices = new Set<number>()
  const entries: FileSystemSandboxEntry[] = []
  for (const entry of fileSystem.entries) {
    if (!isTemporary(entry)) {
      entries.push(entry)
      continue
    }
    for (const path of temporary) {
      indices.add(entries.length)
      entries.push({ ...entry, path: { type: 'path', path } })
    }
  }
  const spelled: FileSystemSandboxPolicy = { ...fileSystem, entries }
  return { fileSystem: spelled, network, indices, wantsWriting: fileSystem.entries.some(isWriting) }
}

function isWriting({ access }: FileSystemSandboxEntry): boolean {
  return access === 'write'
}

export function windowsEntries(
  policy: Policy,
  temporary: readonly AbsolutePath[],
  surroundings: Surroundings,
  { paths }: Places,
): WindowsEntries {
  const { fileSystem, network, indices, wantsWriting } = spelledOut(policy, temporary, surroundings)
  const resolved = resolvePolicy({ form: 'split', fileSystem, network }, surroundings)
  const index = indexAccess(fileSystem, surroundings)
  const placed = index.entries.map(entry => ({ ...entry, canonical: paths.canonical(entry.path) }))
  const wanted = new Set(
    placed.flatMap(entry => (entry.access === 'write' && !indices.has(entry.index) ? entry.canonical : [])),
  )
  const temporaryOnly = placed.filter(entry => indices.has(entry.index) && !wanted.has(entry.canonical))
  return {
    resolved,
    index,
    rules: resolved.rules.filter(({ origin }) => origin.kind === 'entry'),
    temporary: new Set(temporaryOnly.map(entry => entry.canonical)),
    named: new Set(placed.flatMap(entry => [entry.path, entry.canonical])),
    wantsWriting,
  }
}
