import { describe, expect, it } from 'vitest'
import { programCandidates } from '../../lib/process/program.ts'

describe('the files that a name may mean', () => {
  it.each([
    ['a name with a slash is that file', 'bin/tool', '/usr/bin', ['bin/tool']],
    ['each folder of PATH, in order, once', 'tool', '/b:/a:/b', ['/b/tool', '/a/tool']],
    ['an empty folder is the working directory', 'tool', ':/a', ['./tool', '/a/tool']],
    ['an empty PATH too', 'tool', '', ['./tool']],
    ['without PATH the folders of execvp(3)', 'tool', undefined, ['/usr/local/bin/tool', '/bin/tool', '/usr/bin/tool']],
  ])('%s', (_, file, path, expected) => {
    expect(programCandidates(file, path)).toEqual(expected)
  })

  it('follows each PATH, whichever came before', () => {
    const asked = ['/a', '/b:/c', '/a', undefined, '/b:/c'].map(path => programCandidates('x', path)[0])
    expect(asked).toEqual(['/a/x', '/b/x', '/a/x', '/usr/local/bin/x', '/b/x'])
  })
})
