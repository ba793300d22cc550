import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'

import { loadLibrary, runCase, schema, type WindowsCase } from './windows-decisions.mjs'

interface CaseDocument {
  readonly schema: string
  readonly cases: readonly WindowsCase[]
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`./cases/${name}.json`, import.meta.url), 'utf8')) as CaseDocument

describe.each(['windows', 'windows-more'])('the Windows cases of %s', name => {
  const document = read(name)
  let library: object

  beforeAll(async () => {
    library = await loadLibrary(module => import(/* @vite-ignore */ `../../lib/${module}.ts`))
  })

  it('are of the schema that the runner knows', () => {
    expect(document.schema).toBe(schema)
  })

  it.each(document.cases.map(given => [given.id, given.title, given] as const))('%s: %s', (_id, _title, given) => {
    const results = runCase(given, library, document)
    expect(results.length).toBeGreaterThan(0)
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  })

  it('are refused when they ask for something nobody knows', () => {
    const stranger = { id: 'x', title: 'x', function: 'else', expect: {} }
    expect(() => runCase(stranger, library, document)).toThrow('not known: else')
  })
})
