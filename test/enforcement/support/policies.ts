/** Policies as a host writes them. */
import { type Policy, policies } from '../../../lib/index.ts'

type Word = 'read' | 'write' | 'none'

/** The working directory and these roots, without /tmp and $TMPDIR, in which the tests themselves live. */
export function workspaceWrite(writableRoots: readonly string[] = [], networkAccess = false): Policy {
  return policies.workspaceWrite({ writableRoots, networkAccess, excludeSlashTmp: true, excludeTmpdirEnvVar: true })
}

export function entry(path: string, access: Word) {
  return { path: { type: 'path', path }, access }
}

export function special(kind: string, access: Word) {
  return { path: { type: 'special', value: { kind } }, access }
}

export function split(...entries: readonly unknown[]) {
  return { fileSystem: { kind: 'restricted', entries }, network: 'restricted' }
}
