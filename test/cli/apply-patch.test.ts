/** `castellan apply-patch` as a person and a script use it. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { castellan, ensureBuilt, program, temporaryPlace } from './castellan.ts'

ensureBuilt()
const place = temporaryPlace()
afterAll(() => place.remove())

/** The temporary directory is writable under workspace-write, so a directory beside it stands for "outside". */
const closed = path.join(place.path, 'policy.json')
writeFileSync(
  closed,
  JSON.stringify({ type: 'workspace-write', exclude_tmpdir_env_var: true, exclude_slash_tmp: true }),
)
const policy = ['--policy', closed]

function workspace(): string {
  const cwd = realpathSync(mkdtempSync(path.join(place.path, 'w-')))
  writeFileSync(path.join(cwd, 'a'), 'a\nb\n')
  writeFileSync(path.join(cwd, 'gone'), 'x\n')
  return cwd
}

const patchOf = (...lines: string[]) => ['*** Begin Patch', ...lines, '*** End Patch', ''].join('\n')
const good = patchOf('*** Add File: n/ew', '+n', '*** Update File: a', '@@', '-b', '+B', '*** Delete File: gone')
const summary = 'A n/ew\nM a\nD gone\n'
const read = (cwd: string, name: string) => readFileSync(path.join(cwd, name), 'utf8')

