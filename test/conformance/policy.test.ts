import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadLibrary, type PolicyCase, runCase, schema } from './policy-cases.mjs'

const document = JSON.parse(readFileSync(new URL('./cases/policy.json', import.meta.url), 'utf8')) as {
  readonly schema: string
  readonly cases: readonly PolicyCase[]
}

describe('policy cases', () => {
  let library: object

  beforeAll(async () => {
    library = await loadLibrary(name => import(/* @vite-ignore */ `../../lib/${name}.ts`))
  })

  it('are of the schema that the runner knows', () => {
    expect(document.schema).toBe(schema)
  })

  it('are of both models', () => {
    expect(new Set(document.cases.map(given => given.era))).toEqual(new Set(['2026-03', '2026-06']))
  })

  const rows = document.cases.map(given => [given.id, given.note, given] as const)

  it.each(rows)('%s: %s', (_id, _note, given) => {
    const results = runCase(given, library)
    expect(results.length).toBeGreaterThan(0)
    expect(results.filter(result => result.outcome !== 'passed')).toEqual([])
  })
})
