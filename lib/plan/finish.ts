/** Closes a plan: gives it its digest and freezes it. Every plan passes through here once and never changes afterwards. */
import { createHash } from 'node:crypto'

import { deepFreeze } from '../policy/freeze.ts'
import type { LinuxPlan, Plan } from './plan.ts'

export function finishPlan<Made extends Plan = LinuxPlan>(fields: Omit<Made, 'digest'>): Made {
  const digest = createHash('sha256').update(canonicalText(fields)).digest('hex')
  return deepFreeze({ ...fields, digest } as Made)
}

/** JSON with the members of every object in code unit order, so that equal plans have equal text; big integers as `1n`. */
export function canonicalText(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}n"`
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  let text = ''
  for (const name of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalText(member)}`
  }
  return `{${text}}`
}
