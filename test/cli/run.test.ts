import { execFileSync } from 'node:child_process'
import { constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  castellan,
  comesTo,
  ended,
  enginesHere,
  ensureBuilt,
  marker,
  printed,
  program,
  startCastellan,
  temporaryPlace,
} from './castellan.ts'

ensureBuilt()
const engines = enginesHere()
const place = temporaryPlace()
const cwd = path.join(place.path, 'work')
const outside = path.join(place.path, 'outside')
const policyFile = path.join(place.path, 'policy.json')

/** `/tmp` is writable in the preset; the places of this test lie below it, so they need a policy of their own. */
const workOnly = {
  type: 'workspace-write',
  exclude_slash_tmp: true,
  exclude_tmpdir_env_var: true,
}

beforeAll(() => {
  for (const directory of [cwd, outside, path.join(cwd, '.git')]) mkdirSync(directory)
  writeFileSync(path.join(cwd, '.git/config'), 'as it was')
  writeFileSync(policyFile, JSON.stringify(workOnly))
})
afterAll(() => place.remove())

const shell = (script: string) => ['--', 'sh', '-c', script]

describe.each(engines)('castellan run, engine %s', engine => {
  const run = (script: string, input?: Buffer) =>
    castellan(['run', '--engine', engine, '--policy', policyFile, ...shell(script)], {
      cwd,
      ...(input === undefined ? {} : { input }),
    })

  it.each([0, 1, 2, 77, 124, 125, 127, 255])('ends with the exit code %i of the command', code => {
    expect(run(`exit ${code}`)).toMatchObject({ code, signal: null })
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGALRM'])(
    'ends by %s when that ends the command',
    signal => {
      expect(run(`kill -${signal.slice(3)} $$`)).toMatchObject({ code: null, signal })
    },
  )

  it('passes bytes through unchanged', () => {
    const input = Buffer.from(Array.from({ length: 600_000 }, (_, index) => (index * 7 + (index >> 8)) % 256))
    expect(run('cat', input).bytes.equals(input)).toBe(true)
  })

  it('keeps standard output and standard error apart', () => {
    expect(run('echo out; echo err >&2')).toMatchObject({ stdout: 'out\n', stderr: expect.stringContaining('err\n') })
  })

  it('lets the command write where the policy says, and nowhere else', () => {
    expect(run('echo new > inside.txt').code).toBe(0)
    expect(readFileSync(path.join(cwd, 'inside.txt'), 'utf8')).toBe('new\n')
    expect(run(`echo new > ${outside}/file`).code).not.toBe(0)
    expect(existsSync(path.join(outside, 'file'))).toBe(false)
  })

  it('ends with 127 for a command that is not there and 126 for one that cannot be executed', () => {
    writeFileSync(path.join(cwd, 'plain'), '', { mode: 0o644 })
    const start = (file: string) => castellan(['run', '--engine', engine, file], { cwd })
    expect(start('no-such-command-here')).toMatchObject({ code: 127, stderr: expect.stringContaining('not found') })
    expect(start('./missing')).toMatchObject({ code: 127, stderr: expect.stringContaining('no such program') })
    expect(start('./plain')).toMatchObject({ code: 126, stderr: expect.stringContaining('EACCES') })
  })

  it.each(['SIGTERM', 'SIGHUP'] as const)('hands %s on and leaves nobody behind', async signal => {
    const sleep = `sleep ${marker()}`
    const argument = sleep.slice(6)
    const child = startCastellan(
      [
        'run',
        '--engine',
        engine,
        ...shell(`${sleep} & setsid ${sleep} & (setsid sh -c "${sleep} & ${sleep}" &) ; wait`),
      ],
      { cwd },
    )
    expect(await comesTo(4, argument)).toBe(true)
    child.kill(signal)
    expect(await ended(child)).toEqual({ code: null, signal })
    expect(await comesTo(0, argument)).toBe(true)
  })

  it('hands SIGINT on to everything where there is no terminal', async () => {
    const argument = marker()
    const child = startCastellan(['run', '--engine', engine, ...shell(`sleep ${argument}; true`)], { cwd })
    expect(await comesTo(1, argument)).toBe(true)
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: null, signal: 'SIGINT' })
    expect(await comesTo(0, argument)).toBe(true)
  })

  it('lets the command answer SIGTERM in its own time and way', async () => {
    const script = 'trap "sleep 0.3; echo cleaned; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
    const child = startCastellan(['run', '--engine', engine, ...shell(script)], { cwd })
    await printed(child, /ready/)
    let text = ''
    child.stdout?.on('data', chunk => {
      text += chunk
    })
    child.kill('SIGTERM')
    expect(await ended(child)).toEqual({ code: 5, signal: null })
    expect(text).toContain('cleaned')
  })

  it('leaves nobody behind when it is killed itself', async () => {
    const argument = marker()
    const child = startCastellan(['run', '--engine', engine, ...shell(`sleep ${argument} & sleep ${argument}; true`)], {
      cwd,
    })
    expect(await comesTo(2, argument)).toBe(true)
    child.kill('SIGKILL')
    expect(await comesTo(0, argument)).toBe(true)
  })

  it('ends what the command left running', async () => {
    const argument = marker()
    expect(run(`sleep ${argument} > /dev/null 2>&1 & setsid sleep ${argument} > /dev/null 2>&1 & exit 3`).code).toBe(3)
    expect(await comesTo(0, argument)).toBe(true)
  })

  it('ends the command after the time limit, with 124', () => {
    const startedAt = performance.now()
    const result = castellan(['run', '--engine', engine, '--timeout', '0.3', ...shell('sleep 60; true')], { cwd })
    expect(result).toMatchObject({ code: 124, stderr: expect.stringContaining('after 0.3 s') })
    expect(performance.now() - startedAt).toBeLessThan(8000)
  })

  it('closes the network unless asked', () => {
    const script = `node -e '
      const socket = require("node:net").connect(1, "127.0.0.1")
      socket.on("error", error => { console.log(error.code) })'`
    const start = (...options: string[]) =>
      castellan(['run', '--engine', engine, ...options, ...shell(script)], { cwd }).stdout
    expect(start()).toMatch(/EACCES|EPERM/)
    expect(start('--network')).toMatch(/ECONNREFUSED/)
  })
})

