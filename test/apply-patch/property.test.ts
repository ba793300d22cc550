/** Random patches: what a diff says is what comes out, and no text makes the parser fail otherwise than it should. */

import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { detectApplyPatch } from '../../lib/apply-patch/detect.ts'
import { readDocument, writeDocument } from '../../lib/apply-patch/document.ts'
import { editDocument } from '../../lib/apply-patch/edit.ts'
import { PatchInvalidError, PatchNoMatchError } from '../../lib/apply-patch/errors.ts'
import { markers, type UpdateSection } from '../../lib/apply-patch/grammar.ts'
import { parsePatch } from '../../lib/apply-patch/parse.ts'
import { placeHunks } from '../../lib/apply-patch/place.ts'

interface Sample {
  readonly lines: readonly string[]
  readonly finalNewline: boolean
}

type Mark = ' ' | '-' | '+'
type Edit = readonly [mark: Mark, text: string]

/** The shortest edit from `old` to `wanted`, by the textbook's table. */
function editsBetween(old: readonly string[], wanted: readonly string[]): Edit[] {
  const width = wanted.length + 1
  const lengths = new Int32Array((old.length + 1) * width)
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = wanted.length - 1; j >= 0; j--) {
      const [right, down] = [lengths[i * width + j + 1]!, lengths[(i + 1) * width + j]!]
      lengths[i * width + j] = old[i] === wanted[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(right, down)
    }
  }
  const edits: Edit[] = []
  for (let i = 0, j = 0; i < old.length || j < wanted.length; ) {
    if (i < old.length && j < wanted.length && old[i] === wanted[j]) {
      edits.push([' ', old[i++]!])
      j++
    } else if (
      j === wanted.length ||
      (i < old.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    ) {
      edits.push(['-', old[i++]!])
    } else edits.push(['+', wanted[j++]!])
  }
  return edits
}

/** One hunk over the whole file, with the missing newlines spelled out; null when there is nothing to change. */
function patchBetween(old: Sample, wanted: Sample): string | null {
  const key = (sample: Sample): string[] =>
    sample.lines.map((line, index) => `${line}${index === sample.lines.length - 1 && !sample.finalNewline ? '\0' : ''}`)
  const edits = editsBetween(key(old), key(wanted))
  if (edits.every(([mark]) => mark === ' ')) return null
  const body = edits.flatMap(([mark, text]) =>
    text.endsWith('\0') ? [`${mark}${text.slice(0, -1)}`, markers.noNewline] : [`${mark}${text}`],
  )
  return [markers.begin, `${markers.update}a`, '@@', ...body, markers.end].join('\n')
}

/** Hunks with `context` lines around each change, as a model would write them. */
function hunksBetween(old: readonly string[], wanted: readonly string[], context: number): string | null {
  const edits = editsBetween(old, wanted)
  const shown = edits.map((_, at) =>
    edits.slice(Math.max(0, at - context), at + context + 1).some(([mark]) => mark !== ' '),
  )
  if (!shown.includes(true)) return null
  const body = edits.flatMap(([mark, text], at) => {
    if (!shown[at]) return []
    return shown[at - 1] === true ? [`${mark}${text}`] : ['@@', `${mark}${text}`]
  })
  return [markers.begin, `${markers.update}a`, ...body, markers.end].join('\n')
}

function bytesOf(sample: Sample, newline: string): Buffer {
  return Buffer.from(sample.lines.join(newline) + (sample.finalNewline && sample.lines.length > 0 ? newline : ''))
}

function applied(bytes: Uint8Array, patch: string): Buffer {
  const document = readDocument(bytes)
  return writeDocument(editDocument(document, placeHunks(document, parsePatch(patch).sections[0] as UpdateSection)))
}

/** By hand: a regular expression takes U+2028 and U+2029 for line ends, and they are not. */
function withCarriageReturns(patch: string): string {
  const added = (text: string) => (text.startsWith('+') ? `${text}\r` : text)
  return patch.split('\n').map(added).join('\n')
}

