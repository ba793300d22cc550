/** The law for the bwrap engine: what the rendered words mean is what the mount plan means, and what the rules say. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { renderBubblewrap } from '../../lib/plan/linux/bwrap-arguments.ts'
import { makeMountPlan } from '../../lib/plan/linux/mount.ts'
import { makeMountView } from '../../lib/plan/linux/mount-view.ts'
import { bubblewrapOptions } from '../plan/linux/capabilities.ts'
import { readBubblewrapWords } from './bubblewrap-words.ts'
import { probePaths, ruleAt, ruleBushes, ruleBushesWithGaps, ruleNests } from './rule-trees.ts'

describe('the words for bubblewrap', () => {
  it.each([true, false])('mean what the rules say, with a PID namespace of its own: %s', pid => {
    fc.assert(
      fc.property(fc.oneof(ruleBushes, ruleBushesWithGaps, ruleNests), resolved => {
        const made = makeMountPlan(resolved)
        if ('refusal' in made) throw new Error(`refused: ${made.refusal.message}`)
        const rendering = renderBubblewrap({
          mounts: made.plan,
          namespaces: { pid, ipc: true, net: true },
          options: bubblewrapOptions,
          privileged: false,
          seccomp: true,
        })
        if ('refusal' in rendering) throw new Error(`refused: ${rendering.refusal.message}`)
        const files = new Set(
          resolved.rules.filter(({ target }) => target === 'file').map(({ path }) => path as string),
        )
        const view = makeMountView(readBubblewrapWords(rendering.rendered.arguments, path => files.has(path)))
        for (const path of probePaths(resolved)) {
          const rule = ruleAt(resolved, path)
          const given = view.at(path).access
          if (rule?.target === 'missing') expect([path, given]).not.toEqual([path, 'write'])
          else expect([path, given]).toEqual([path, rule?.access ?? 'none'])
        }
      }),
      { numRuns: 600 },
    )
  })
})
