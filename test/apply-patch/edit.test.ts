import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'

import { readDocument, writeDocument } from '../../lib/apply-patch/document.ts'
import { editDocument } from '../../lib/apply-patch/edit.ts'
import { PatchNoMatchError } from '../../lib/apply-patch/errors.ts'
import type { UpdateSection } from '../../lib/apply-patch/grammar.ts'
import { keyOf, leniencies } from '../../lib/apply-patch/leniency.ts'
import { LineIndex, SearchLimit } from '../../lib/apply-patch/line-index.ts'
import { parsePatch } from '../../lib/apply-patch/parse.ts'
import { placeHunks } from '../../lib/apply-patch/place.ts'
import { patchOf } from './support.ts'

function sectionOf(lines: readonly string[]): UpdateSection {
  return parsePatch(patchOf('*** Update File: a', ...lines)).sections[0] as UpdateSection
}

function edit(content: string | Uint8Array, lines: readonly string[]): Buffer {
  const document = readDocument(typeof content === 'string' ? Buffer.from(content) : content)
  return writeDocument(editDocument(document, placeHunks(document, sectionOf(lines))))
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('placing hunks', () => {
  const found: [leniency: string, file: string, pattern: string[]][] = [
    ['exact', 'x\n  a\n', ['   a']],
    ['right-trimmed', 'x\n  a \t\n', ['   a']],
    ['right-trimmed', 'x\n  a\n', ['   a  ']],
    ['trimmed', 'x\n\ta\n', [' a']],
    ['trimmed', 'x\na\n', ['     a ']],
    ['normalised', 'x\nit’s a “–” b\n', [' it\'s a "-" b']],
    ['normalised', 'x\nit\'s a "-" b\n', [' it‘s a ‟—” b']],
    ['normalised', 'x\na\u00a0b\u3000c\n', [' a b c']],
    ['normalised', 'x\n\u2212\u2010\u2015\n', ['  --- ']],
  ]
  it.each(found)('finds %s lines: %j by %j', (leniency, file, pattern) => {
    const document = readDocument(Buffer.from(file))
    expect(placeHunks(document, sectionOf(['@@', ...pattern]))).toMatchObject([{ at: 1, leniency }])
  })

  it.each(found)('finds a line after @@ by the same search: %s, %j', (_, file, pattern) => {
    const lines = [`@@ ${pattern[0]!.slice(1)}`, '-end', '+END']
    expect(edit(`${file}end\n`, lines).toString()).toBe(`${file}END\n`)
  })

  it.each(found)('finds lines at the end of the file by the same search: %s, %j', (leniency, file, pattern) => {
    const document = readDocument(Buffer.from(file))
    const lines = ['@@', ...pattern, '*** End of File']
    expect(placeHunks(document, sectionOf(lines))).toMatchObject([{ at: 1, leniency }])
  })

  const alike: [ascii: string, characters: string][] = [
    ['-', '\u2010\u2011\u2012\u2013\u2014\u2015\u2212'],
    ["'", '\u2018\u2019\u201a\u201b'],
    ['"', '\u201c\u201d\u201e\u201f'],
    [' ', '\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000'],
  ]
  it.each(alike)('takes %j for each of its typographic forms, in the file and in the patch', (ascii, characters) => {
    for (const character of characters) {
      expect(edit(`x${character}y\n`, ['@@', `-x${ascii}y`, '+z']).toString(), character).toBe('z\n')
      expect(edit(`x${ascii}y\n`, ['@@', `-x${character}y`, '+z']).toString(), character).toBe('z\n')
    }
  })

  it('takes no other character for a typographic form', () => {
    for (const character of '\u00ad\u200b\u2016\u2017\u2020\u2032\u2033\u2043\u00b4\u0060\u1680\u2001\u2000\ufe63') {
      for (const [ascii] of alike) {
        expect(() => edit(`x${character}y\n`, ['@@', `-x${ascii}y`, '+z']), character).toThrow(PatchNoMatchError)
      }
    }
  })

  it('does not forgive more than that', () => {
    for (const [file, pattern] of [
      ['a  b\n', ' a b'],
      ['A\n', ' a'],
      ['café\n', ' cafe'],
      ['a…b\n', ' a...b'],
    ]) {
      expect(() => edit(file!, ['@@', pattern!])).toThrow(PatchNoMatchError)
    }
  })

  it('prefers a stricter match further down to a lenient one above', () => {
    expect(edit(' a\na \na\n', ['@@', '-a', '+b']).toString()).toBe(' a\na \nb\n')
    expect(edit(' a\na \n', ['@@', '-a', '+b']).toString()).toBe(' a\nb\n')
  })

  it('takes the first of equal matches, and the next for the next hunk', () => {
    expect(edit('a\na\na\n', ['@@', '-a', '+1', '@@', '-a', '+2']).toString()).toBe('1\n2\na\n')
  })

  it('looks below the @@ line, and below the last of several', () => {
    const file = 'class A\n f\n  x\nclass B\n g\n  x\n f\n  x\n'
    expect(edit(file, ['@@ class B', '-  x', '+  y']).toString()).toBe(file.replace(' g\n  x', ' g\n  y'))
    expect(edit(file, ['@@ class B', '@@ f', '-  x', '+  y']).toString()).toBe(
      'class A\n f\n  x\nclass B\n g\n  x\n f\n  y\n',
    )
  })

  it('looks only at the end for the end-of-file marker', () => {
    expect(edit('a\nb\na\n', ['@@', '-a', '+z', '*** End of File']).toString()).toBe('a\nb\nz\n')
    expect(() => edit('a\nb\n', ['@@', '-a', '+z', '*** End of File'])).toThrow(PatchNoMatchError)
  })

  it('puts a hunk without old lines at the end, above an empty last line, as the reference does', () => {
    expect(edit('a\nb\n', ['@@', '+c']).toString()).toBe('a\nb\nc\n')
    expect(edit('a\nb\n\n', ['@@', '+c']).toString()).toBe('a\nb\nc\n\n')
    expect(edit('a\nb\n', ['@@ a', '+c']).toString()).toBe('a\nb\nc\n')
    expect(edit('a\n', ['@@', '+b', '@@', '+c']).toString()).toBe('a\nb\nc\n')
    expect(edit('', ['@@', '+c']).toString()).toBe('c\n')
  })

  it('forgives an empty line that stands for the end of the file or for a gap', () => {
    expect(edit('a\nb\n', ['@@', ' a', '-b', '+c', '']).toString()).toBe('a\nc\n')
    expect(edit('a\nb\n', ['@@', '-b', '-', '+c', '+']).toString()).toBe('a\nc\n')
    expect(edit('a\nb\n\nd\n', ['@@', '-b', '+c', '']).toString()).toBe('a\nc\n\nd\n')
  })

  const refused: [name: string, file: string, lines: string[], reason: string, hunk: number, line: number][] = [
    ['lines that are not there', 'a\n', ['@@', '-b'], 'lines', 1, 3],
    ['a second hunk that is not there', 'a\n', ['@@', '-a', '@@', '-b'], 'lines', 2, 5],
    ['an @@ line that is not there', 'a\n', ['@@ x', '-a'], 'context', 1, 3],
    ['hunks that go up', 'a\nb\n', ['@@', '-b', '@@', '-a'], 'order', 2, 5],
    ['an @@ line that goes up', 'a\nb\nc\n', ['@@', '-b', '@@ a', '-c'], 'order', 2, 5],
    ['more lines than the file has', 'a\n', ['@@', ' a', ' a'], 'lines', 1, 3],
    ['an end of file above the last hunk', 'a\n', ['@@', '-a', '@@', '-a', '*** End of File'], 'order', 2, 5],
    ['a hunk inside another', 'a\n\n', ['@@', '+x', '@@', ' a', '-'], 'overlap', 1, 3],
  ]
  it.each(refused)('refuses %s', (_, file, lines, reason, hunk, line) => {
    expect(() => edit(file, lines)).toThrow(PatchNoMatchError)
    try {
      edit(file, lines)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PATCH_NO_MATCH', reason, path: 'a', hunk, line })
    }
  })
})

describe('editing a document', () => {
  const rows: [name: string, file: string, lines: string[], expected: string][] = [
    ['keeps LF', 'a\nb\n', ['@@', '-b', '+c'], 'a\nc\n'],
    ['keeps CRLF', 'a\r\nb\r\n', ['@@', ' a', '-b', '+c', '+d'], 'a\r\nc\r\nd\r\n'],
    ['keeps mixed endings', 'a\r\nb\nc\r\nd\n', ['@@', ' a', ' b', '-c', '+C', ' d'], 'a\r\nb\nC\r\nd\n'],
    ['keeps the ending of a repeated context line', 'a\r\na\n', ['@@', '-a', ' a'], 'a\n'],
    ['ends an inserted line like the one above it', 'a\r\nb\n', ['@@', ' a', '+x', ' b'], 'a\r\nx\r\nb\n'],
    ['ends a line at the top like the one below it', 'a\r\nb\n', ['@@', '+x', ' a'], 'x\r\na\r\nb\n'],
    ['writes a CR that the patch spells out', 'a\nb\n', ['@@', '-b', '+c\r'], 'a\nc\r\n'],
    ['keeps a lone CR', 'a\rb\nc\n', ['@@', '-c', '+d'], 'a\rb\nd\n'],
    ['keeps a missing final newline', 'a\nb', ['@@', '-b', '+c'], 'a\nc'],
    ['keeps a missing final newline of an untouched line', 'a\nb', ['@@', '-a', '+c'], 'c\nb'],
    ['gives an ending to a last line that gets a successor', 'a\r\nb', ['@@', ' b', '+c'], 'a\r\nb\r\nc'],
    ['keeps the newline of a line that becomes the last', 'a\nb', ['@@', ' a', '-b'], 'a\n'],
    [
      'adds the final newline that the patch spells out',
      'a',
      ['@@', '-a', '\\ No newline at end of file', '+b'],
      'b\n',
    ],
    [
      'takes the final newline that the patch takes away',
      'a\n',
      ['@@', '-a', '+b', '\\ No newline at end of file'],
      'b',
    ],
    ['empties a file', 'a\nb', ['@@', '-a', '-b'], ''],
    ['keeps the bytes of a context line found leniently', 'a  \nb\n', ['@@', ' a', '-b', '+c'], 'a  \nc\n'],
    ['keeps a byte order mark', '\ufeffa\nb\n', ['@@', '-a', '+c'], '\ufeffc\nb\n'],
    ['keeps a byte order mark before a new first line', '\ufeffa\n', ['@@', '+c', ' a'], '\ufeffc\na\n'],
    ['does not double a byte order mark', '\ufeffa\n', ['@@', ' a', '+b'], '\ufeffa\nb\n'],
    ['takes away a byte order mark that the patch names', '\ufeffa\n', ['@@', '-\ufeffa', '+a'], 'a\n'],
    ['keeps a byte order mark that the patch names', '\ufeffa\n', ['@@', '-\ufeffa', '+\ufeffb'], '\ufeffb\n'],
    ['changes nothing for a patch of context', 'a\n', ['@@', ' a'], 'a\n'],
  ]
  it.each(rows)('%s', (_, file, lines, expected) => {
    // The one row whose patch names the mark on both sides takes it away as part of a line and writes it as one.
    expect(edit(file, lines).toString()).toBe(expected)
  })

  it('keeps the bytes of untouched lines in a file that is not UTF-8', () => {
    const file = bytes('caf\xe9\nplain\n\xff\xfe\x80\n')
    expect(edit(file, ['@@', '-plain', '+ü'])).toEqual(
      Buffer.concat([bytes('caf\xe9\n'), Buffer.from('ü'), bytes('\n\xff\xfe\x80\n')]),
    )
  })

  it('finds a line that is not UTF-8 by what a reader is shown, and keeps its bytes', () => {
    const file = bytes('caf\xe9\nx\n')
    expect(edit(file, ['@@', ' caf\ufffd', '-x', '+y'])).toEqual(bytes('caf\xe9\ny\n'))
  })

  it('writes what it read, whatever it is', () => {
    for (const text of [
      '',
      '\n',
      '\r\n',
      'a',
      'a\r',
      '\r',
      '\n\n',
      'a\n\r\nb',
      '\xef\xbb\xbf',
      '\xef\xbb\xbf\xff\n',
      '\0\n',
    ]) {
      expect(writeDocument(readDocument(bytes(text)))).toEqual(bytes(text))
    }
  })
})

describe('LineIndex', () => {
  const naive = (texts: string[], pattern: string[], start: number): number => {
    for (let at = start; at + pattern.length <= texts.length; at++) {
      if (pattern.every((line, index) => texts[at + index] === line)) return at
    }
    return -1
  }

  it('finds what a plain search finds, also among many repetitions', () => {
    let seed = 7
    const random = (limit: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return Math.floor((seed / 2147483648) * limit)
    }
    for (let round = 0; round < 400; round++) {
      const texts = Array.from({ length: random(200) }, () => 'ab'[random(round % 2 === 0 ? 1.1 : 2)]!)
      const pattern = Array.from({ length: 1 + random(6) }, () => 'ab'[random(2)]!)
      const start = random(texts.length + 1)
      const index = new LineIndex(texts, keyOf.exact)
      expect(index.find(pattern, start)).toBe(naive(texts, pattern, start))
      const last = texts.length - pattern.length
      expect(index.endsWith(pattern, start)).toBe(last >= start && naive(texts, pattern, last) === last && last >= 0)
    }
  })

  it('gives up instead of searching for ever', () => {
    const index = new LineIndex(
      [...new Array(500).fill('a'), 'b', ...new Array(500).fill('a'), 'b'],
      keyOf.exact,
      50_000,
    )
    const search = (): void => {
      for (let round = 0; round < 100; round++) index.find(['b', 'a', 'a', 'b'], 0)
    }
    const walk = (): void => {
      for (let round = 0; round < 100; round++) index.find([...new Array(501).fill('a')], 0)
    }
    expect(search).not.toThrow()
    expect(walk).toThrow(SearchLimit)
    expect(search).toThrow(SearchLimit)
  })

  it('turns giving up into an error with a place', () => {
    // Each hunk is found only when trailing blanks are forgiven, after an exact search through all the rest.
    const file = `${'x\ny \n'.repeat(300_000)}${'y\n'.repeat(40)}`
    const hunks = new Array(600).fill(['@@', ' x', ' y', '+z']).flat()
    let error: unknown
    try {
      edit(file, hunks)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: 'ERR_PATCH_NO_MATCH', reason: 'limit', path: 'a' })
    expect(edit(file, hunks.slice(0, 40)).length).toBe(file.length + 20)
  })

  it('tries leniency in the order of the reference', () => {
    expect(leniencies).toEqual(['exact', 'right-trimmed', 'trimmed', 'normalised'])
  })
})
