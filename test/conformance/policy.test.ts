import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadLibrary, type PolicyCase, runCase, schema } from './policy-cases.mjs'

const document = JSON.parse(readFileSync(new URL('./cases/policy.json', import.meta.url), 'utf8')) as {
  readonly schema: string
  readonly cases: readonly PolicyCase[]
}

describe('policy cases of 2026-03', () => {
  let library: object

  beforeAll(async () => {
    library = await loadLibrary(name => import(/* @vite-ignore */ `../../lib/${name}.ts`))
  })

  it('are of the schema that the runner knows', () => {
    expect(document.schema).toBe(schema)
  })

  const cases = document.cases.filter(given => given.era === '2026-03')

  it.each(cases.map(given => [given.id, given.note, given] as const))('%s: %s', (_id, _note, given) => {
    const results = runCase(given, library)
    expect(results.length).toBeGreaterThan(0)
    expect(results.filter(result => result.outcome === 'failed')).toEqual([])
  })
})
