/**
 * Looking on the disk for what patterns stand for: nothing hides a match, nothing is looked at twice without need, and what cannot
 * be looked at is said.
 */
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GlobLimits, globSearch, type RememberingGlobSearch } from '../../lib/host/glob-search.ts'
import { Placeholders } from '../../lib/host/placeholder.ts'
import { currentSurroundings } from '../../lib/host/surroundings.ts'
import { loadLinuxBinding } from '../../lib/native/binding.ts'
import { expandGlobs } from '../../lib/policy/glob-snapshot.ts'
import { parseFileSystemPolicy } from '../../lib/policy/parse.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'

let world: World
beforeEach(() => {
  world = makeWorld('globs')
})
afterEach(() => world.remove())

function expand(patterns: readonly string[], search: RememberingGlobSearch = globSearch(), depth?: number) {
  const entries = patterns.map(pattern => ({ path: { type: 'glob_pattern', pattern }, access: 'deny' }))
  const policy = parseFileSystemPolicy({ kind: 'restricted', entries, glob_scan_max_depth: depth ?? null })
  const expanded = expandGlobs(policy, { ...currentSurroundings({ cwd: world.base }), globs: search })
  if (expanded.snapshot?.kind === 'refused') return `refused: ${expanded.snapshot.reason}`
  return expanded.entries.map(entry => `${entry.index} ${entry.path.replace(`${world.base}/`, '')}`).sort()
}

/** So long ago that the next change certainly has another time. */
function settle(...places: readonly string[]): void {
  for (const place of places) utimesSync(world.at(place), new Date(2020, 0), new Date(2020, 0))
}

