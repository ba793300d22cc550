/** The README's support table is the one that the last run of the matrix made, and says nothing that it did not see. */
import { describe, expect, it } from 'vitest'

import { type MatrixResults, table, withTable } from '../../scripts/matrix/table.mjs'
import { text } from './repository.ts'

const results = JSON.parse(text('scripts/matrix/results.json')) as MatrixResults

describe('the support table', () => {
  it('of the README is made from the results', () => {
    expect(withTable(text('README.md'), results)).toBe(text('README.md'))
  })

  it('has the documented runtimes and package managers in it', () => {
    const names = results.rows.map(({ name }) => name)
    const runtimes = ['Node.js 20', 'Node.js 22', 'Node.js 24', 'Node.js 26', 'Bun', 'Deno']
    const managers = ['Installed by npm', 'Installed by pnpm', 'Installed by Yarn Classic', 'Installed by Yarn']
    expect(names).toEqual(expect.arrayContaining([...runtimes, ...managers]))
  })

  it('says of what failed that it did', () => {
    const rows = [
      { name: 'Node.js 20', version: '20.1.0', passed: true, did: 'a command ran' },
      { name: 'Bun', version: '1.2.3', passed: false, did: 'a command ran' },
    ]
    const made = table({ system: 'Linux', rows })
    expect(made).toContain('| Node.js 20 (20.1.0) | a command ran |')
    expect(made).toContain('| Bun (1.2.3) | **failed** |')
  })
})
