/**
 * The model of a Windows plan: which access its lists give to a path, and which of its entries says so. The lists that were there
 * before are taken to be the usual ones: the user has every right everywhere, and an account of the sandbox none.
 */
import type { AbsolutePath } from '../../policy/path.ts'
import type { ModelAccess } from '../plan.ts'
import type { AclTree } from './acl-machine.ts'
import { type AclView, makeAclView } from './acl-view.ts'
import { windowsPathOf } from './places.ts'
import type { PlannedAccessEntry, WindowsPlan } from './plan.ts'
import { keyContains, pathKey, type WindowsPath, windowsParent } from './windows-path.ts'

export interface WindowsPlanAnswer {
  readonly access: ModelAccess
  /** Null where the plan leaves the lists as they are. */
  readonly entry: PlannedAccessEntry | null
}

const everyRight = 0x1f_01ff

// A plan is frozen, so its lists are applied once for each volume.
const views = new WeakMap<WindowsPlan, Map<string, AclView>>()

function anchorOf(path: WindowsPath): WindowsPath {
  const parent = windowsParent(path)
  return parent === null ? path : anchorOf(parent)
}

function usualLists(anchor: string): AclTree {
  const ace = { type: 'allow', sid: 'user', mask: everyRight, inherited: true } as const
  return { own: new Map([[anchor, [ace]]]), protected: new Set() }
}

function viewOf(plan: WindowsPlan, anchor: string): AclView {
  const known = views.get(plan) ?? new Map<string, AclView>()
  views.set(plan, known)
  const view =
    known.get(anchor) ??
    makeAclView({
      plan,
      tree: usualLists(anchor),
      principals: plan.backend === 'elevated' ? ['account', 'group', 'logon'] : ['user', 'logon'],
      sidOfPrincipal: principal => principal,
      // Identifiers have four random numbers at the end; here their roles tell them apart.
      sidOfRole: role => (role === 'group' ? ('group' as never) : `S-1-5-21-${role}`),
    })
  known.set(anchor, view)
  return view
}

/** The deepest entry that the path inherits. A plan has denials before grants, and of several at one place what closes most is told. */
function entryFor(plan: WindowsPlan, path: WindowsPath): PlannedAccessEntry | null {
  const key = pathKey(path)
  let best: PlannedAccessEntry | null = null
  for (const entry of plan.accessEntries) {
    if (!entry.inherited || !keyContains(pathKey(entry.path), key)) continue
    const depth = pathKey(entry.path).length - (best === null ? 0 : pathKey(best.path).length)
    if (best === null || depth > 0 || (depth === 0 && entry.kind === 'deny-read')) best = entry
  }
  return best
}

/** `path` must be canonical. What is no place on a Windows disk is closed. */
export function windowsPlanAnswer(plan: WindowsPlan, path: AbsolutePath): WindowsPlanAnswer {
  const asked = windowsPathOf(path)
  if (asked === null) return { access: 'none', entry: null }
  const access = viewOf(plan, pathKey(anchorOf(asked))).accessOf(asked)
  return { access, entry: entryFor(plan, asked) }
}
