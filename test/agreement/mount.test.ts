/**
 * The law for the mount plan: for every policy and path its model answers what the policy's rules answer, or making the
 * plan refuses. The two sides share no code.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { makeMountPlan } from '../../lib/plan/linux/mount.ts'
import { makeMountView } from '../../lib/plan/linux/mount-view.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { kindsOf, probePaths, ruleAt, ruleBushes, ruleBushesWithGaps, ruleNests, tree } from './rule-trees.ts'

function disagreements(resolved: ResolvedPolicy): string[] {
  const made = makeMountPlan(resolved)
  if ('refusal' in made) throw new Error(`refused: ${made.refusal.message}`)
  const view = makeMountView(made.plan, kindsOf(resolved))
  return probePaths(resolved).flatMap(path => {
    const wanted = ruleAt(resolved, path)?.access ?? 'none'
    const given = view.at(path).access
    return wanted === given ? [] : [`${path}: policy ${wanted}, model ${given}`]
  })
}

describe('the mount plan agrees with the rules', () => {
  it('for random trees of directories and files, none of which it refuses', () => {
    fc.assert(
      fc.property(ruleBushes, resolved => {
        expect(disagreements(resolved)).toEqual([])
      }),
      { numRuns: 1500 },
    )
  })

  it('for random trees with gaps, in which nothing can be made', () => {
    let masks = 0
    fc.assert(
      fc.property(ruleBushesWithGaps, resolved => {
        const made = makeMountPlan(resolved)
        if ('refusal' in made) throw new Error(`refused: ${made.refusal.message}`)
        masks += made.plan.operations.filter(({ operation }) => operation === 'mask-missing').length
        const view = makeMountView(made.plan, kindsOf(resolved))
        for (const path of probePaths(resolved)) {
          const rule = ruleAt(resolved, path)
          const given = view.at(path).access
          // Where nothing is, nothing can be read; what counts is that it cannot be written either.
          if (rule?.target === 'missing') expect([path, given]).not.toEqual([path, 'write'])
          else expect([path, given]).toEqual([path, rule?.access ?? 'none'])
        }
      }),
      { numRuns: 1000 },
    )
    expect(masks).toBeGreaterThan(100)
  })

  it('for random nests of none, read and write of any depth', () => {
    fc.assert(
      fc.property(ruleNests, resolved => {
        expect(disagreements(resolved)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('for a nest of two hundred levels', () => {
    const accesses = ['none', 'read', 'write', 'none', 'write', 'read'] as const
    const lines = Array.from({ length: 200 }, (_, level) => `${'/d'.repeat(level + 1)} ${accesses[level % 6]}`)
    expect(disagreements(tree('/ read', ...lines))).toEqual([])
    expect(disagreements(tree(...lines))).toEqual([])
  })

  it('lets a command pass through every directory above a re-opened one', () => {
    fc.assert(
      fc.property(fc.oneof(ruleBushes, ruleNests), resolved => {
        const made = makeMountPlan(resolved)
        if ('refusal' in made) throw new Error(`refused: ${made.refusal.message}`)
        const view = makeMountView(made.plan)
        for (const { path, access } of resolved.rules) {
          if (access === 'none') continue
          for (let up = path.replace(/\/[^/]*$/, ''); up !== ''; up = up.replace(/\/[^/]*$/, '')) {
            expect([up, view.at(up as typeof path).passable]).toEqual([up, true])
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
