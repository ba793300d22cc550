/** Seatbelt's patterns against the policy's own matcher, and against picomatch where the two mean the same. */
import fc from 'fast-check'
import picomatch from 'picomatch'
import { describe, expect, it } from 'vitest'

import { closedPatterns } from '../../../lib/plan/macos/glob-regex.ts'
import { sbplRegex } from '../../../lib/plan/macos/sbpl-regex.ts'
import { compileGlob, matchesGlobs } from '../../../lib/policy/glob.ts'
import { ancestorsOf } from '../../../lib/policy/path.ts'
import { path } from '../../policy/fake-files.ts'

function patternsOf(pattern: string): RegExp[] {
  const glob = compileGlob(path(pattern), 0)
  if (glob === null) throw new Error(`not a pattern: ${pattern}`)
  return closedPatterns(glob, given => given).map(({ regex }) => sbplRegex(regex))
}

const piece = fc.constantFrom('a', 'b', '.', '-', '*', '?', '[ab]', '[!a]', '[a-c]', '{a,b}', '[', ']x', '+', '$')
const name = fc.oneof(
  { weight: 1, arbitrary: fc.constant('**') },
  { weight: 4, arbitrary: fc.array(piece, { minLength: 1, maxLength: 4 }).map(pieces => pieces.join('')) },
)
const globs = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map(names => `/r/${names.join('/')}`)
  .filter(pattern => compileGlob(path(pattern), 0) !== null && !/\/\.\.?(\/|$)/.test(pattern))
const letters = fc.constantFrom('a', 'b', 'c', '.', '-', '[', 'x', '+', '$', 'é', '\u{1f600}')
const paths = fc
  .array(
    fc.array(letters, { minLength: 1, maxLength: 4 }).map(text => text.join('')),
    { minLength: 1, maxLength: 5 },
  )
  .map(names => path(`/r/${names.join('/')}`))

describe('the patterns of a profile', () => {
  it('match exactly what the policy denies, and what is below it', () => {
    fc.assert(
      fc.property(globs, paths, (pattern, asked) => {
        const glob = compileGlob(path(pattern), 0)!
        const denied = ancestorsOf(asked).some(place => matchesGlobs([glob], place))
        const matched = patternsOf(pattern).some(regex => regex.test(asked))
        // Between characters and bytes more may match, never less; in ASCII nothing more does.
        if (denied || /^[ -~]*$/.test(asked)) expect([pattern, asked, matched]).toEqual([pattern, asked, denied])
      }),
      { numRuns: 5000 },
    )
  })

  it('match what picomatch matches', () => {
    // picomatch has other rules for stars beside a globstar and for characters that begin an extended pattern.
    const same = fc
      .array(fc.constantFrom('**', 'a', '*.key', 'a*b', '?b', '[ab]', '[a-c]x', '*'), { minLength: 1, maxLength: 4 })
      .map(names => `/r/${names.join('/')}`)
      .filter(pattern => !/\*\*\/\*\*|\*\*\/\*(\/|$)|\*\*$/.test(pattern))
    fc.assert(
      fc.property(same, paths, (pattern, asked) => {
        const expected = picomatch(pattern, { dot: true, nobrace: true, noextglob: true })(asked)
        if (expected && !asked.includes('\n'))
          expect([pattern, asked, patternsOf(pattern).some(regex => regex.test(asked))]).toEqual([pattern, asked, true])
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['/r/[!a]x', '/r/éx'],
    ['/r/?', '/r/é'],
    ['/r/[é]', '/r/é'],
    ['/r/[à-ü]', '/r/é'],
    ['/r/[]x]', '/r/]'],
    ['/r/a"b', '/r/a"b'],
    ['/r/a\\\\b', '/r/a\\b'],
    ['/r/\\*', '/r/*'],
  ])('%s matches %s, also for an engine that counts bytes', (pattern, asked) => {
    expect(patternsOf(pattern).some(regex => regex.test(asked))).toBe(true)
    // Each byte of the path as a character of its own.
    const bytes = Buffer.from(asked).toString('latin1')
    const glob = compileGlob(path(pattern), 0)!
    const inBytes = closedPatterns(glob, given => given).map(({ regex }) =>
      sbplRegex(Buffer.from(regex).toString('latin1')),
    )
    expect(inBytes.some(regex => regex.test(bytes))).toBe(true)
  })
})
