import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FiledAbove } from '../../lib/policy/filed-above.ts'
import { type AbsolutePath, contains } from '../../lib/policy/path.ts'
import { path } from './fake-files.ts'

const filedAbove = (paths: readonly AbsolutePath[]) => new FiledAbove(new Map(paths.map(item => [item, item])))

describe('what is filed above a path', () => {
  it('is every path around it, from the root down and without itself', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'é')
    const somePath = fc.array(name, { maxLength: 6 }).map(names => path(`/${names.join('/')}`))
    fc.assert(
      fc.property(fc.uniqueArray(somePath, { maxLength: 40 }), somePath, (paths, asked) => {
        const around = paths.filter(item => item !== asked && contains(item, asked))
        expect(filedAbove(paths).strictlyAbove(asked)).toEqual(around.sort((left, right) => left.length - right.length))
      }),
      { numRuns: 1000 },
    )
  })

  it('is found in time that grows with the path, not with its square', { timeout: 600_000 }, () => {
    const filed = filedAbove(['/', '/a', '/a/b'].map(path))
    const long = path(`/a/b/${'c/'.repeat(8000)}d`)
    const started = process.cpuUsage()
    for (let times = 0; times < 200; times++) expect(filed.strictlyAbove(long)).toEqual(['/', '/a', '/a/b'])
    // Cut at each of its separators the text would be read a million times over: most of a minute.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(10_000)
  })
})
