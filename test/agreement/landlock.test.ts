/**
 * The law for Landlock alone: where it takes a policy, its model answers what the rules answer, but for the protections that
 * its limits declare; it never takes a policy with anything else closed below something open.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { choosePlan } from '../../lib/plan/choose.ts'
import { landlockAccessOf } from '../../lib/plan/linux/landlock-view.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { fullMachine } from '../plan/linux/capabilities.ts'
import { changed, probePaths, ruleAt, ruleBushes, ruleNests } from './rule-trees.ts'

const rank = { none: 0, read: 1, write: 2 } as const

/** The rules that give no less than everything above them: what Landlock can say. */
function withoutCarveOuts(resolved: ResolvedPolicy): ResolvedPolicy {
  const rules = resolved.rules.filter(rule =>
    resolved.rules.every(
      other =>
        !`${rule.path}/`.startsWith(`${other.path === '/' ? '' : other.path}/`) ||
        rank[other.access] <= rank[rule.access],
    ),
  )
  return changed(resolved, { rules })
}

function choose(resolved: ResolvedPolicy) {
  return choosePlan({
    resolved: changed(resolved, { needsDirectEnforcement: false, fullDiskWrite: false }),
    capabilities: fullMachine,
    options: { engines: ['landlock'], guardTag: false },
  })
}

describe('the Landlock plan agrees with the rules', () => {
  it('for every random tree without carve-outs, none of which it refuses', () => {
    fc.assert(
      fc.property(fc.oneof(ruleBushes, ruleNests), given => {
        const resolved = withoutCarveOuts(given)
        const choice = choose(resolved)
        if ('refusal' in choice) throw new Error(choice.refusal.message)
        for (const path of probePaths(resolved)) {
          const wanted = ruleAt(resolved, path)?.access ?? 'none'
          expect([path, landlockAccessOf(choice.plan.landlock!, path)]).toEqual([path, wanted])
        }
      }),
      { numRuns: 600 },
    )
  })

  it('or refuses: no random tree with a carve-out gets a plan', () => {
    fc.assert(
      fc.property(fc.oneof(ruleBushes, ruleNests), resolved => {
        fc.pre(withoutCarveOuts(resolved).rules.length < resolved.rules.length)
        expect(choose(resolved)).toMatchObject({ refusal: { kind: 'not-enforceable', mechanism: 'landlock' } })
      }),
      { numRuns: 300 },
    )
  })
})