const line = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'b',
    'c',
    '  a',
    'a ',
    '\ta',
    '}',
    '@@',
    '+a',
    '-a',
    '*** End Patch',
    '\\ x',
    'ü',
    '日本',
    '“a”',
    '"a"',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map(text => text.replace(/[\r\n\0\ufeff]/g, '')),
)

/** A last line that is empty and unterminated is no line. */
const sample = (maxLength: number): fc.Arbitrary<Sample> =>
  fc
    .record({ lines: fc.array(line, { maxLength }), finalNewline: fc.boolean() })
    .map(one => ({ ...one, finalNewline: one.finalNewline || one.lines.length === 0 || one.lines.at(-1) === '' }))

const runs = { numRuns: 3000 }

/** CASTELLAN_FUZZ_RUNS=700000 makes about ten million lines. */
const fuzzRuns = Number(process.env['CASTELLAN_FUZZ_RUNS'] ?? 20_000)

describe('a random diff', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('makes the target of the source, byte for byte (%s)', (_, newline) => {
    fc.assert(
      fc.property(sample(12), sample(12), (old, wanted) => {
        const patch = patchBetween(old, wanted)
        fc.pre(patch !== null)
        const known = old.lines.length > 1 || (old.lines.length === 1 && old.finalNewline)
        // A file without any line ending does not say which one it uses; a patch for it spells CRLF out.
        const sent = known || newline === '\n' ? patch! : withCarriageReturns(patch!)
        fc.pre(known || newline === '\n' || wanted.finalNewline)
        expect(applied(bytesOf(old, newline), sent)).toEqual(bytesOf(wanted, newline))
      }),
      runs,
    )
  })

  it('does so when the patch itself is sent with CRLF', () => {
    fc.assert(
      fc.property(sample(12), sample(12), (old, wanted) => {
        const patch = patchBetween(old, wanted)
        fc.pre(patch !== null)
        expect(applied(bytesOf(old, '\n'), patch!.replaceAll('\n', '\r\n'))).toEqual(bytesOf(wanted, '\n'))
      }),
      runs,
    )
  })

  it('keeps a missing final newline that the patch does not mention', () => {
    fc.assert(
      fc.property(sample(12), sample(12), (old, wanted) => {
        const patch = hunksBetween(old.lines, wanted.lines, old.lines.length)
        fc.pre(patch !== null && old.lines.length > 0 && old.lines.at(-1) !== '' && wanted.lines.at(-1) !== '')
        fc.pre(editsBetween(old.lines, wanted.lines).at(-1)![0] !== '-')
        fc.pre(wanted.lines.length > 0 && editsBetween(old.lines, wanted.lines).some(([mark]) => mark !== '+'))
        const bytes = applied(bytesOf({ ...old, finalNewline: false }, '\n'), patch!)
        expect(bytes).toEqual(bytesOf({ ...wanted, finalNewline: false }, '\n'))
      }),
      runs,
    )
  })

  it('makes the target with small contexts when lines do not repeat', () => {
    const numbered = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 5, maxLength: 60 })
    fc.assert(
      fc.property(
        numbered,
        fc.array(fc.tuple(fc.nat(60), fc.nat(2))),
        fc.integer({ min: 1, max: 3 }),
        (ids, cuts, context) => {
          const old = ids.map(id => `line ${id}`)
          const wanted = old.flatMap((text, at) => {
            const cut = cuts.find(([where]) => where === at)
            return cut === undefined ? [text] : [[], [text, `new ${at}`], [`changed ${at}`]][cut[1]]!
          })
          const patch = hunksBetween(old, wanted, context)
          fc.pre(patch !== null)
          const newline = { finalNewline: true }
          expect(applied(bytesOf({ lines: old, ...newline }, '\n'), patch!)).toEqual(
            bytesOf({ lines: wanted, ...newline }, '\n'),
          )
        },
      ),
      runs,
    )
  })

  it('keeps the bytes of every line that is not UTF-8', () => {
    const raw = fc.array(fc.uint8Array({ maxLength: 6 }).map(bytes => bytes.filter(byte => byte !== 10 && byte !== 13)))
    fc.assert(
      fc.property(raw, raw, (above, below) => {
        const join = (parts: readonly Uint8Array[]) => Buffer.concat(parts.flatMap(part => [part, Buffer.from('\n')]))
        const file = [...above, Buffer.from('the line'), ...below]
        const result = applied(
          join(file),
          [markers.begin, `${markers.update}a`, '-the line', '+ü', markers.end].join('\n'),
        )
        expect(result).toEqual(join([...above, Buffer.from('ü'), ...below]))
      }),
      runs,
    )
  })
})