describe('castellan apply-patch', () => {
  it.each([
    ['from stdin', (cwd: string) => castellan(['apply-patch', ...policy], { cwd, input: good })],
    ['from an argument', (cwd: string) => castellan(['apply-patch', ...policy, good], { cwd })],
    ['in --cwd', (cwd: string) => castellan(['apply-patch', ...policy, '--cwd', cwd], { input: good })],
    ['in a heredoc', (cwd: string) => castellan(['apply-patch', ...policy], { cwd, input: `<<'EOF'\n${good}EOF\n` })],
  ])('applies a patch %s', (_, run) => {
    const cwd = workspace()
    const { code, stdout, stderr } = run(cwd)
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `Success. Updated the following files:\n${summary}`,
      stderr: '',
    })
    expect([read(cwd, 'n/ew'), read(cwd, 'a'), existsSync(path.join(cwd, 'gone'))]).toEqual(['n\n', 'a\nB\n', false])
  })

  it('verifies with --check and writes nothing', () => {
    const cwd = workspace()
    expect(castellan(['apply-patch', ...policy, '--check'], { cwd, input: good })).toMatchObject({
      code: 0,
      stdout: `The patch can be applied. It would update the following files:\n${summary}`,
    })
    expect([read(cwd, 'a'), existsSync(path.join(cwd, 'n'))]).toEqual(['a\nb\n', false])
    const bad = patchOf('*** Add File: x', '*** Update File: a', '@@', '-z')
    expect(castellan(['apply-patch', ...policy, '--check'], { cwd, input: bad }).code).toBe(1)
  })

  it('prints the changes as a diff and as JSON', () => {
    const cwd = workspace()
    const diff = castellan(['apply-patch', ...policy, '--check', '--diff'], { cwd, input: good }).stdout
    expect(diff).toContain('--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n')
    const checked = JSON.parse(castellan(['apply-patch', ...policy, '--check', '--json'], { cwd, input: good }).stdout)
    expect(checked).toMatchObject({ applied: false, added: ['n/ew'], modified: ['a'], deleted: ['gone'], notes: [] })
    const kinds = checked.changes.map((change: { kind: string; path: string }) => [change.kind, change.path])
    expect(kinds).toContainEqual(['modify', path.join(cwd, 'a')])
    const applied = JSON.parse(castellan(['apply-patch', ...policy, '--json'], { cwd, input: good }).stdout)
    expect(applied).toMatchObject({ applied: true, changes: checked.changes })
    expect(read(cwd, 'a')).toBe('a\nB\n')
  })

  const failures: [name: string, lines: string[], error: object][] = [
    ['a text that is no patch', [], { code: 'ERR_PATCH_INVALID', line: 1 }],
    ['a hunk that does not fit', ['*** Update File: a', '@@', '-z'], { code: 'ERR_PATCH_NO_MATCH', reason: 'lines' }],
    ['a file that exists', ['*** Add File: a'], { code: 'ERR_PATCH_CONFLICT', reason: 'exists', path: 'a' }],
    ['a path outside', ['*** Add File: ../x'], { code: 'ERR_PATCH_REFUSED', access: 'read' }],
    ['a protected path', ['*** Add File: .git/hooks/x'], { code: 'ERR_PATCH_REFUSED', access: 'read' }],
  ]
  it.each(failures)('refuses %s with 1, in words and as JSON', (_, lines, error) => {
    const cwd = workspace()
    const input = patchOf(...lines)
    const { code, stdout, stderr } = castellan(['apply-patch', ...policy], { cwd, input })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^castellan: cannot .*\(ERR_PATCH_[A-Z_]+\)\n$/)
    const json = castellan(['apply-patch', ...policy, '--json'], { cwd, input })
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({ applied: false, error })
    expect(read(cwd, 'a')).toBe('a\nb\n')
  })

  it('has workspace-write as its policy unless told otherwise, and --writable and --overwrite add', () => {
    const cwd = workspace()
    const outside = workspace()
    const input = patchOf(`*** Add File: ${outside}/a`, '+new')
    const run = (...words: string[]) => castellan(['apply-patch', ...words], { cwd, input })
    expect(run('--policy', 'read-only').stderr).toContain('ERR_PATCH_REFUSED')
    expect(run(...policy).stderr).toContain('ERR_PATCH_REFUSED')
    expect(run(...policy, '--writable', outside).stderr).toContain('ERR_PATCH_CONFLICT')
    expect(run(...policy, '--writable', outside, '--overwrite').code).toBe(0)
    expect(read(outside, 'a')).toBe('new\n')
    const git = patchOf('*** Add File: .git/x')
    expect(castellan(['apply-patch'], { cwd, input: git }).stderr).toContain('ERR_PATCH_REFUSED')
    expect(castellan(['apply-patch', '--policy', 'danger-full-access'], { cwd, input: git }).code).toBe(0)
  })

  it('takes a patch for its environment only', () => {
    const cwd = workspace()
    const input = patchOf('*** Environment ID: box', '*** Add File: n')
    expect(castellan(['apply-patch', ...policy], { cwd, input }).stderr).toContain('another environment')
    expect(castellan(['apply-patch', ...policy, '--environment', 'box'], { cwd, input }).code).toBe(0)
  })

  it.each([
    ['nothing', '', [], 'there is no patch'],
    ['blanks', ' \n\n', [], 'there is no patch'],
    ['two patches', '', [good, good], 'takes one patch, found 2'],
    ['bytes that are not UTF-8', Buffer.from([0x2a, 0xff, 0xfe]), [], 'it is not UTF-8'],
    ['an option of another command', '', ['--network', good], 'there is no option --network'],
    ['a misspelt option', '', ['--chekc'], 'did you mean --check?'],
    ['a directory that is not there', '', ['--cwd', '/no/such', good], 'there is no such directory'],
  ])('refuses %s as a command line, with 2', (_, input, words, message) => {
    const cwd = workspace()
    const { code, stdout, stderr } = castellan(['apply-patch', ...policy, ...words], { cwd, input })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toContain('see castellan apply-patch --help')
  })

  it('never lets a file name reach the terminal as it is', () => {
    const cwd = workspace()
    const input = patchOf('*** Add File: \u001b[2Jx')
    expect(castellan(['apply-patch', ...policy, '--check'], { cwd, input }).stdout).not.toContain('\u001b')
    expect(
      castellan(['apply-patch', ...policy], { cwd, input: patchOf('*** Delete File: \u001b[2Jx') }).stderr,
    ).not.toContain('\u001b')
  })

  it('says that a file is read-only, and that a directory is in the way', () => {
    const cwd = workspace()
    chmodSync(path.join(cwd, 'a'), 0o444)
    mkdirSync(path.join(cwd, 'd'))
    const run = (...lines: string[]) => castellan(['apply-patch', ...policy], { cwd, input: patchOf(...lines) }).stderr
    expect(run('*** Update File: a', '@@', '-b')).toContain('it is read-only')
    expect(run('*** Add File: d')).toContain('a directory is in the way')
  })

  it('ends by Ctrl-C while it waits for the patch', async () => {
    const child = spawn(process.execPath, [program, 'apply-patch'], {
      cwd: workspace(),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await new Promise(resolve => setTimeout(resolve, 500))
    child.kill('SIGINT')
    const signal = await new Promise(resolve => child.on('exit', (_, by) => resolve(by)))
    expect(signal).toBe('SIGINT')
  })
})
