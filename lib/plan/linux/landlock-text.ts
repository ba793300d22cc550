/**
 * A Landlock plan as text, with the kernel's names of the rights. For golden files, `plan` print-outs and bug reports.
 */
import type { LandlockPlan, LandlockRule } from './landlock.ts'

const fileSystemNames = [
  'EXECUTE',
  'WRITE_FILE',
  'READ_FILE',
  'READ_DIR',
  'REMOVE_DIR',
  'REMOVE_FILE',
  'MAKE_CHAR',
  'MAKE_DIR',
  'MAKE_REG',
  'MAKE_SOCK',
  'MAKE_FIFO',
  'MAKE_BLOCK',
  'MAKE_SYM',
  'REFER',
  'TRUNCATE',
  'IOCTL_DEV',
  'RESOLVE_UNIX',
] as const
const networkNames = ['BIND_TCP', 'CONNECT_TCP', 'BIND_UDP', 'CONNECT_SEND_UDP'] as const
const scopeNames = ['ABSTRACT_UNIX_SOCKET', 'SIGNAL'] as const

export function dumpLandlockPlan(plan: LandlockPlan): string {
  return [
    `abi ${plan.abi}`,
    `handled fs ${names(plan.handledAccessFs, fileSystemNames)}`,
    `handled net ${names(plan.handledAccessNet, networkNames)}`,
    `scoped ${names(plan.scoped, scopeNames)}`,
    ...plan.rules.map(dumpRule),
    '',
  ].join('\n')
}

function dumpRule(rule: LandlockRule): string {
  return `${rule.presence} ${JSON.stringify(rule.path)} ${names(rule.allowedAccess, fileSystemNames)}`
}

function names(access: number, table: readonly string[]): string {
  const held = table.filter((_, bit) => (access & (1 << bit)) !== 0)
  return held.length === 0 ? 'nothing' : held.join(' ')
}
