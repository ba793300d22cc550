/** The examples of docs/apply-patch.md do what the page says. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { applyPatch, detectApplyPatch, parsePatch } from '../../lib/apply-patch/index.ts'
import { files, workspace } from './support.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/apply-patch.md'), 'utf8')
const examples = new Map(
  [...page.matchAll(/<!-- example: ([a-z-]+) -->\n```diff\n(.*?)```/gs)].map(match => [match[1]!, match[2]!]),
)

const shapes = (area: string, end: string): string =>
  `class Square:\n    def area(self):\n        return 0\n\nclass Circle:\n    def area(self):\n        return ${area}\n\n${end}\n`

const expected: Record<string, { before: Record<string, string>; after: Record<string, string> }> = {
  basics: {
    before: {
      'src/app.py': 'def main():\n    print("Hi")\n',
      'notes.txt': 'first\nsecond\n',
      'obsolete.txt': 'x\n',
    },
    after: {
      'src/greeting.py': 'GREETING = "Hello"\n',
      'src/app.py': 'def main():\n    print(GREETING)\n',
      'docs/notes.txt': 'first\n2nd\n',
    },
  },
  contexts: {
    before: { 'shapes.py': shapes('0', '# end') },
    after: { 'shapes.py': shapes('PI * self.radius ** 2', '# The end.') },
  },
  'no-newline': { before: { version: '1.0\n' }, after: { version: '1.1' } },
  heredoc: { before: {}, after: { 'a.txt': 'a\n' } },
}

describe('docs/apply-patch.md', () => {
  it('has the examples that are tested here, and every patch on the page is one of them', () => {
    expect([...examples.keys()]).toEqual(Object.keys(expected))
    expect([...page.matchAll(/```diff\n/g)]).toHaveLength(examples.size)
  })

  it.each(Object.entries(expected))('does what it says: %s', async (name, { before, after }) => {
    const cwd = workspace(before)
    await applyPatch(examples.get(name)!, { cwd })
    expect(files(cwd)).toEqual(after)
  })

  it('names every command form that is found', () => {
    const scripts = [...page.matchAll(/```sh\n(.*?)```/gs)].map(match => match[1]!)
    const patch = parsePatch(examples.get('basics')!).text
    expect(scripts).toHaveLength(2)
    for (const script of scripts) {
      const body = script.includes('Begin Patch')
        ? script.replace(/\*\*\* Begin.*End Patch/s, patch)
        : script.replace('…', patch)
      expect(detectApplyPatch(['bash', '-lc', body])).toMatchObject({ kind: 'patch' })
    }
  })

  it('lists every error code of this folder', () => {
    const codes = [
      ...readFileSync(join(import.meta.dirname, '../../lib/errors.ts'), 'utf8').matchAll(/'(ERR_PATCH_[A-Z_]+)'/g),
    ]
    expect(codes.length).toBeGreaterThan(4)
    for (const [, code] of codes) expect(page).toContain(`\`${code}\``)
  })
})
