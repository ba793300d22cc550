import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthDocument, type LoadedLibrary, loadLibrary, runCase, schema } from '../conformance/auth-scenarios.mjs'
import { type CompiledAuth, compileAuth } from './compiled.ts'

const document = JSON.parse(
  readFileSync(new URL('../conformance/cases/auth.json', import.meta.url), 'utf8'),
) as AuthDocument

describe('auth scenarios against a scripted server', () => {
  let compiled: CompiledAuth
  let library: LoadedLibrary

  beforeAll(async () => {
    compiled = compileAuth()
    library = await loadLibrary(name => import(/* @vite-ignore */ `../../lib/${name}.ts`), compiled.url)
  })

  afterAll(() => compiled.remove())

  it('are of the schema that the runner knows', () => {
    expect(document.schema).toBe(schema)
  })

  it.each(document.cases.map(given => [given.id, given.title, given] as const))(
    '%s: %s',
    async (_id, _title, given) => {
      const results = await runCase(given, library, document)
      expect(results.length).toBeGreaterThan(0)
      expect(results.filter(result => result.outcome !== 'passed')).toEqual([])
    },
  )
})
