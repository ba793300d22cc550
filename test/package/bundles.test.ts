/** What the published files ask of the bundler of whoever builds on castellan: nothing that it warns of. */
import { readdirSync } from 'node:fs'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'

import { requireBuild, text } from './repository.ts'

beforeAll(requireBuild)

/** The keys that an object literal of `source` has twice, each with its line. */
function keysWrittenTwice(name: string, source: string): string[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest)
  const found: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isObjectLiteralExpression(node)) {
      const seen = new Set<string>()
      for (const property of node.properties) {
        const key = property.name
        if (key === undefined || ts.isAccessor(property) || !(ts.isIdentifier(key) || ts.isStringLiteral(key))) continue
        if (seen.has(key.text)) {
          found.push(`${name}:${file.getLineAndCharacterOfPosition(key.getStart(file)).line + 1} ${key.text}`)
        }
        seen.add(key.text)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

describe('a bundle', () => {
  it.each(['bundle', 'bundle-modules'])('in dist/%s writes no key of an object twice', folder => {
    const names = readdirSync(new URL(`../../dist/${folder}`, import.meta.url)).filter(one => /\.c?js$/.test(one))
    expect(names.length).toBeGreaterThan(3)
    expect(names.flatMap(name => keysWrittenTwice(name, text(`dist/${folder}/${name}`)))).toEqual([])
  })

  it('is noticed when it does', () => {
    expect(keysWrittenTwice('a.js', 'const a = {\n  one: 1, two: { one: 2 },\n  "one": 3 }')).toEqual(['a.js:3 one'])
    expect(keysWrittenTwice('a.js', 'const a = { get one() {}, set one(value) {} }')).toEqual([])
  })
})