describe('a search', () => {
  it('finds files, directories and links, hidden or ignored, at every level', () => {
    world.make({
      '.gitignore': '*.env\n',
      '.env': '',
      'a/b/.env': '',
      'a/.hidden/x.env': '',
      'a/d.env/inside': '',
      'a/other': '',
    })
    symlinkSync('.env', world.at('link.env'))
    expect(expand(['**/*.env'])).toEqual(['0 .env', '0 a/.hidden/x.env', '0 a/b/.env', '0 a/d.env', '0 link.env'])
  })

  it('says for each match which entry it is of', () => {
    world.make({ 'a/x.pem': '', 'b/x.key': '', 'b/x.pem': '' })
    expect(expand(['b/*', '**/*.pem', 'a/?.key'])).toEqual(['0 b/x.key', '0 b/x.pem', '1 a/x.pem'])
  })

  it('goes no deeper than it is told, from where each pattern begins', () => {
    world.make({ 'x.env': '', 'a/x.env': '', 'a/b/x.env': '', 'a/b/c/x.env': '' })
    expect(expand(['**/*.env'], globSearch(), 2)).toEqual(['0 a/x.env', '0 x.env'])
    expect(expand(['a/b/**/*.env'], globSearch(), 2)).toEqual(['0 a/b/c/x.env', '0 a/b/x.env'])
    expect(expand(['**/*.env'], globSearch(), 0)).toEqual([])
  })

  it('enters no link to a directory, and survives a loop', () => {
    world.make({ 'real/x.env': '' })
    symlinkSync('real', world.at('alias'))
    symlinkSync('..', world.at('real/up'))
    expect(expand(['**/*.env'])).toEqual(['0 real/x.env'])
  })

  it('begins behind a link, and takes a fixed path whether it is there or not', () => {
    world.make({ 'real/x.env': '' })
    symlinkSync('real', world.at('alias'))
    expect(expand(['alias/*.env', 'missing/*', 'missing.env'])).toEqual(['0 alias/x.env', '2 missing.env'])
  })

  it('leaves out links that lead to nothing of the host', () => {
    symlinkSync('/dev/null', world.at('a.env'))
    symlinkSync('nowhere', world.at('b.env'))
    expect(expand(['*.env'])).toEqual([])
  })

  it('keeps closed what a link led to, when the link is gone', () => {
    world.make({ 'secret/key': '' })
    symlinkSync('secret/key', world.at('a.env'))
    const search = globSearch()
    expect(expand(['*.env'], search)).toEqual(['0 a.env', '0 secret/key'])
    rmSync(world.at('a.env'))
    expect(search.unchanged()).toBe(false)
    expect(expand(['*.env'], search)).toEqual(['0 secret/key'])
  })

  it.skipIf(process.getuid?.() === 0)('closes as a whole a directory that cannot be read', () => {
    world.make({ 'shut/x.env': '' })
    chmodSync(world.at('shut'), 0o000)
    try {
      expect(expand(['**/*.env'])).toEqual(['0 shut'])
    } finally {
      chmodSync(world.at('shut'), 0o755)
    }
  })

  it('does not take a placeholder for a match', () => {
    const { flock } = loadLinuxBinding()
    const placeholders = new Placeholders({ flock, endRuns: () => {}, notePlaceholder: () => 0 })
    const lease = placeholders.lease([world.at('.codex')])!
    expect(expand(['.*', '**/.codex'])).toEqual([])
    lease.release()
  })

  it('is refused, not cut short, when there is too much', () => {
    world.make(Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${index}.env`, ''])))
    const limited = (limits: GlobLimits) => expand(['*'], globSearch(limits))
    expect(limited({ names: 9, matches: 9 })).toHaveLength(9)
    expect(limited({ names: 8, matches: 9 })).toBe('refused: more than 8 names would have to be looked at')
    expect(limited({ names: 9, matches: 8 })).toBe('refused: it matches more than 8 places')
  })

  it('is refused when a name that may match is no text', () => {
    writeFileSync(Buffer.concat([Buffer.from(`${world.base}/`), Buffer.from([0xff]), Buffer.from('.env')]), '')
    expect(expand(['*.env'])).toMatch(/^refused: .* holds a name that is not UTF-8/)
    expect(expand(['*.pem'])).toEqual([])
  })
})

describe('a second look', () => {
  const changes: readonly (readonly [string, () => void])[] = [
    ['a new file', () => writeFileSync(world.at('a/b/x.env'), '')],
    ['a file that went', () => rmSync(world.at('a/y.env'))],
    ['a directory in the place of a file', () => [rmSync(world.at('a/y.env')), mkdirSync(world.at('a/y.env'))]],
    ['a directory that was moved here', () => renameSync(world.at('elsewhere'), world.at('a/moved'))],
    ['a place that came to be', () => mkdirSync(world.at('missing'))],
  ]

  it.each(changes)('notices %s', (_what, change) => {
    world.make({ 'a/b/c': '', 'a/y.env': '', 'elsewhere/z.env': '' })
    settle('a/b', 'a')
    const search = globSearch()
    expand(['a/**/*.env', 'missing/*'], search)
    expect(search.unchanged()).toBe(true)
    change()
    expect(search.unchanged()).toBe(false)
    expect(expand(['a/**/*.env', 'missing/*'], search)).toEqual(expand(['a/**/*.env', 'missing/*']))
  })

  it('notices a change within the same tick of the clock', () => {
    world.make({ 'a/x': '' })
    const search = globSearch()
    expand(['a/*.env'], search)
    const { mtime } = { mtime: new Date() }
    writeFileSync(world.at('a/x.env'), '')
    // What a coarse clock would leave behind.
    utimesSync(world.at('a'), mtime, mtime)
    expect(search.unchanged()).toBe(false)
  })

  it('notices that a link leads elsewhere, or somewhere at last', () => {
    world.make({ 'a/x': '', one: '', two: '' })
    symlinkSync('../hop', world.at('a/l.env'))
    const search = globSearch()
    expect(expand(['a/*.env'], search)).toEqual([])
    symlinkSync('one', world.at('hop'))
    expect(search.unchanged()).toBe(false)
    expect(expand(['a/*.env'], search)).toEqual(['0 a/l.env', '0 one'])
    rmSync(world.at('hop'))
    symlinkSync('two', world.at('hop'))
    expect(search.unchanged()).toBe(false)
  })
})
