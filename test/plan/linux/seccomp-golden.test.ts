import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeSeccompPlan } from '../../../lib/plan/linux/seccomp.ts'
import { dumpSeccompPlan } from '../../../lib/plan/linux/seccomp-text.ts'

// Shows that something changed; `seccomp.test.ts` shows what it means. UPDATE_GOLDEN=1 writes the files anew.
describe.each(['x64', 'arm64'] as const)('the seccomp plan for %s', architecture => {
  it.each(['restricted', 'enabled'] as const)('with the network %s is the one on file', network => {
    const file = new URL(`../../golden/seccomp-${architecture}-${network}.txt`, import.meta.url)
    const text = dumpSeccompPlan(makeSeccompPlan({ network, architecture, guardTag: true }))
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text)
    expect(text).toBe(readFileSync(file, 'utf8'))
  })
})
