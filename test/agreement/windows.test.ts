import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { examplesOf } from './windows-examples.mjs'
import { lawsOf } from './windows-laws.mjs'
import { loadWindowsLibrary } from './windows-library.mjs'
import { checkPlans } from './windows-world.mjs'

const library = await loadWindowsLibrary(name => import(/* @vite-ignore */ `../../lib/${name}.ts`))

describe('the Windows decisions', () => {
  it.each(lawsOf(library).map(([name, property]) => [name, property] as const))('hold: %s', (_name, property) => {
    fc.assert(property, { numRuns: 300 })
  })
})

describe('the Windows decisions answer', () => {
  it.each(examplesOf(library))('%s', (_name, ask, expected) => {
    expect(ask()).toEqual(expected)
  })
})

describe('the access lists of a Windows plan', () => {
  let checked: ReturnType<typeof checkPlans>

  beforeAll(() => {
    checked = checkPlans({ policies: 600, seed: 20_261_128, library })
  }, 60_000)

  it('give a command what its policy says, and are taken back without a trace', () => {
    expect(checked.found).toEqual([])
  })

  it('are made for many of the random policies, and the others are refused for many reasons', () => {
    expect(checked.plans).toBeGreaterThan(200)
    expect([...checked.kinds.keys()].length).toBeGreaterThan(5)
  })

  it('are found to be wrong when a denial is left out', () => {
    const withoutDenials = checkPlans({
      policies: 200,
      seed: 1,
      library,
      alter: plan => ({ ...plan, accessEntries: plan.accessEntries.filter(({ kind }) => kind !== 'deny') }),
    })
    expect(withoutDenials.found.length).toBeGreaterThan(0)
  })
})
