/**
 * The changes of access lists that carry a plan out, one after the other, each with what takes it back (spec/windows F, K.3). An
 * entry is one of ours when its identifier is in the capability store or is the group's: there is at most one of each type for an
 * identifier on an object, and setting it replaces the one that was there.
 */
import { InternalError } from '../../errors.ts'
import { type Ace, type AclTree, aceTypeOf } from './acl-machine.ts'
import type { Role, Sid } from './capabilities.ts'
import type { WindowsPlan } from './plan.ts'
import { pathKey, type WindowsPath } from './windows-path.ts'

export type AclOperation =
  /** Makes an empty directory, with those above it that are missing. */
  | { readonly kind: 'make-directory'; readonly path: WindowsPath }
  | {
      readonly kind: 'set-entry'
      readonly path: WindowsPath
      readonly ace: Ace
      /** Nothing is done where every user can read already. */
      readonly onlyWhenUnreadable: boolean
      /**
       * A grant that the plan does without where this process may not change the list: the null device, which the system alone owns.
       * Taken back when the command has ended, whatever the plan says of others.
       */
      readonly whenPermitted: boolean
    }

/** What takes an operation back. `before` is the entry that was replaced. */
export interface AclReversal {
  readonly path: WindowsPath
  readonly ace: Ace
  readonly before: Ace | null
}

export type SidOfRole = (role: Role) => Sid | undefined

/** The operations of a plan, in order: directories, denials, grants. */
export function aclOperations(plan: WindowsPlan, sidOf: SidOfRole): AclOperation[] {
  const entries = plan.accessEntries.flatMap(({ path, kind, mask, inherited, roles }) =>
    roles.map((role): AclOperation => {
      const sid = sidOf(role)
      if (sid === undefined) throw new InternalError(`there is no identifier for the role ${role}`)
      const ace: Ace = { type: aceTypeOf(kind), sid, mask, inherited }
      return {
        kind: 'set-entry',
        path,
        ace,
        onlyWhenUnreadable: kind === 'read',
        whenPermitted: kind === 'null-device',
      }
    }),
  )
  return [...plan.materialize.map((path): AclOperation => ({ kind: 'make-directory', path })), ...entries]
}

function isSameEntry(one: Ace, other: Ace): boolean {
  return one.type === other.type && one.sid === other.sid
}

function isEqual(one: Ace, other: Ace): boolean {
  return isSameEntry(one, other) && one.mask === other.mask && one.inherited === other.inherited
}

function withOwn(tree: AclTree, key: string, aces: readonly Ace[]): AclTree {
  const own = new Map(tree.own)
  if (aces.length === 0) own.delete(key)
  else own.set(key, aces)
  return { ...tree, own }
}

export interface AppliedEntry {
  readonly tree: AclTree
  /** Null when the entry was there already: then it is somebody else's to take away. */
  readonly reversal: AclReversal | null
}

export function setEntry(tree: AclTree, path: WindowsPath, ace: Ace): AppliedEntry {
  const key = pathKey(path)
  const aces = tree.own.get(key) ?? []
  const before = aces.find(other => isSameEntry(other, ace)) ?? null
  if (before !== null && isEqual(before, ace)) return { tree, reversal: null }
  const changed = before === null ? [...aces, ace] : aces.map(other => (other === before ? ace : other))
  return { tree: withOwn(tree, key, changed), reversal: { path, ace, before } }
}

/** Takes one entry back. Leaves an entry alone that is no longer the one that was set: somebody replaced it. */
export function revertEntry(tree: AclTree, { path, ace, before }: AclReversal): AclTree {
  const key = pathKey(path)
  const aces = tree.own.get(key) ?? []
  const changed = aces.flatMap(other => {
    if (!isEqual(other, ace)) return other
    return before ?? []
  })
  return withOwn(tree, key, changed)
}

/** The tree after the operations, and their reversals in the order in which they are to be carried out: newest first. */
export function applyOperations(
  tree: AclTree,
  operations: readonly AclOperation[],
): { readonly tree: AclTree; readonly reversals: readonly AclReversal[] } {
  let current = tree
  const reversals: AclReversal[] = []
  for (const operation of operations) {
    if (operation.kind === 'make-directory') continue
    const applied = setEntry(current, operation.path, operation.ace)
    current = applied.tree
    if (applied.reversal !== null) reversals.unshift(applied.reversal)
  }
  return { tree: current, reversals }
}
