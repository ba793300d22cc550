import { describe, expect, it } from 'vitest'

import { PatchInvalidError } from '../../lib/apply-patch/errors.ts'
import type { Hunk, HunkLine, Section } from '../../lib/apply-patch/grammar.ts'
import { parsePatch } from '../../lib/apply-patch/parse.ts'
import { patchOf } from './support.ts'

const context = (text: string): HunkLine => ({ kind: 'context', text, ending: 'file' })
const remove = (text: string): HunkLine => ({ kind: 'remove', text, ending: 'file' })
const add = (text: string): HunkLine => ({ kind: 'add', text, ending: 'file' })

function hunk(line: number, lines: HunkLine[], rest: Partial<Hunk> = {}): Hunk {
  return { contexts: [], endOfFile: false, ...rest, line, lines }
}

function update(hunks: Hunk[], moveTo: string | null = null, path = 'a'): Section {
  return { kind: 'update', path, line: 2, moveTo, hunks }
}

const two = (line: HunkLine): HunkLine[] => [line, line]

const accepted: [name: string, lines: string[], sections: Section[]][] = [
  ['adds a file', ['*** Add File: a', '+x', '+', '+y'], [{ kind: 'add', path: 'a', line: 2, content: 'x\n\ny\n' }]],
  ['adds an empty file', ['*** Add File: a'], [{ kind: 'add', path: 'a', line: 2, content: '' }]],
  [
    'adds a file without a final newline',
    ['*** Add File: a', '+x', '\\ No newline at end of file'],
    [{ kind: 'add', path: 'a', line: 2, content: 'x' }],
  ],
  ['deletes a file', ['*** Delete File: b c/d.txt'], [{ kind: 'delete', path: 'b c/d.txt', line: 2 }]],
  [
    'updates a file',
    ['*** Update File: a', '@@', ' x', '-y', '+z'],
    [update([hunk(3, [context('x'), remove('y'), add('z')])])],
  ],
  [
    'needs no @@ before the first hunk',
    ['*** Update File: a', '-y', '+z'],
    [update([hunk(3, [remove('y'), add('z')])])],
  ],
  [
    'reads the line after @@',
    ['*** Update File: a', '@@ def f():', '-y'],
    [update([hunk(3, [remove('y')], { contexts: ['def f():'] })])],
  ],
  [
    'keeps blanks in the line after @@',
    ['*** Update File: a', '@@   def f(): ', '-y'],
    [update([hunk(3, [remove('y')], { contexts: ['  def f(): '] })])],
  ],
  [
    'reads several @@ lines',
    ['*** Update File: a', '@@ class A', '@@', '@@ def f', '-y'],
    [update([hunk(3, [remove('y')], { contexts: ['class A', 'def f'] })])],
  ],
  [
    'reads several hunks',
    ['*** Update File: a', '@@', '-x', '@@', '-y'],
    [update([hunk(3, [remove('x')]), hunk(5, [remove('y')])])],
  ],
  [
    'reads the end-of-file marker',
    ['*** Update File: a', '@@', '-x', '*** End of File', '@@', '+y'],
    [update([hunk(3, [remove('x')], { endOfFile: true }), hunk(6, [add('y')])])],
  ],
  ['moves and updates', ['*** Update File: a', '*** Move to: b', '@@', '-x'], [update([hunk(4, [remove('x')])], 'b')]],
  ['moves only', ['*** Update File: a', '*** Move to: b'], [update([], 'b')]],
  [
    'takes an empty line for an empty context line',
    ['*** Update File: a', '@@', ' x', '', '-y'],
    [update([hunk(3, [context('x'), context(''), remove('y')])])],
  ],
  [
    'skips blank lines before a hunk',
    ['*** Update File: a', '', ' \t', '@@', '-y'],
    [update([hunk(5, [remove('y')])])],
  ],
  [
    'skips blank lines between sections',
    ['*** Delete File: a', '', '*** Delete File: b'],
    [
      { kind: 'delete', path: 'a', line: 2 },
      { kind: 'delete', path: 'b', line: 4 },
    ],
  ],
  [
    'takes padded headers',
    ['  *** Delete File:   a  ', '\t*** Delete File: b'],
    [
      { kind: 'delete', path: 'a', line: 2 },
      { kind: 'delete', path: 'b', line: 3 },
    ],
  ],
  [
    'takes a padded destination and end-of-file marker',
    ['*** Update File: a', ' *** Move to:  b ', '@@', '-x', '*** End of File \t'],
    [update([hunk(4, [remove('x')], { endOfFile: true })], 'b')],
  ],
  [
    'takes blanks after @@ for no line',
    ['*** Update File: a', '@@ \t', '-x', '@@   ', '-y'],
    [update([hunk(3, [remove('x')]), hunk(5, [remove('y')])])],
  ],
  [
    'shares equal lines in a row without joining them',
    ['*** Update File: a', '@@', ' x', ' x', '-x', '-x', '+x', '+x', ' x'],
    [update([hunk(3, [...two(context('x')), ...two(remove('x')), ...two(add('x')), context('x')])])],
  ],
  [
    'leaves marker text in content alone',
    ['*** Update File: a', '@@', ' *** End Patch', '-*** Add File: x', '+@@'],
    [update([hunk(3, [context('*** End Patch'), remove('*** Add File: x'), add('@@')])])],
  ],
  [
    'reads unicode',
    ['*** Add File: ü/日本', '+naïve — “x”'],
    [{ kind: 'add', path: 'ü/日本', line: 2, content: 'naïve — “x”\n' }],
  ],
  [
    'marks a missing newline on both sides',
    ['*** Update File: a', '@@', '-x', '\\ No newline at end of file', '+y', '\\ No newline at end of file'],
    [
      update([
        hunk(
          3,
          [
            { ...remove('x'), ending: 'none' },
            { ...add('y'), ending: 'none' },
          ],
          { endOfFile: true },
        ),
      ]),
    ],
  ],
]

