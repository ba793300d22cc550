/**
 * A seccomp plan as text: what is closed and why, then the program. For golden files, `plan` print-outs and bug reports.
 */
import { unreachable } from '../../errors.ts'
import { decodeBpf, dumpBpf } from './bpf.ts'
import type { ArgumentTest, SeccompPlan, SeccompRule } from './seccomp.ts'

export function dumpSeccompPlan(plan: SeccompPlan): string {
  const rules = plan.rules.map(dumpRule)
  return [`architecture ${plan.architecture}`, '', ...rules, '', dumpBpf(decodeBpf(plan.program))].join('\n')
}

function dumpRule(rule: SeccompRule): string {
  const when = rule.when.map(dumpTest).join(' and ')
  const condition = when === '' ? '' : ` when ${when}`
  return `${rule.call}${condition}: errno ${rule.action.errno} (${rule.reason})`
}

function dumpTest(test: ArgumentTest): string {
  const argument = `argument ${test.index}${test.width === 64 ? ' (64 bit)' : ''}`
  const value = `0x${test.value.toString(16)}`
  const mask = `0x${(test.mask ?? 0n).toString(16)}`
  switch (test.operator) {
    case 'equal':
      return `${argument} == ${value}`
    case 'not-equal':
      return `${argument} != ${value}`
    case 'masked-equal':
      return `${argument} & ${mask} == ${value}`
    case 'masked-not-equal':
      return `${argument} & ${mask} != ${value}`
    default:
      return unreachable(test.operator)
  }
}
