/**
 * A model of access lists on a tree: inheritance, order of evaluation, and the two checks of a restricted token (spec/windows E, F).
 * What the plan's entries give is asked here, on any system. Source: Microsoft, "DACLs and ACEs", "Order of ACEs in a DACL",
 * "CreateRestrictedToken function" (WRITE_RESTRICTED).
 */
import type { AccessEntryKind } from './access-entries.ts'
import { pathKey } from './windows-path.ts'

/** One entry that is set on an object itself. */
export interface Ace {
  readonly type: 'allow' | 'deny'
  readonly sid: string
  readonly mask: number
  /** Containers and objects below get it too. */
  readonly inherited: boolean
}

/** The entries that objects have of their own, by path key. An object that is not in it has none and inherits. */
export interface AclTree {
  readonly own: ReadonlyMap<string, readonly Ace[]>
  /** Objects that inherit nothing (`SE_DACL_PROTECTED`). */
  readonly protected: ReadonlySet<string>
}

export const fileRights = {
  readData: 0x1,
  writeData: 0x2,
  deleteChild: 0x40,
  delete: 0x1_0000,
  writeDac: 0x4_0000,
} as const

/** What a kind of planned entry is on an object. */
export function aceTypeOf(kind: AccessEntryKind): Ace['type'] {
  return kind === 'allow' || kind === 'read' || kind === 'null-device' ? 'allow' : 'deny'
}

/** Null above a drive and above a share. */
function parentKey(key: string): string | null {
  const parent = /^((?:\/\/[^/]+\/)?[^/]+(?:\/[^/]+)*)\/[^/]+$/.exec(key)?.[1]
  if (parent === undefined) return null
  return parent.endsWith(':') ? `${parent}/` : parent
}

function denialsFirst(aces: readonly Ace[]): Ace[] {
  return [...aces.filter(({ type }) => type === 'deny'), ...aces.filter(({ type }) => type === 'allow')]
}

/** The list of an object in the order of evaluation: its own entries, then those of the nearest ancestor that has any, and on. */
export function effectiveAces(tree: AclTree, path: string): Ace[] {
  const list: Ace[] = []
  let isOwn = true
  for (let key: string | null = pathKey(path); key !== null; key = parentKey(key)) {
    const aces = denialsFirst(tree.own.get(key) ?? [])
    list.push(...(isOwn ? aces : aces.filter(ace => ace.inherited)))
    if (tree.protected.has(key)) break
    isOwn = false
  }
  return list
}

/** Whether the list gives all the rights to somebody who is all of these: the first entry about a right decides it. */
export function grants(aces: readonly Ace[], principals: ReadonlySet<string>, rights: number): boolean {
  let missing = rights
  for (const { type, sid, mask } of aces) {
    if (!principals.has(sid) || (mask & missing) === 0) continue
    if (type === 'deny') return false
    missing &= ~mask
  }
  return missing === 0
}

export interface ModelToken {
  /** The user, its groups. */
  readonly principals: ReadonlySet<string>
  /** The second check of writing sees these alone. */
  readonly restricting: ReadonlySet<string>
}

/** Rights that the second check is made for. READ and EXECUTE pass with the first alone. */
const writeRights = 0x2 | 0x4 | 0x10 | 0x100 | 0x1_0000 | 0x4_0000 | 0x8_0000

export function tokenMay(tree: AclTree, token: ModelToken, path: string, rights: number): boolean {
  const aces = effectiveAces(tree, path)
  if (!grants(aces, token.principals, rights)) return false
  return grants(aces, token.restricting, rights & writeRights)
}

/** By the object's own right, or by its directory's, which no second check is made for (spec/windows E). */
export function tokenMayDelete(tree: AclTree, token: ModelToken, path: string): boolean {
  if (tokenMay(tree, token, path, fileRights.delete)) return true
  const parent = parentKey(pathKey(path))
  return parent !== null && grants(effectiveAces(tree, parent), token.principals, fileRights.deleteChild)
}

/** Every path that has entries of its own, for comparison. */
export function describeTree(tree: AclTree): string[] {
  return [...tree.own]
    .filter(([, aces]) => aces.length > 0)
    .map(([key, aces]) => `${key} ${denialsFirst(aces).map(describeAce).join(' ')}`)
    .sort()
}

function describeAce({ type, sid, mask, inherited }: Ace): string {
  return `${type === 'deny' ? 'D' : 'A'}${inherited ? 'i' : ''}:${sid}:${mask.toString(16)}`
}