describe('castellan run', () => {
  it('begins the command at the first word that is no option', () => {
    expect(castellan(['run', '--policy', 'read-only', 'echo', '--help', '-p', '--', 'x'], { cwd }).stdout).toBe(
      '--help -p -- x\n',
    )
    expect(castellan(['run', '--', 'echo', '--', 'x'], { cwd }).stdout).toBe('-- x\n')
    expect(castellan(['run', '-vp', 'read-only', 'echo', '-vp', 'x'], { cwd }).stdout).toBe('-vp x\n')
  })

  it('takes presets, and read-only writes nothing', () => {
    expect(castellan(['run', '-p', 'danger-full-access', ...shell(`echo x > ${outside}/open`)], { cwd }).code).toBe(0)
    expect(castellan(['run', '-p', 'read-only', ...shell('echo x > readonly.txt')], { cwd }).code).not.toBe(0)
    expect(existsSync(path.join(cwd, 'readonly.txt'))).toBe(false)
  })

  it.runIf(engines.some(engine => engine !== 'landlock'))('holds a split policy from a file', () => {
    const file = path.join(place.path, 'split.json')
    const entries = [
      { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
      { path: { type: 'path', path: outside }, access: 'none' },
    ]
    writeFileSync(path.join(outside, 'secret'), 'secret')
    writeFileSync(file, JSON.stringify({ fileSystem: { kind: 'restricted', entries } }))
    expect(castellan(['run', '--policy', file, 'cat', policyFile], { cwd }).code).toBe(0)
    const denied = castellan(['run', '--policy', file, 'cat', path.join(outside, 'secret')], { cwd })
    expect(denied.code).not.toBe(0)
    expect(denied.stdout).toBe('')
  })

  it('adds writable directories, relative to where it was called', () => {
    const start = (...options: string[]) =>
      castellan(['run', '--policy', policyFile, ...options, ...shell(`echo x > ${outside}/added`)], { cwd })
    expect(start().code).not.toBe(0)
    expect(start('--writable', '../outside').code).toBe(0)
    expect(readFileSync(path.join(outside, 'added'), 'utf8')).toBe('x\n')
  })

  it('runs the command in --cwd and makes that the workspace', () => {
    const result = castellan(['run', '--policy', policyFile, '--cwd', 'work', ...shell('pwd; echo x > here')], {
      cwd: place.path,
    })
    expect(result).toMatchObject({ code: 0, stdout: `${cwd}\n` })
    expect(existsSync(path.join(cwd, 'here'))).toBe(true)
  })

  it('closes the network of danger-full-access with --no-network', () => {
    const result = castellan(['run', '-p', 'danger-full-access', '--no-network', '--show-plan'], { cwd })
    expect(result.stdout).toMatch(/^engine seccomp$/m)
    expect(castellan(['run', '-p', 'danger-full-access', '--show-plan'], { cwd }).stdout).toMatch(
      /^engine unconfined$/m,
    )
  })

  it('prints the plan before the command runs, apart from its output', () => {
    const result = castellan(['run', '--show-plan', 'echo', 'done'], { cwd })
    expect(result.stdout).toBe('done\n')
    expect(result.stderr).toMatch(/^engine \w+\n[\s\S]*^digest [0-9a-f]{64}$/m)
  })

  it.runIf(engines.includes('landlock'))('tells what an engine does not hold, and refuses it with --strict', () => {
    const options = ['run', '--engine', 'landlock']
    expect(castellan([...options, 'true'], { cwd })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('protected-paths'),
    })
    expect(castellan([...options, '--strict', 'touch', 'strict'], { cwd })).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('ERR_POLICY_NOT_ENFORCEABLE'),
    })
    expect(existsSync(path.join(cwd, 'strict'))).toBe(false)
  })

  it('warns when the command can change its own policy file', () => {
    writeFileSync(path.join(cwd, 'own.json'), JSON.stringify(workOnly))
    expect(castellan(['run', '--policy', 'own.json', 'true'], { cwd }).stderr).toContain('can change the policy file')
    expect(castellan(['run', '--policy', policyFile, 'true'], { cwd }).stderr).not.toContain('can change')
  })

  it('ends with 125 for a policy that cannot be read as one', () => {
    const file = path.join(place.path, 'bad.json')
    writeFileSync(file, JSON.stringify({ type: 'workspace-write', exclude_slash_tpm: true }))
    const result = castellan(['run', '--policy', file, 'true'], { cwd })
    expect(result).toMatchObject({ code: 125, stderr: expect.stringContaining('ERR_POLICY_INVALID') })
    expect(result.stderr).toContain('exclude_slash_tmp')
  })

  it('never shows a stack unless CASTELLAN_DEBUG asks', () => {
    expect(castellan(['run', 'no-such-command-here'], { cwd }).stderr).not.toMatch(/^\s+at /m)
    expect(castellan(['run', 'no-such-command-here'], { cwd, env: { CASTELLAN_DEBUG: '1' } }).stderr).toMatch(
      /^\s+at /m,
    )
  })

  it('leaves pipes to the command as they were: blocking', () => {
    // Node makes a pipe that it writes to non-blocking, for everyone who shares it.
    const line = '"$0" "$1" run --show-plan -- sed -n "s/^flags:[[:space:]]*//p" /proc/self/fdinfo/1 2>&1 | tail -n 1'
    const flags = execFileSync('sh', ['-c', line, process.execPath, program], { cwd, encoding: 'utf8' })
    expect(flags).toMatch(/^[0-7]+\n$/)
    expect(Number.parseInt(flags, 8) & constants.O_NONBLOCK).toBe(0)
  })
})