describe('parsePatch', () => {
  it.each(accepted)('%s', (_, lines, sections) => {
    expect(parsePatch(patchOf(...lines)).sections).toEqual(sections)
  })

  const body = '*** Delete File: a'
  const wrapped: [name: string, text: string][] = [
    ['without a final newline', `*** Begin Patch\n${body}\n*** End Patch`],
    ['with blank lines around it', `\n \n*** Begin Patch\n${body}\n*** End Patch\n\n\n`],
    ['with padded markers', `  *** Begin Patch \n${body}\n\t*** End Patch  `],
    ['with CRLF', `*** Begin Patch\r\n${body}\r\n*** End Patch\r\n`],
    ['in a heredoc', `<<EOF\n*** Begin Patch\n${body}\n*** End Patch\nEOF\n`],
    ["in a heredoc with '", `<<'EOF'\n*** Begin Patch\n${body}\n*** End Patch\nEOF`],
    ['in a heredoc with "', `<<"PATCH"\n*** Begin Patch\n${body}\n*** End Patch\nPATCH\n\n`],
    ['in a heredoc that takes tabs off', `<<-EOF\n*** Begin Patch\n${body}\n*** End Patch\nEOF`],
    ['in a heredoc with blanks and CRLF', `<< 'EOF'\r\n*** Begin Patch\r\n${body}\r\n*** End Patch\r\nEOF\r\n`],
    ['in a fence in a heredoc', `<<EOF\n\`\`\`\n*** Begin Patch\n${body}\n*** End Patch\n\`\`\`\nEOF`],
    ['in a fence', `\`\`\`diff\n*** Begin Patch\n${body}\n*** End Patch\n\`\`\``],
    ['in a heredoc in a fence', `~~~\n<<EOF\n*** Begin Patch\n${body}\n*** End Patch\nEOF\n~~~`],
  ]
  it.each(wrapped)('reads a patch %s', (_, text) => {
    const patch = parsePatch(text)
    expect(patch.sections).toMatchObject([{ kind: 'delete', path: 'a' }])
    expect(patch.text).toBe(`*** Begin Patch\n${body}\n*** End Patch`)
  })

  it('counts lines in the text as it was given', () => {
    const text = `\n<<'EOF'\n*** Begin Patch\n${body}\n*** End Patch\nEOF`
    expect(parsePatch(text).sections[0]!.line).toBe(4)
  })

  it('reads the environment it is meant for', () => {
    expect(parsePatch(patchOf('*** Environment ID: remote ', body)).environment).toBe('remote')
    expect(parsePatch(patchOf(body)).environment).toBeNull()
  })

  it('takes a CR for content only when no marker line has one', () => {
    const mixed = parsePatch(patchOf('*** Add File: a', '+x\r', '+y'))
    expect(mixed.sections).toMatchObject([{ content: 'x\r\ny\n' }])
    const framed = parsePatch(
      patchOf('*** Add File: a', '+x\r', '+y').replaceAll('\n', '\r\n').replaceAll('\r\r', '\r'),
    )
    expect(framed.sections).toMatchObject([{ content: 'x\ny\n' }])
    const hunks = parsePatch(patchOf('*** Update File: a', '@@', ' x\r', '+y\r')).sections
    expect(hunks).toMatchObject([
      {
        hunks: [
          {
            lines: [
              { text: 'x', ending: 'crlf' },
              { text: 'y', ending: 'crlf' },
            ],
          },
        ],
      },
    ])
  })

  const refused: [name: string, text: string, line: number][] = [
    ['nothing', '', 1],
    ['something else', 'hello', 1],
    ['a patch that does not begin', '*** Add File: a\n+x\n*** End Patch', 1],
    ['a patch that was cut off', '*** Begin Patch\n*** Add File: a\n+x', 3],
    ['a patch of one line', '*** Begin Patch', 1],
    ['a heredoc that does not end', `<<EOF\n*** Begin Patch\n${body}\n*** End Patch\n`, 1],
    ['text after the end', `*** Begin Patch\n${body}\n*** End Patch\nbye`, 4],
    ['two patches', `*** Begin Patch\n${body}\n*** End Patch\n*** Begin Patch\n${body}\n*** End Patch`, 3],
    ['a patch that changes nothing', '*** Begin Patch\n*** End Patch', 1],
    ['an unknown header', patchOf('*** Frobnicate File: a'), 2],
    ['a header without a blank', patchOf('*** Add File:a'), 2],
    ['a header without a path', patchOf('*** Delete File: '), 2],
    ['a path with a NUL', patchOf('*** Delete File: a\0b'), 2],
    ['a destination without a path', patchOf('*** Update File: a', '*** Move to:', '@@', '-x'), 3],
    ['an empty environment', patchOf('*** Environment ID:', body), 2],
    ['an environment after a section', patchOf(body, '*** Environment ID: x'), 3],
    ['a line of an added file without +', patchOf('*** Add File: a', '+x', 'y'), 4],
    ['a blank line inside an added file', patchOf('*** Add File: a', '+x', '', '+y'), 5],
    ['content after a deleted file', patchOf(body, '-x'), 3],
    ['an update without hunks', patchOf('*** Update File: a'), 2],
    ['a hunk without lines', patchOf('*** Update File: a', '@@'), 4],
    ['a hunk of only the end-of-file marker', patchOf('*** Update File: a', '@@', '*** End of File'), 4],
    ['a hunk line with another mark', patchOf('*** Update File: a', '@@', 'x'), 4],
    ['a second hunk without @@', patchOf('*** Update File: a', '@@', '-x', '*** End of File', '+y'), 6],
    ['@@ without a blank', patchOf('*** Update File: a', '@@x', '-y'), 3],
    [
      'a line after the one without a newline',
      patchOf('*** Update File: a', ' x', '\\ No newline at end of file', '-y'),
      6,
    ],
    [
      'a line of an added file after the one without a newline',
      patchOf('*** Add File: a', '+x', '\\ No newline at end of file', '+y'),
      5,
    ],
    ['a missing newline before any line', patchOf('*** Add File: a', '\\ No newline at end of file'), 3],
    ['three wrappings', `\`\`\`\n<<A\n~~~\n*** Begin Patch\n${body}\n*** End Patch\n~~~\nA\n\`\`\``, 3],
    ['a heredoc that ends otherwise', `<<A\n*** Begin Patch\n${body}\n*** End Patch\nB`, 1],
    ['a second destination', patchOf('*** Update File: a', '*** Move to: b', '*** Move to: c', '@@', '-x'), 4],
  ]
  it.each(refused)('refuses %s', (_, text, line) => {
    expect(() => parsePatch(text)).toThrow(PatchInvalidError)
    try {
      parsePatch(text)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PATCH_INVALID', line })
    }
  })

  it('puts no line of the patch into a message', () => {
    const secret = 'hunter2'
    for (const lines of [[`${secret}`], ['*** Add File: a', secret], ['*** Update File: a', `@@${secret}`]]) {
      expect(() => parsePatch(patchOf(...lines))).not.toThrow(new RegExp(secret))
      expect(() => parsePatch(patchOf(...lines))).toThrow(PatchInvalidError)
    }
  })
})
