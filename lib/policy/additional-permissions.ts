/** Putting permission profiles together (spec ADD-1 … ADD-4). Lists are compared by path, never by containment. */
import { deepFreeze } from './freeze.ts'
import { intersectMacos, mergeMacos } from './macos-extension.ts'
import type { AbsolutePath } from './path.ts'
import type { FileSystemPermissions, PermissionProfile } from './permission-profile.ts'
import type { FileSystemView } from './types.ts'

type PathList = readonly AbsolutePath[] | null

function files(read: PathList, write: PathList): FileSystemPermissions | null {
  return read === null && write === null ? null : { read, write }
}

function isEmpty(profile: PermissionProfile): boolean {
  return profile.network === null && profile.file_system === null && profile.macos === null
}

/** ADD-1, ADD-2: canonical paths where the whole path resolves, no repeats, nothing that says nothing. */
export function normalizePermissions(profile: PermissionProfile, view: FileSystemView): PermissionProfile {
  const normalizeList = (list: PathList) => list && [...new Set(list.map(path => view.realPath(path) ?? path))]
  return deepFreeze({
    network: profile.network?.enabled == null ? null : { enabled: profile.network.enabled },
    file_system: files(
      normalizeList(profile.file_system?.read ?? null),
      normalizeList(profile.file_system?.write ?? null),
    ),
    macos: profile.macos,
  })
}

// One-sided lists stay as they are, repeats included; only a list made of two is freed of them.
function mergeLists(base: PathList, added: PathList): PathList {
  if (base === null || added === null) return base ?? added
  const merged = [...new Set([...base, ...added])]
  return merged.length === 0 ? null : merged
}

/** ADD-3. `null` is an absent profile, also in the result. */
export function mergeProfiles(
  base: PermissionProfile | null,
  added: PermissionProfile | null,
): PermissionProfile | null {
  if (added === null) return base
  if (base === null) return isEmpty(added) ? null : added
  const enabled = base.network?.enabled === true || added.network?.enabled === true
  const merged: PermissionProfile = {
    network: enabled ? { enabled } : null,
    file_system: files(
      mergeLists(base.file_system?.read ?? null, added.file_system?.read ?? null),
      mergeLists(base.file_system?.write ?? null, added.file_system?.write ?? null),
    ),
    macos: mergeMacos(base.macos, added.macos),
  }
  return isEmpty(merged) ? null : deepFreeze(merged)
}

function intersectLists(requested: PathList, granted: PathList): PathList {
  const allowed = new Set(granted ?? [])
  const both = (requested ?? []).filter(path => allowed.has(path))
  return both.length === 0 ? null : both
}

/** ADD-4: what was both requested and granted, in the order of the request. */
export function intersectProfiles(requested: PermissionProfile, granted: PermissionProfile): PermissionProfile {
  const enabled = requested.network?.enabled === true && granted.network?.enabled === true
  return deepFreeze({
    network: enabled ? { enabled } : null,
    file_system: files(
      intersectLists(requested.file_system?.read ?? null, granted.file_system?.read ?? null),
      intersectLists(requested.file_system?.write ?? null, granted.file_system?.write ?? null),
    ),
    macos: intersectMacos(requested.macos, granted.macos),
  })
}
