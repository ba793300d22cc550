/**
 * The entries that the plan adds to access lists: which place, what kind, which rights, for whom (spec/windows F).
 * Rights are those of winnt.h for files: FILE_WRITE_DATA 0x2, FILE_APPEND_DATA 0x4, DELETE 0x10000 and so on.
 */
import { type AbsolutePath, contains } from '../../policy/path.ts'
import { type CapabilityRole, type CapabilityScheme, type Role, roleOfRoot, rolesOfToken } from './capabilities.ts'
import type { WindowsBackend } from './gate.ts'
import { policyChild } from './places.ts'
import type { WritableParts } from './roots.ts'
import type { WindowsPath } from './windows-path.ts'

export type AccessEntryKind = 'allow' | 'deny' | 'deny-read' | 'pin' | 'read' | 'null-device'

/** The rights of each kind. */
export const accessMasks: Readonly<Record<AccessEntryKind, number>> = {
  // Read, write, execute and DELETE, without FILE_DELETE_CHILD: that would be a right over what is denied below.
  allow: 0x0013_01bf,
  // WRITE_DATA, APPEND_DATA, WRITE_EA, WRITE_ATTRIBUTES, DELETE, FILE_DELETE_CHILD, WRITE_DAC, WRITE_OWNER. Without SYNCHRONIZE
  // and READ_CONTROL, which every open for reading asks for.
  deny: 0x000d_0156,
  'deny-read': 0x0012_00a9,
  // DELETE, WRITE_DAC and WRITE_OWNER, and WRITE_ATTRIBUTES, with which a link is turned.
  pin: 0x000d_0100,
  read: 0x0012_00a9,
  // FILE_GENERIC_READ and FILE_GENERIC_WRITE.
  'null-device': 0x0012_019f,
}

/** The device that `NUL` is, by the one name that is taken for it. It is no place on a disk: nothing but its list is ever asked for. */
export const nullDevice = '\\\\.\\NUL' as WindowsPath

/** Pins are about one name, and nothing is below a device; everything else is inherited by all that is below. */
export function isInherited(kind: AccessEntryKind): boolean {
  return kind !== 'pin' && kind !== 'null-device'
}

export interface AccessEntry {
  readonly path: AbsolutePath
  readonly kind: AccessEntryKind
  readonly roles: readonly Role[]
}

export interface EntryQuestion {
  readonly parts: WritableParts
  readonly readRoots: readonly AbsolutePath[]
  readonly cwd: AbsolutePath
  readonly backend: WindowsBackend
  readonly scheme: CapabilityScheme
}

/** A denial names every capability whose root has to do with the place; all of them where none has. */
function deniedRoles(path: AbsolutePath, { parts, cwd, scheme }: EntryQuestion): CapabilityRole[] {
  if (scheme === 'shared') return sharedDeniedRoles(path, cwd)
  const near = parts.roots.filter(root => contains(root, path) || contains(path, root))
  const roots = near.length === 0 ? parts.roots : near
  return [...new Set(roots.map(root => roleOfRoot(root, cwd, scheme)))]
}

/** The token holds both, and a denial of one is enough; the agents' configuration names the other as well, as the reference does. */
function sharedDeniedRoles(path: AbsolutePath, cwd: AbsolutePath): CapabilityRole[] {
  const own = ['.codex', '.agents'].some(name => path === policyChild(cwd, name))
  return own ? ['workspace', ...rolesOfToken([cwd], cwd, 'shared').slice(1)] : ['workspace']
}

/** Denials first, so that at no time more is open than in the end. */
export function accessEntries(question: EntryQuestion): AccessEntry[] {
  const { parts, readRoots, cwd, backend, scheme } = question
  const group: readonly Role[] = backend === 'elevated' ? ['group'] : []
  const denied = (path: AbsolutePath) => deniedRoles(path, question)
  return [
    ...parts.denyRead.map(path => ({ path, kind: 'deny-read' as const, roles: ['group' as const] })),
    ...parts.denyWrite.map(path => ({ path, kind: 'deny' as const, roles: denied(path) })),
    ...parts.pins.map(path => ({ path, kind: 'pin' as const, roles: denied(path) })),
    ...parts.roots.map(path => ({
      path,
      kind: 'allow' as const,
      roles: [roleOfRoot(path, cwd, scheme), ...group],
    })),
    ...(backend === 'elevated' ? readRoots.map(path => ({ path, kind: 'read' as const, roles: group })) : []),
  ]
}
