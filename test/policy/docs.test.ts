/** docs/policy.md: the policies mean what the trees beside them say, the messages and tables are what the library answers. */
import { describe, expect, it } from 'vitest'

import { explainPath } from '../../lib/plan/explain.ts'
import { enforcedAccessOf } from '../../lib/policy/enforced.ts'
import { legacyToSplit } from '../../lib/policy/legacy-to-split.ts'
import type { Policy } from '../../lib/policy/policy.ts'
import { policies } from '../../lib/policy/presets.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { spellingOf } from '../../lib/policy/special.ts'
import type { Surroundings } from '../../lib/policy/types.ts'
import { around, blocks, drawn, examples, page, policyNamed, read, refusals, tableAfter } from './docs-page.ts'
import { path } from './fake-files.ts'

describe('docs/policy.md', () => {
  it('has nothing beside its policies that no test looks at', () => {
    const names = ['nested', 'ties', 'closed', 'minimal', 'roots', 'protected', 'lifted', 'patterns', 'inherited']
    expect(examples.map(({ name }) => name)).toEqual(names)
    expect(refusals).toHaveLength(3)
    // And the list of a converted policy.
    expect([...page.matchAll(/```text/g)]).toHaveLength(blocks.length + 1)
  })

  it.each(examples)('draws what $name means', example => {
    const resolved = resolvePolicy(read(example), around)
    const places = drawn(example.shown)
    expect(places.length).toBeGreaterThan(2)
    expect(places.map(([place]) => [place, enforcedAccessOf(resolved, path(place)).access])).toEqual(places)
  })

  it.each(refusals)('tells what is wrong with $text', refusal => {
    expect(() => read(refusal)).toThrow(expect.objectContaining({ message: refusal.shown }))
  })

  it('writes workspace-write in the words of the other model', () => {
    const [, shown = ''] = /<!-- split: workspace-write -->\n```text\n(.*?)\n```/s.exec(page)!
    const workspace = policies.workspaceWrite()
    if (workspace.form !== 'legacy') throw new Error('a legacy policy was expected')
    const { entries } = legacyToSplit(workspace.legacy, around)
    expect(entries.map(entry => `${spellingOf(entry.path)} ${entry.access}`).join('\n')).toBe(shown)
  })

  it('says which policies have a legacy form', () => {
    const rows = tableAfter('legacy')
    expect(rows.length).toBeGreaterThan(4)
    for (const [name = '', form] of rows) {
      const { needsDirectEnforcement, legacy } = resolvePolicy(policyNamed(name), around)
      expect([name, legacy === null || needsDirectEnforcement ? 'loses something' : 'the same']).toEqual([name, form])
    }
  })

  it.each(tableAfter('rules'))('names %s: %s', (rule, _decides, policy = '', asked = '', access, matched) => {
    const [name = '', git] = policy.split(', ')
    const surroundings: Surroundings = git === 'git' ? { ...around, git: 'hooks-and-config-protected' } : around
    const resolved = resolvePolicy(policyNamed(name), surroundings)
    const answer = explainPath({ resolved, plan: null, path: path(asked), canonicalPath: path(asked) })
    expect(answer).toMatchObject({ rule, access, matched: matched === '' ? null : matched })
  })

  it('gives equal policies one digest, whatever the order of their entries', () => {
    const policy = policyNamed('ties')
    if (policy.form !== 'split') throw new Error('a split policy was expected')
    const entries = [...policy.fileSystem.entries].reverse()
    const other: Policy = { ...policy, fileSystem: { ...policy.fileSystem, entries } }
    expect(resolvePolicy(other, around).digest).toBe(resolvePolicy(policy, around).digest)
  })
})
