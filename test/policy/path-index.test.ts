import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accessOf } from '../../lib/policy/access.ts'
import { compareBytes, sortByPath, sortBytes } from '../../lib/policy/byte-order.ts'
import { canonicalPaths } from '../../lib/policy/canonical.ts'
import { deepFreeze } from '../../lib/policy/freeze.ts'
import { parseFileSystemPolicy } from '../../lib/policy/parse.ts'
import { type AbsolutePath, contains } from '../../lib/policy/path.ts'
import { NOT_NORMAL, NOWHERE, PathIndex } from '../../lib/policy/path-index.ts'
import type { FileKind } from '../../lib/policy/types.ts'
import { path, surroundingsIn } from './fake-files.ts'

function deepest(paths: readonly AbsolutePath[], asked: AbsolutePath): AbsolutePath | undefined {
  const above = paths.filter(item => contains(item, asked))
  return above.sort((left, right) => right.length - left.length)[0]
}

const indexOf = (paths: readonly AbsolutePath[]) => new PathIndex(new Map(paths.map(item => [item, item])))

describe('an index of paths', () => {
  it('gives the deepest path that contains the asked one', { timeout: 600_000 }, () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'ba', '.', 'é', '😀', '\u{e000}')
    const somePath = fc.array(name, { maxLength: 7 }).map(names => path(`/${names.join('/')}`))
    let asked = 0
    fc.assert(
      fc.property(
        fc.uniqueArray(somePath, { maxLength: 40 }),
        fc.array(somePath, { minLength: 500, maxLength: 500 }),
        (paths, questions) => {
          const index = indexOf(paths)
          for (const question of questions) {
            asked++
            const answer = index.deepestAbove(question)
            if (answer !== deepest(paths, question)) expect(answer, question).toBe(deepest(paths, question))
          }
        },
      ),
      { numRuns: 200 },
    )
    expect(asked).toBe(100_000)
  })

  it('tells the text that is no path in normal form from the rest', () => {
    const piece = fc.constantFrom('a', '.', '..', '...', '.git', 'a.', '', '/', 'b')
    const text = fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join('/'))
    const filed = ['/', '/a', '/a/.git', '/a/...', '/b/a.'].map(path)
    fc.assert(
      fc.property(text, asked => {
        const isNormal = asked.startsWith('/') && path(asked) === asked
        const number = indexOf(filed).numberAbove(asked)
        if (isNormal) expect(filed[number], asked).toBe(deepest(filed, path(asked)))
        else expect(number, asked).toBe(NOT_NORMAL)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no text with a NUL for the paths that are filed side by side', () => {
    // So many that some such text has the hash of the first path, as far as the table knows it.
    for (let number = 0; number < 20_000; number++) {
      const [first, second] = [path(`/a${number}`), path('/b')]
      const answer = indexOf([first, second, path('/c/d')]).numberAbove(`${first}\0${second}`)
      if (answer !== NOWHERE) expect(answer, first).toBe(NOWHERE)
    }
  })

  it('answers for paths deeper than it has marks for', () => {
    const deep = (depth: number) => path(`/${'d/'.repeat(depth)}`)
    const index = indexOf([deep(29), deep(30), deep(31), deep(60), deep(400)])
    for (const depth of [28, 29, 30, 31, 32, 59, 60, 399, 400, 500]) {
      expect(index.deepestAbove(deep(depth))).toBe(deepest([29, 30, 31, 60, 400].map(deep), deep(depth)))
    }
  })

  it.each([40, 200])('answers as well when %i paths were made to have one hash', count => {
    // The third character undoes what the first two did to the hash.
    const multiplier = 0x01000193
    const paths: AbsolutePath[] = []
    for (let first = 0x100; paths.length < 2 * count; first++) {
      for (let second = 0x100; second < 0xd800; second++) {
        const third = Math.imul(Math.imul(first, multiplier) ^ second, multiplier) >>> 0
        if (third > 0x100 && third < 0xd800) paths.push(path(`/${String.fromCharCode(first, second, third)}`))
      }
    }
    const [filed, others] = [paths.slice(0, count), paths.slice(count)]
    const index = indexOf(filed)
    for (const item of filed) expect(index.deepestAbove(path(`${item}/x`))).toBe(item)
    for (const item of others) expect(index.deepestAbove(path(`${item}/x`))).toBeUndefined()
  })
})