describe('castellan run: limits and environment', () => {
  it.each([
    ['--cpu-time', '0.3', 'while :; do :; done', 'used too much processor time'],
    ['--processes', '4', 'for i in 1 2 3 4 5 6; do sleep 30 & done; wait', 'started too many processes'],
    ['--file-size', '1K', 'exec head -c 5000 /dev/zero > large', 'wrote too large a file'],
  ])('%s %s ends the command and says so', (option, value, script, said) => {
    const done = castellan(['run', '--policy', policyFile, option, value, '--', 'sh', '-c', script], { cwd })
    expect(done.stderr).toContain(`castellan: the command was ended: it ${said}\n`)
    expect(done.code).toBe(124)
  })

  it.each([
    ['--memory', 'lots'],
    ['--memory', '0'],
    ['--processes', '1.5'],
    ['--env', 'NAME'],
  ])('refuses %s %s', (option, value) => {
    const done = castellan(['run', option, value, '--', 'true'], { cwd })
    expect(done.code).toBe(2)
    expect(done.stderr).toContain(option)
  })

  it('gives the command the variables that were asked for', () => {
    const run = (...options: string[]) => {
      const words = ['run', '--policy', policyFile, ...options, '--', '/usr/bin/env']
      const env = { CLI_TOKEN: 'secret', CLI_PLAIN: 'plain' }
      const { stdout } = castellan(words, { cwd, env })
      return stdout.split('\n').filter(line => line.startsWith('CLI_'))
    }
    expect(run()).toEqual(expect.arrayContaining(['CLI_TOKEN=secret', 'CLI_PLAIN=plain']))
    expect(run('--inherit-env', 'sanitized', '--env', 'CLI_B=a=b')).toEqual(['CLI_PLAIN=plain', 'CLI_B=a=b'])
    expect(run('--inherit-env', 'PATH,CLI_P*')).toEqual(['CLI_PLAIN=plain'])
    expect(run('--inherit-env', 'none')).toEqual([])
  })
})
