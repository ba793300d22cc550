/**
 * The examples and the demo do what they say, as programs of their own.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { enginesHere, ensureBuilt, repository } from './castellan.ts'

ensureBuilt()
const engines = enginesHere()
const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-examples-')))
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

/** What a program prints, line by line. */
const examples: Readonly<Record<string, readonly RegExp[]>> = {
  'embed.mjs': [
    /^exit code 0, output "inside\\n", held by (namespace|bwrap|landlock)$/,
    /^writing into \/etc: exit code [1-9]\d*, .*(Read-only file system|Permission denied)$/,
  ],
  'agent-loop.mjs': [
    /^cat todo\.txt: exit code 0 "water the plants\\n"$/,
    /^echo more >> todo\.txt: exit code [1-9]\d* ".*(Read-only file system|Permission denied)\\n"$/,
    /^echo more >> todo\.txt && wc -l < todo\.txt: exit code 0 "2\\n"$/,
    /^sleep 60: timed out ""$/,
    /^canceled: the user pressed Esc$/,
  ],
  'codex-linux-sandbox.mjs': [
    /^a write inside: exit code 0, inside$/,
    /^a write outside: exit code 0, refused$/,
    /(Read-only file system|Permission denied)$/,
    /^a signal: exit code 143, $/,
    /^no command: exit code 101, codex-linux-sandbox: .*command/,
  ],
  'plugin-host.mjs': [
    /^the plug-in: wrote 9 characters$/,
    /^the plug-in: cannot write: (EROFS|EACCES)$/,
    /^exit code 0$/,
  ],
  'profile.mjs': [/^careful: exit code [1-9]\d*, output "done\\n"$/],
  'worker.mjs': [/^hello from the first worker, held by \w+$/, /^hello from the second worker, held by \w+$/],
  'wrap.mjs': [/^from inside$/, /^exit code [1-9]\d*$/],
}

function run(program: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(repository, program)], {
    cwd: repository,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: temporary },
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

describe.runIf(engines.length > 0)('an example', () => {
  it('has a row here', () => {
    // Those of auth need no engine: test/auth/example.test.ts. That of entries needs a home: test/entry/directory.test.ts.
    const programs = readdirSync(path.join(repository, 'examples')).filter(name =>
      /^(?!auth-|entry-).*\.mjs$/.test(name),
    )
    expect(programs.sort()).toEqual(Object.keys(examples).sort())
  })

  it.each(Object.entries(examples))('%s does what it says and leaves nothing behind', (name, expected) => {
    const { status, stdout, stderr } = run(`examples/${name}`)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .filter(line => !line.startsWith('notice: '))
    expect({ status, stderr, lines }).toMatchObject({
      status: 0,
      stderr: name === 'wrap.mjs' ? expect.stringMatching(/Read-only file system|Permission denied/) : '',
      lines: expected.map(line => expect.stringMatching(line)),
    })
    expect(readdirSync(temporary)).toEqual([])
    expect(existsSync(path.join(repository, 'castellan-example.txt'))).toBe(false)
  })
})

describe.runIf(engines.length > 0)('the demo', () => {
  it('goes as expected in every engine and leaves nothing behind', { timeout: 60_000 }, () => {
    const { status, stdout } = run('scripts/demo.mjs')
    for (const engine of ['none', ...engines]) expect(stdout).toMatch(new RegExp(`^run its test .* ${engine}$`, 'm'))
    expect(stdout).not.toContain('not as expected')
    expect(status).toBe(0)
    expect(readdirSync(temporary)).toEqual([])
  })
})
