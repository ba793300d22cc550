import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { castellan, ensureBuilt, repository, temporaryPlace } from './castellan.ts'

ensureBuilt()
const place = temporaryPlace()
const file = (name: string, content: string) => {
  writeFileSync(path.join(place.path, name), content)
  return path.join(place.path, name)
}
const notJson = file('not.json', 'secret-content {')
const readOnly = file('read-only.json', '{"type":"read-only"}')
const readBefore = file('form.json', '{"form":"legacy","legacy":{"type":"read-only"}}')
mkdirSync(path.join(place.path, 'directory'))
afterAll(() => place.remove())

/** What was typed, and what the message must say. */
const mistakes: readonly (readonly [words: readonly string[], message: string])[] = [
  [[], 'there is no command'],
  [['rnu', 'ls'], 'there is no command "rnu"; did you mean run?'],
  [['dcotor'], 'did you mean doctor?'],
  [['expl'], 'did you mean explain?'],
  [['constructor'], 'there is no command "constructor"'],
  [['--verison'], 'there is no option "--verison"; did you mean --version?'],
  [['help', 'doktor'], 'did you mean doctor?'],
  [['run'], 'there is no command to run'],
  [['run', '--'], 'there is no command to run'],
  [['run', '--', ''], 'the command must be a non-empty string'],
  [['run', '--polcy', 'read-only', 'true'], 'there is no option --polcy; did you mean --policy?'],
  [['run', '--no-netwrok', 'true'], 'did you mean --no-network?'],
  [['run', '-x', 'true'], 'there is no option -x'],
  [['run', '--__proto__', 'true'], 'there is no option --__proto__'],
  [['run', '--strict=no', 'true'], 'the option --strict takes no value'],
  [['run', '--policy'], 'the option --policy needs a value'],
  [['run', '--policy=', 'true'], 'the option --policy needs a value'],
  [
    ['run', '--policy', '--strict', 'true'],
    'the option --policy needs a value; if --strict is one, write --policy=--strict',
  ],
  [['run', '-p', 'read-only', '-p', 'workspace-write', 'true'], 'the option -p was given twice'],
  [['run', '--policy', 'rad-only', 'true'], 'there is no preset and no file "rad-only"'],
  [['run', '--policy', 'rad-only', 'true'], 'did you mean read-only?'],
  [['run', '--policy', './no-such.json', 'true'], 'cannot read the policy file ./no-such.json: ENOENT'],
  [['run', '--policy', 'read-only', '--writable', place.path, 'true'], '--writable adds to a workspace-write policy'],
  [['run', '--policy', readOnly, '--writable', place.path, 'true'], '--writable adds to a workspace-write policy'],
  [['run', '--writable', `${place.path}/missing`, 'true'], 'there is no such directory'],
  [['run', '--writable', notJson, 'true'], 'this is not a directory'],
  [['run', '--network', '--no-network', 'true'], 'contradict each other'],
  [['run', '--policy', readBefore, '--no-network', 'true'], '--no-network cannot be applied to this policy'],
  [['run', '--cwd', `${place.path}/missing`, 'true'], 'there is no such directory'],
  [['run', '--cwd', notJson, 'true'], 'this is not a directory'],
  [['run', '--engine', 'namspace', 'true'], 'there is no engine "namspace"'],
  [['run', '--engine', 'namspace', 'true'], 'did you mean namespace?'],
  [['run', '--timeout', '0', 'true'], '--timeout 0: give seconds'],
  [['run', '--timeout', '1m', 'true'], '--timeout 1m: give seconds'],
  [['run', '--timeout', '99999999', 'true'], '--timeout 99999999: give seconds'],
  [['explain'], 'there is no path to explain'],
  [['explain', ''], 'a path is empty'],
  [['explain', '--jsn', '/'], 'did you mean --json?'],
  [['auth'], 'auth needs one of status, login, logout and watch'],
  [['auth', 'stauts'], 'there is no auth "stauts"; did you mean status?'],
  [['auth', 'constructor'], 'there is no auth "constructor"'],
  [['auth', 'status', 'now'], 'auth status takes no argument, found "now"'],
  [['auth', 'status', '--device'], '--device belongs to auth login'],
  [['auth', 'login', '--refresh'], '--refresh belongs to auth status'],
  [['auth', 'status', '--with-api-key'], '--with-api-key belongs to auth login'],
  [['auth', 'login', '--with-api-key', '--device'], '--with-api-key and --device are two ways to log in'],
  [['auth', 'status', '--storage', 'keyrin'], 'give one of file, keyring, auto'],
  [['auth', 'status', '--storage', 'ephemeral'], 'give one of file, keyring, auto'],
  [['auth', 'status', '--home', notJson], 'this is not a directory'],
  [['auth', 'login', '--home', place.path, '--issuer', 'http://example.test'], 'give an address with https'],
  [['auth', 'login', '--home', place.path, '--issuer', 'example.test'], 'give an address with https'],
  [['auth', 'login', '--home', place.path, '--port', '70000'], '--port 70000: give a number below 65536'],
  [['aply-patch'], 'did you mean apply-patch?'],
  [['apply-patch', '--chek'], 'did you mean --check?'],
  [['doctor', 'please'], 'doctor takes no argument, found "please"'],
]

