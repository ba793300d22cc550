/**
 * The example host does what it says, as a program of its own.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt, repository } from '../cli/castellan.ts'

const survived = (reason: string) => [
  `the login is over: ${reason}`,
  '100 polls made 1 request',
  `please log in (${reason})`,
  'then: the API answers',
]

const expected: Readonly<Record<string, readonly string[]>> = {
  'auth-host.mjs': [
    'please log in (not_logged_in)',
    'the API answers',
    'after an hour: the API answers',
    ...survived('expired'),
    ...survived('exhausted'),
    ...survived('revoked'),
    'logged out: removed true, revoked true',
  ],
}

describe('an example of castellan/auth', () => {
  const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-auth-example-')))
  beforeAll(ensureBuilt)
  afterAll(() => rmSync(temporary, { recursive: true, force: true }))

  it('has a row here', () => {
    const programs = readdirSync(join(repository, 'examples')).filter(name => name.startsWith('auth-'))
    expect(programs.sort()).toEqual(Object.keys(expected).sort())
  })

  it.each(Object.entries(expected))('%s survives what it shows and leaves nothing behind', (name, lines) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'examples', name)], {
      cwd: repository,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TMPDIR: temporary },
      timeout: 60_000,
    })
    expect({ status, stderr, lines: stdout.trimEnd().split('\n') }).toEqual({ status: 0, stderr: '', lines })
    expect(readdirSync(temporary)).toEqual([])
  })
})
