/** What the documentation site is made of (`npm run docs`): every page in its order, and the check that its links pass. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

import { guides } from '../../scripts/docs/guides.mjs'
import { brokenLinks } from '../../scripts/docs/links.mjs'
import { extendMarkdown } from '../../scripts/docs/markdown.mjs'
import { inRoot } from '../package/repository.ts'

it('every guide has a place in the reading order', () => {
  const pages = readdirSync(inRoot('docs')).filter(name => name.endsWith('.md'))
  expect(guides.map(name => `${name}.md`).toSorted()).toEqual(pages.toSorted())
})

describe('brokenLinks', () => {
  it('names links to files and places that are not there, and no others', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'castellan-links-'))
    try {
      mkdirSync(path.join(folder, 'inner'))
      writeFileSync(path.join(folder, 'index.html'), '<h2 id="place">')
      const good = ['../index.html', '../#place', '#own', 'https://example.test/', '../index.html?a=1&amp;b=2#place']
      const bad = ['../none.html', '../index.html#none', '#none', '../inner']
      const links = [...good, ...bad].map(link => `<a id="own" href="${link}">`)
      writeFileSync(path.join(folder, 'inner/page.html'), links.join('\n'))
      expect(brokenLinks(folder)).toEqual(bad.map(link => ({ page: path.join('inner', 'page.html'), link })))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

interface Token {
  readonly type: string
  readonly content: string
  readonly children?: readonly Token[] | null
}

interface Parser {
  parse(text: string, env: object): readonly Token[]
  render(text: string): string
}

describe('extendMarkdown', () => {
  // The parser that typedoc has.
  const make = createRequire(createRequire(import.meta.url).resolve('typedoc'))('markdown-it') as () => Parser

  /** As typedoc takes the text of a heading. */
  const textOf = (token: Token): string =>
    token.children ? token.children.map(textOf).join('') : token.type === 'text' ? token.content : ''

  it('keeps code in the names of headings, and shows it once', () => {
    const parser = make()
    extendMarkdown(parser)
    const [, inline] = parser.parse('## Stages of `LaunchError`', {})
    expect(textOf(inline!)).toBe('Stages of LaunchError')
    expect(parser.render('## Stages of `LaunchError`')).toBe('<h2>Stages of <code>LaunchError</code></h2>\n')
  })

  it('lets code in tables be broken behind underscores, and nowhere else', () => {
    const parser = make()
    extendMarkdown(parser)
    expect(parser.render('`A_B`\n\n| Code |\n|---|\n| `A_B<C` |')).toMatch(
      /<code>A_B<\/code>[\s\S]*<td><code>A_<wbr>B&lt;C<\/code><\/td>/,
    )
  })
})
