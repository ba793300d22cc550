/** docs/linux-holes.md names what shows that a hole is closed: each of these exists. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

import { root } from './repository.ts'

const { scenarios } = (await import(path.join(root, 'test/battery/scenarios/index.mjs'))) as {
  scenarios: readonly { readonly id: string }[]
}
const ids = new Set(scenarios.map(({ id }) => id))
const document = readFileSync(path.join(root, 'docs/linux-holes.md'), 'utf8')
const rows = [...document.matchAll(/^\| (\d+) \| (.*?) \| (.*?) \| (.*) \|$/gm)].map(([, number, , , shown]) => ({
  number: Number(number),
  shown: shown!,
}))

/** Title, as it stands in the source: quoted in one of the three ways. */
function hasTest(file: string, title: string): boolean {
  if (!existsSync(path.join(root, file))) return false
  const source = readFileSync(path.join(root, file), 'utf8')
  return ["'", '"', '`'].some(quote => source.includes(`${quote}${title}${quote}`))
}

describe('the table of holes', () => {
  it('has a row for each of the nineteen', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 19 }, (_, index) => index + 1))
  })

  it.each(rows)('names tests that exist: $number', ({ shown }) => {
    const tests = [...shown.matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)].map(([, file, title]) => [file!, title!] as const)
    const named = [...shown.replaceAll(/`test\/[^`]+`: "[^"]+"/g, '').matchAll(/`([^`]+)`/g)].map(([, id]) => id!)
    expect(tests.length + named.length).toBeGreaterThan(0)
    expect(named.filter(id => !ids.has(id))).toEqual([])
    expect(tests.filter(([file, title]) => !hasTest(file, title))).toEqual([])
  })
})