describe('any text', () => {
  const fragment = fc.oneof(
    fc.constantFrom(
      ...Object.values(markers),
      '@@',
      '@@ x',
      '+',
      '-',
      ' ',
      '+x',
      '-x',
      ' x',
      '',
      '<<EOF',
      'EOF',
      '```',
      '\r',
    ),
    fc.constantFrom(
      "apply_patch <<'EOF'",
      'cd x && apply_patch <<EOF',
      '*** Add File: a',
      '*** Update File: a',
      "'",
      '"',
    ),
    fc.string({ maxLength: 6 }),
  )
  const texts = fc.array(fragment, { maxLength: 30 }).map(parts => parts.join('\n'))
  const wrapped = texts.map(text => `${markers.begin}\n${text}\n${markers.end}`)

  it('is a patch or an error with a line', { timeout: 60_000 + fuzzRuns }, () => {
    fc.assert(
      fc.property(fc.oneof(wrapped, texts), text => {
        try {
          expect(parsePatch(text).sections.length).toBeGreaterThan(0)
        } catch (error) {
          if (!(error instanceof PatchInvalidError)) throw error
          expect(error.line).toBeGreaterThan(0)
          expect(error.line).toBeLessThanOrEqual(text.split('\n').length)
        }
      }),
      { numRuns: fuzzRuns },
    )
  })

  it('is read the same again from what the parser gives back', () => {
    fc.assert(
      fc.property(wrapped, text => {
        let patch: ReturnType<typeof parsePatch>
        try {
          patch = parsePatch(text)
        } catch {
          return
        }
        expect(parsePatch(patch.text)).toEqual(patch)
      }),
      { numRuns: 10_000 },
    )
  })

  it('fits a file or fails with a hunk', () => {
    const files = fc.array(fc.constantFrom('x', ' x', '', 'y'), { maxLength: 8 }).map(lines => lines.join('\n'))
    const updates = texts.map(text => `${markers.begin}\n${markers.update}a\n${text}\n${markers.end}`)
    fc.assert(
      fc.property(updates, files, (text, file) => {
        try {
          applied(Buffer.from(file), text)
        } catch (error) {
          if (!(error instanceof PatchInvalidError || error instanceof PatchNoMatchError)) throw error
        }
      }),
      { numRuns: 10_000 },
    )
  })

  it('is a command that is told or left alone', () => {
    fc.assert(
      fc.property(texts, fc.array(texts, { maxLength: 4 }), (text, words) => {
        for (const command of [text, words, ['bash', '-lc', text]]) {
          expect(['none', 'patch', 'invalid', 'implicit']).toContain(detectApplyPatch(command).kind)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('is read in time that grows with its length, however it repeats', () => {
    const size = 200_000
    const repeated = [
      '@@\n',
      '@@ x\n',
      ' \n',
      '+\n',
      '\n',
      '@@\n-x\n',
      '*** Delete File: a\n',
      '\\ No newline at end of file\n',
      '\r',
    ]
    for (const part of repeated) {
      const text = `${markers.begin}\n${markers.update}a\n${part.repeat(size)}${markers.end}`
      const start = performance.now()
      try {
        parsePatch(text)
      } catch (error) {
        expect(error).toBeInstanceOf(PatchInvalidError)
      }
      expect(performance.now() - start, JSON.stringify(part)).toBeLessThan(20_000)
    }
  })
})
