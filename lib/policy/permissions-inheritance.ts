/**
 * Which profiles a profile is made of, and what their tables say together (spec L6-13): the parent first, then a child's word
 * for a key or a subpath in place of its parent's word for the same. Every word keeps the place where it was written.
 */
import type { FileSystemTable, Pairs, PermissionsModel, ProfileTable, Words } from './permissions-schema.ts'
import type { FileSystemAccess } from './policy.ts'

/** The names and keys on the way to a value, from the table `permissions` on. */
export type Place = readonly string[]

export interface Written<Value> {
  readonly value: Value
  readonly place: Place
}

export interface MergedProfile {
  /** The profile itself and its ancestors, nearest first. */
  readonly chain: readonly string[]
  /** `:danger-full-access`: nothing is closed. */
  readonly unrestricted: boolean
  /** By key, then by subpath; a word for the key itself has the subpath `.` (CFG-6). */
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, Written<FileSystemAccess>>>
  readonly globScanMaxDepth: Written<number> | undefined
  readonly network: ReadonlyMap<string, Written<unknown>>
  readonly workspaceRoots: ReadonlyMap<string, Written<boolean>>
}

export type InheritanceRefusal = 'undefined-profile' | 'inheritance-cycle' | 'not-extendable' | 'reserved-name'

export class InheritanceRefused {
  readonly reason: InheritanceRefusal
  readonly name: string
  readonly place: Place

  constructor(reason: InheritanceRefusal, name: string, place: Place) {
    this.reason = reason
    this.name = name
    this.place = place
  }
}

const keysOf = (...pairs: readonly (readonly [string, FileSystemAccess])[]): FileSystemTable => ({ keys: pairs })

/**
 * L6-13: the profiles that need no table. What `:workspace` keeps read-only are the default protections of every writable
 * root, which need no entries.
 */
const builtIn: Readonly<Record<string, ProfileTable>> = {
  ':read-only': { filesystem: keysOf([':root', 'read']) },
  ':workspace': {
    filesystem: keysOf([':root', 'read'], [':slash_tmp', 'write'], [':tmpdir', 'write'], [':workspace_roots', 'write']),
  },
  ':danger-full-access': { network: { enabled: true } },
}

const FULL_ACCESS = ':danger-full-access'

export const BUILT_IN_PROFILES = Object.keys(builtIn)

interface Member {
  readonly name: string
  readonly table: ProfileTable
}

/** The profile and its ancestors, nearest first. */
function chainOf(profiles: Pairs<ProfileTable>, name: string, model: PermissionsModel): Member[] | InheritanceRefused {
  const chain: Member[] = []
  let wanted = name
  let place: Place = []
  for (;;) {
    if (chain.some(member => member.name === wanted)) return new InheritanceRefused('inheritance-cycle', wanted, place)
    const table = tableOf(profiles, wanted, model)
    if (table === undefined) return new InheritanceRefused('undefined-profile', wanted, place)
    if (wanted === FULL_ACCESS && chain.length > 0) return new InheritanceRefused('not-extendable', wanted, place)
    chain.push({ name: wanted, table })
    if (table.extends === undefined) return chain
    place = [wanted, 'extends']
    wanted = table.extends
  }
}

function tableOf(profiles: Pairs<ProfileTable>, name: string, model: PermissionsModel): ProfileTable | undefined {
  if (model !== '2026-03' && Object.hasOwn(builtIn, name)) return builtIn[name]
  return profiles.find(([known]) => known === name)?.[1]
}

/** L6-13: such a table could never be asked for by its name, or would be taken for one of ours. */
function reservedName(profiles: Pairs<ProfileTable>, model: PermissionsModel): InheritanceRefused | null {
  if (model === '2026-03') return null
  const found = profiles.find(([name]) => name.startsWith(':'))?.[0]
  return found === undefined ? null : new InheritanceRefused('reserved-name', found, [found])
}

type Subpaths = Map<string, Written<FileSystemAccess>>

/** CFG-6: a word for a key is a word for its subpath `.`. */
function subpathsOf(value: FileSystemAccess | Words, place: Place): Subpaths {
  if (typeof value === 'string') return new Map([['.', { value, place }]])
  return new Map(value.map(([subpath, access]) => [subpath, { value: access, place: [...place, subpath] }]))
}

function mergeKeys(into: Map<string, Subpaths>, { name, table }: Member): void {
  for (const [key, value] of table.filesystem?.keys ?? []) {
    const subpaths = subpathsOf(value, [name, 'filesystem', key])
    into.set(key, new Map([...(into.get(key) ?? []), ...subpaths]))
  }
}

/** What the profile says with all that it inherits. */
export function mergeProfile(
  profiles: Pairs<ProfileTable>,
  name: string,
  model: PermissionsModel,
): MergedProfile | InheritanceRefused {
  const chain = chainOf(profiles, name, model)
  if (chain instanceof InheritanceRefused) return chain
  const reserved = reservedName(profiles, model)
  if (reserved !== null) return reserved
  const keys = new Map<string, Subpaths>()
  const network = new Map<string, Written<unknown>>()
  const workspaceRoots = new Map<string, Written<boolean>>()
  let globScanMaxDepth: Written<number> | undefined
  for (const member of [...chain].reverse()) {
    mergeKeys(keys, member)
    const { table } = member
    const depth = table.filesystem?.globScanMaxDepth
    if (depth !== undefined) {
      globScanMaxDepth = { value: depth, place: [member.name, 'filesystem', 'glob_scan_max_depth'] }
    }
    for (const [option, value] of Object.entries(table.network ?? {})) {
      network.set(option, { value, place: [member.name, 'network', option] })
    }
    for (const [root, value] of table.workspace_roots ?? []) {
      workspaceRoots.set(root, { value, place: [member.name, 'workspace_roots', root] })
    }
  }
  return {
    chain: chain.map(member => member.name),
    unrestricted: name === FULL_ACCESS && model !== '2026-03',
    keys,
    globScanMaxDepth,
    network,
    workspaceRoots,
  }
}
