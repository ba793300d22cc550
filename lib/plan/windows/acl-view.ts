/**
 * What a plan's access lists give a command, as a policy would say it: the model that tests hold against the policy. The lists that
 * were there before are the caller's to describe.
 */
import type { Access } from '../../policy/types.ts'
import { type AclTree, fileRights, type ModelToken, tokenMay, tokenMayDelete } from './acl-machine.ts'
import { aclOperations, applyOperations, type SidOfRole } from './acl-operations.ts'
import type { WindowsPlan } from './plan.ts'

export interface AclViewQuestion {
  readonly plan: WindowsPlan
  /** The lists before. */
  readonly tree: AclTree
  /** Who the command is without the plan: the user, or the account, with their groups and the logon session. */
  readonly principals: readonly string[]
  /** Of them the account and the logon session, by the token's words. */
  readonly sidOfPrincipal: (principal: 'account' | 'logon' | 'everyone') => string
  readonly sidOfRole: SidOfRole
}

export interface AclView {
  accessOf(path: string): Access
  /** Whether the object at the path can be removed or renamed. */
  mayDelete(path: string): boolean
  /** Whether the list at the path can be changed by the command itself. */
  mayChangeList(path: string): boolean
}

function tokenOf({ plan, principals, sidOfPrincipal, sidOfRole }: AclViewQuestion): ModelToken {
  const restricting = plan.token.restricting.map(principal => {
    if (principal === 'account' || principal === 'logon' || principal === 'everyone') return sidOfPrincipal(principal)
    return sidOfRole(principal) ?? principal
  })
  return { principals: new Set(principals), restricting: new Set(restricting) }
}

export function makeAclView(question: AclViewQuestion): AclView {
  const { tree } = applyOperations(question.tree, aclOperations(question.plan, question.sidOfRole))
  const token = tokenOf(question)
  // A token with the label low writes nothing that is not labelled low, and nothing here is.
  const isLow = question.plan.token.integrity === 'low'
  const may = (path: string, rights: number) => tokenMay(tree, token, path, rights)
  return {
    accessOf(path) {
      if (!isLow && may(path, fileRights.readData | fileRights.writeData)) return 'write'
      return may(path, fileRights.readData) ? 'read' : 'none'
    },
    mayDelete: path => !isLow && tokenMayDelete(tree, token, path),
    mayChangeList: path => !isLow && may(path, fileRights.writeDac),
  }
}
