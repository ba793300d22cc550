import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlob, enterPath, fixedPlaces, globCursor, matchesGlobs } from '../../lib/policy/glob.ts'
import { path } from './fake-files.ts'

function matches(pattern: string, asked: string): boolean {
  const glob = compileGlob(path(pattern), 0)
  if (glob === null) throw new Error(`${pattern} cannot be read`)
  return matchesGlobs([glob], path(asked))
}

// Backtracks, which is why the library does not do it this way.
function expressionOf(components: readonly string[]): RegExp {
  const parts = components.map((component, index) => {
    if (component === '**') return index === components.length - 1 ? '(?:/[^/]+)+' : '(?:/[^/]+)*'
    const text = component.replaceAll('.', '\\.').replaceAll('*', '[^/]*').replaceAll('?', '[^/]')
    return `/${text.replaceAll('[!', '[^/')}`
  })
  return new RegExp(`^${parts.join('')}$`)
}

describe('a pattern', () => {
  it.each([
    ['/w/*.env', '/w/.env /w/a.env', '/w /w/a/.env /w/a.envx /w/.env/x'],
    ['/w/?.key', '/w/a.key /w/é.key /w/😀.key', '/w/.key /w/ab.key'],
    ['/w/**/.env', '/w/.env /w/a/.env /w/a/b/c/.env', '/.env /v/.env /w/a/env /w/.env/x'],
    ['/w/**', '/w/a /w/a/b', '/w /wx'],
    ['/w/a**b', '/w/ab /w/axxb', '/w/a/b'],
    ['/w/**/**/x', '/w/x /w/a/x', '/w/a'],
    ['/**/x', '/x /a/x', '/a'],
    ['/**', '/ /a /a/b', ''],
    ['/w/[a-c]x', '/w/ax /w/cx', '/w/dx /w/x'],
    ['/w/[!a]', '/w/b', '/w/a /w'],
    ['/w/[^a]', '/w/b', '/w/a'],
    ['/w/[]a]', '/w/] /w/a', '/w/b'],
    ['/w/[a-]', '/w/a /w/-', '/w/b'],
    ['/w/[', '/w/[', '/w/a'],
    ['/w/[ab', '/w/[ab', '/w/a'],
    ['/w/{a,b*}/x', '/w/a/x /w/bc/x', '/w/c/x'],
    ['/w/.env{,.local}', '/w/.env /w/.env.local', '/w/.envx'],
    ['/{w/a,v}/x', '/w/a/x /v/x', '/w/x'],
    ['/w/{a,{b,c}}', '/w/a /w/b /w/c', '/w/d'],
    ['/w/\\*', '/w/*', '/w/a'],
    ['/w/a,b', '/w/a,b', '/w/a'],
    ['/w/(a|b)', '/w/(a|b)', '/w/a'],
    ['/w/!a', '/w/!a', '/w/b'],
    ['/w/a+.$^', '/w/a+.$^', '/w/aa.$^'],
    ['/w/x', '/w/x', '/w /w/x/y'],
  ])('%s stands for %s and not for %s', (pattern, yes, no) => {
    for (const asked of yes.split(' ').filter(Boolean)) expect(matches(pattern, asked), asked).toBe(true)
    for (const asked of no.split(' ').filter(Boolean)) expect(matches(pattern, asked), asked).toBe(false)
  })

  it.each([
    ['an open brace', '/w/{a'],
    ['a brace that closes nothing', '/w/a}'],
    ['a class the wrong way round', '/w/[z-a]'],
    ['an escape of nothing', '/w/a\\'],
    ['a class with a separator', '/w/[a/b]'],
    ['too many choices', `/w/${'{a,b}'.repeat(11)}`],
    ['too long a text', `/w/${'x'.repeat(5000)}`],
  ])('with %s cannot be read', (_what, pattern) => {
    expect(compileGlob(path(pattern), 0)).toBeNull()
  })

  it('is matched in a time that does not grow with its stars', { timeout: 600_000 }, () => {
    const pattern = `/w/${'**/'.repeat(30)}${'*a'.repeat(40)}b`
    const started = process.cpuUsage()
    expect(matches(pattern, `/w/${'d/'.repeat(60)}${'a'.repeat(250)}`)).toBe(false)
    // With backtracking it would not come back at all.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(60_000)
  })

  it('tells where nothing below can match any more', () => {
    const glob = compileGlob(path('/w/*/x.env'), 7)!
    const at = (asked: string) => enterPath(globCursor([glob]), path(asked))
    expect([at('/w').open, at('/w/a').open, at('/w/a/b').open, at('/v').open]).toEqual([true, true, false, false])
    expect([at('/w/a/x.env').matched, at('/w/a').matched]).toEqual([7, null])
  })

  it('tells where looking for it has to begin', () => {
    const places = (pattern: string) => fixedPlaces(compileGlob(path(pattern), 0)!)
    expect(places('/w/a/**/x')).toEqual([{ path: '/w/a', whole: false }])
    expect(places('/w/a/x')).toEqual([{ path: '/w/a/x', whole: true }])
    expect(places('/{w/*,v/x}')).toEqual([
      { path: '/w', whole: false },
      { path: '/v/x', whole: true },
    ])
  })

  it('agrees with the regular expression that says the same', () => {
    const names = fc.constantFrom('a', 'b', '.a', 'ab', 'ba', '.env')
    const signs = fc.constantFrom('*', '?', '**', '*a', 'a*', '[ab]', '[!a]', '?b', '*.env')
    const patterns = fc.array(fc.oneof(names, signs), { minLength: 1, maxLength: 5 })
    const paths = fc.array(names, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(patterns, paths, (components, asked) => {
        const [pattern, text] = [`/${components.join('/')}`, `/${asked.join('/')}`]
        expect(matches(pattern, text), `${pattern} ${text}`).toBe(expressionOf(components).test(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('never throws, whatever it is', () => {
    const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'/*?[]{},\\!-^ab') }))
    fc.assert(
      fc.property(anything, anything, (pattern, asked) => {
        const glob = compileGlob(path(`/${pattern}`), 0)
        if (glob !== null) expect(typeof matchesGlobs([glob], path(`/${asked}`))).toBe('boolean')
      }),
      { numRuns: 5000 },
    )
  })
})