describe('a command line that cannot be used', () => {
  it.each(mistakes)('castellan %j: %s', (words, message) => {
    const { code, stdout, stderr } = castellan(words)
    expect(stderr).toContain(message)
    const subcommand = ['run', 'explain', 'doctor', 'auth', 'apply-patch'].find(name => name === words[0])
    expect(stderr).toMatch(
      new RegExp(`^castellan: .*\nsee castellan ${subcommand === undefined ? '' : `${subcommand} `}--help\n$`),
    )
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('never quotes a policy file', () => {
    const { code, stdout, stderr } = castellan(['run', '--policy', notJson, 'true'])
    const at = 'at line 1, column 1'
    expect(stderr).toBe(
      `castellan: cannot read the policy file ${notJson} ${at}: it is not JSON (ERR_POLICY_INVALID)\n`,
    )
    expect({ code, stdout }).toEqual({ code: 125, stdout: '' })
  })

  it('shows control characters instead of sending them to the terminal', () => {
    const { stderr } = castellan(['run', '--policy', 'a\u001b[2Jb', 'true'])
    expect(stderr).not.toContain('\u001b')
  })
})

describe('help and version', () => {
  it.each([
    [['--help'], 'usage: castellan COMMAND'],
    [['-h'], 'usage: castellan COMMAND'],
    [['help'], 'usage: castellan COMMAND'],
    [['help', 'run'], 'usage: castellan run'],
    [['run', '--help'], 'usage: castellan run'],
    [['run', '--policy', 'read-only', '-h'], 'usage: castellan run'],
    [['explain', '--help'], 'usage: castellan explain'],
    [['doctor', '-h'], 'usage: castellan doctor'],
    [['auth', 'login', '--help'], 'usage: castellan auth'],
    [['apply-patch', '--help'], 'usage: castellan apply-patch'],
  ])('castellan %j prints "%s" on standard output', (words, start) => {
    expect(castellan(words)).toMatchObject({ code: 0, stdout: expect.stringContaining(start), stderr: '' })
  })

  it.each(['run', 'explain', 'doctor', 'auth', 'apply-patch'])(
    '%s: every option of its help is one that it reads',
    // A process for each option, on a machine that may be busy.
    { timeout: 300_000 },
    command => {
      const { stdout } = castellan([command, '--help'])
      const options = stdout.match(/^ {2}(?:-\w, | {4})--[a-z-]+/gm)!.map(line => line.trim().split(/,? /).pop()!)
      expect(options.length).toBeGreaterThan(1)
      for (const option of options) {
        // Refused for its missing value or answered with the help, but known.
        expect(castellan([command, '--help', option]).stderr).not.toContain('there is no option')
      }
    },
  )

  it('prints the version of the package', async () => {
    const { default: description } = await import('../../package.json', { with: { type: 'json' } })
    for (const option of ['--version', '-V']) {
      expect(castellan([option], { cwd: place.path }).stdout).toBe(`castellan ${description.version}\n`)
    }
    expect(repository).toContain('/')
  })
})

describe('colours', () => {
  it.each([
    [{}, false],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [{ NO_COLOR: '1' }, false],
  ])('with %j where there is no terminal: %s', (env, coloured) => {
    expect(castellan(['nothing'], { env }).stderr.includes('\u001b[')).toBe(coloured)
  })
})

describe('a package without an addon for this machine', () => {
  it('says so, with what to do, and never runs the command', () => {
    const copy = path.join(place.path, 'package')
    cpSync(path.join(repository, 'dist'), path.join(copy, 'dist'), { recursive: true })
    cpSync(path.join(repository, 'package.json'), path.join(copy, 'package.json'))
    symlinkSync(path.join(repository, 'node_modules'), path.join(copy, 'node_modules'))
    const main = path.join(copy, 'dist/bundle/castellan.js')
    const start = (...words: string[]) => spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' })
    const ran = start('run', 'touch', path.join(place.path, 'ran'))
    expect(ran).toMatchObject({ status: 125, stdout: '', stderr: expect.stringContaining('ERR_BACKEND_UNAVAILABLE') })
    expect(ran.stderr).toContain('build:native')
    expect(existsSync(path.join(place.path, 'ran'))).toBe(false)
    expect(start('doctor')).toMatchObject({ status: 1, stdout: expect.stringContaining('ERR_BACKEND_UNAVAILABLE') })
    expect(JSON.parse(start('doctor', '--json').stdout)).toMatchObject({
      healthy: false,
      error: { code: 'ERR_BACKEND_UNAVAILABLE', hint: expect.any(String) },
    })
  })
})