describe('the index that is kept for a policy', () => {
  const restricted = (...entries: object[]) => parseFileSystemPolicy({ kind: 'restricted', entries })
  const entry = (kind: string) => ({ path: { type: 'special', value: { kind } }, access: 'write' })

  it('follows the surroundings', () => {
    const policy = restricted(entry('project_roots'), entry('tmpdir'))
    const at = (around: object, asked: string) => accessOf(policy, surroundingsIn({ '/ws': 'dir' }, around), asked)
    expect([at({ cwd: '/ws' }, '/ws/x'), at({ cwd: '/other' }, '/ws/x')]).toEqual(['write', 'none'])
    expect([at({ tmpdir: '/t' }, '/t/x'), at({ tmpdir: '/u' }, '/t/x'), at({}, '/t/x')]).toEqual([
      'write',
      'none',
      'none',
    ])
  })

  it('follows surroundings that are changed by hand', () => {
    const policy = restricted(entry('project_roots'))
    const around = { ...surroundingsIn({ '/ws': 'dir' }) } as { policyCwd: AbsolutePath } & ReturnType<
      typeof surroundingsIn
    >
    expect(accessOf(policy, around, '/ws/x')).toBe('write')
    ;(around as { policyCwd: AbsolutePath }).policyCwd = path('/other')
    expect(accessOf(policy, around, '/ws/x')).toBe('none')
  })

  it('follows the disk where an entry depends on it', () => {
    const skipped = { path: { type: 'path', path: '/ws/a' }, access: 'write', missing_path_behavior: 'skip' }
    const policy = restricted(entry('slash_tmp'), skipped)
    let kind: FileKind = 'directory'
    const base = surroundingsIn({})
    const around = {
      ...base,
      files: { ...base.files, kindOf: () => kind, targetKindOf: () => kind as Exclude<FileKind, 'symlink'> },
    }
    const both = () => [accessOf(policy, around, '/tmp/x'), accessOf(policy, around, '/ws/a')]
    expect(both()).toEqual(['write', 'write'])
    kind = 'missing'
    expect(both()).toEqual(['none', 'none'])
  })

  it('is kept for no policy that may change', () => {
    const policy = JSON.parse(JSON.stringify(restricted(entry('root')))) as { entries: { access: 'write' | 'none' }[] }
    const ask = () => accessOf(policy as never, surroundingsIn({}), '/x')
    expect(ask()).toBe('write')
    Object.freeze(policy)
    Object.freeze(policy.entries)
    expect(ask()).toBe('write')
    policy.entries[0]!.access = 'none'
    expect(ask()).toBe('none')
  })
})

describe('beside it', () => {
  it('sorting by bytes is what comparing by bytes gives', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), texts => {
        const sorted = [...texts].sort(compareBytes)
        expect(sortBytes(texts)).toEqual(sorted)
        const items = texts.map(text => ({ path: text }))
        sortByPath(items)
        expect(items.map(item => item.path)).toEqual(sorted)
      }),
    )
  })

  it('a path that no system takes has a canonical form in no time', () => {
    const { files } = surroundingsIn({ '/a/b': { link: '/c' }, '/c': 'dir' })
    const long = path(`/a/b/${'d/'.repeat(200_000)}e`)
    expect(canonicalPaths(files).canonical(long)).toBe(`/c/${'d/'.repeat(200_000)}e`)
  })

  it('freezing reaches everything', () => {
    const value = deepFreeze({ list: [{ a: 1 }, [{ b: null }]], none: undefined })
    expect([value.list, value.list[0], value.list[1], (value.list[1] as object[])[0]].every(Object.isFrozen)).toBe(true)
  })
})
