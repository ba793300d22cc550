/** `codex-linux-sandbox` as a caller sees it: exit codes, signals, descriptors, environment and directory (spec/linux 2.2). */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { comesTo, ended, ensureBuilt, marker, type Place, printed, repository, temporaryPlace } from './castellan.ts'

const helper = path.join(repository, 'dist/bundle/codex-linux-sandbox.js')
const main = path.join(repository, 'dist/bundle/castellan.js')
const bare = { exclude_slash_tmp: true, exclude_tmpdir_env_var: true }

let place: Place
let workspace: string
let base: string[]

beforeAll(() => {
  ensureBuilt()
  place = temporaryPlace()
  workspace = path.join(place.path, 'workspace')
  mkdirSync(workspace)
  symlinkSync(workspace, path.join(place.path, 'alias'))
  base = ['--sandbox-policy-cwd', workspace]
})
afterAll(() => place.remove())

const legacy = (type: string, more: object = {}) => ['--sandbox-policy', JSON.stringify({ type, ...more })]
const write = legacy('workspace-write', bare)
/** One per way in which a command comes to run. */
const ways: readonly [string, string[], 'mounts' | 'becomes'][] = [
  ['mounts', write, 'mounts'],
  ['legacy Landlock', [...write, '--use-legacy-landlock'], 'becomes'],
  [
    'the filter alone',
    ['--file-system-sandbox-policy', '{"kind":"unrestricted"}', '--network-sandbox-policy', '"restricted"'],
    'becomes',
  ],
  ['nothing to hold', legacy('danger-full-access'), 'becomes'],
  ['the inner stage', [...write, '--apply-seccomp-then-exec'], 'becomes'],
]

interface Options {
  readonly program?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

function run(words: readonly string[], { program = [helper], env, cwd, input = '' }: Options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...program, ...words], {
    cwd: cwd ?? workspace,
    input,
    timeout: 60_000,
    ...(env === undefined ? {} : { env }),
  })
  return { code: status, signal, stdout: stdout.toString(), stderr: stderr.toString() }
}

function start(words: readonly string[], options: SpawnOptions = {}) {
  return spawn(process.execPath, [helper, ...base, ...words], { cwd: workspace, stdio: 'pipe', ...options })
}

describe.each(ways)('%s', (_, policy, way) => {
  it.each([0, 1, 128, 255])('passes the exit code %i on', code => {
    expect(run([...base, ...policy, '--', 'sh', '-c', `exit ${code}`])).toMatchObject({
      code,
      signal: null,
      stderr: '',
    })
  })

  it.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 15],
    ['SIGKILL', 9],
    ['SIGSEGV', 11],
    ['SIGUSR1', 10],
  ])('tells of a death by %s', (name, number) => {
    const script = `ulimit -c 0; kill -${number} $$`
    const expected = way === 'mounts' ? { code: 128 + number, signal: null } : { code: null, signal: name }
    expect(run([...base, ...policy, '--', 'sh', '-c', script])).toMatchObject(expected)
  })

  it('ends with 101 when the command cannot be executed', () => {
    for (const command of ['castellan-no-such-program', '/etc/passwd', './missing']) {
      const { code, stdout, stderr } = run([...base, ...policy, '--', command])
      expect({ code, stdout }).toEqual({ code: 101, stdout: '' })
      expect(stderr).toMatch(/^codex-linux-sandbox: /)
    }
  })

  it('hands its own descriptors over', () => {
    const script = 'cat; echo out; echo err >&2; ls -l /proc/self/fd | grep -c pipe'
    const { code, stdout, stderr } = run([...base, ...policy, '--', 'sh', '-c', script], { input: 'in\n' })
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^in\nout\n\d\n$/),
      stderr: 'err\n',
    })
  })

  it('passes the environment on as it is', () => {
    const env = { PATH: '/usr/bin:/bin', FIRST: '1', EMPTY: '', UNICODE: 'žluť', NODE_NO_WARNINGS: '1' }
    const { stdout } = run([...base, ...policy, '--', 'env'], { env })
    expect(stdout.trim().split('\n').toSorted()).toEqual(
      Object.entries(env)
        .map(([n, v]) => `${n}=${v}`)
        .toSorted(),
    )
  })

  it('passes bytes on that are no text', () => {
    const script = `exec env -i PATH=/usr/bin:/bin "$(printf 'BYTES=\\377\\376')" "$@"`
    const words = [process.execPath, helper, ...base, ...policy, '--', 'cat', '/proc/self/environ']
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', ...words], { cwd: workspace, timeout: 60_000 })
    expect(stdout.includes(Buffer.from([0x3d, 0xff, 0xfe, 0]))).toBe(true)
  })

  it('starts where the caller stands', () => {
    mkdirSync(path.join(workspace, 'below'), { recursive: true })
    const { stdout } = run([...base, ...policy, '--', 'pwd', '-P'], { cwd: path.join(workspace, 'below') })
    expect(stdout).toBe(`${path.join(workspace, 'below')}\n`)
  })

  it('lets the command have a signal that was sent to it', async () => {
    const child = start([...policy, '--', 'sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'])
    await printed(child, /ready/)
    child.kill('SIGTERM')
    expect(await ended(child)).toEqual({ code: 7, signal: null })
  })
})

describe('the process', () => {
  it('leaves nothing behind when it is killed', async () => {
    const seconds = marker()
    const child = start([...write, '--', 'sh', '-c', `setsid sleep ${seconds} & echo ready; wait`])
    await printed(child, /ready/)
    expect(await comesTo(1, seconds)).toBe(true)
    child.kill('SIGKILL')
    expect(await comesTo(0, seconds)).toBe(true)
    await expect.poll(() => existsSync(path.join(workspace, '.git')), { timeout: 60_000 }).toBe(false)
  })

  it.each(ways.filter(([, , way]) => way === 'becomes'))('becomes the command: %s', async (_, policy) => {
    const child = start([...policy, '--', 'sh', '-c', 'echo $$'])
    expect((await printed(child, /\d+\n/)).trim()).toBe(String(child.pid))
    await ended(child)
  })

  it('gives a command beside mounts a session of its own', () => {
    const { stdout } = run([
      ...base,
      ...write,
      '--',
      'sh',
      '-c',
      'ps -o sid= -p $$ 2>/dev/null || cut -d" " -f6 /proc/$$/stat',
    ])
    expect(Number(stdout)).not.toBe(process.pid)
  })
})

describe('what is held', () => {
  const attempt = `echo a > inside && echo b > ../outside; echo $?`
  it.each(ways.slice(0, 2))('%s: the workspace is writable and what is around it is not', (_, policy) => {
    const { stdout } = run([...base, ...policy, '--', 'sh', '-c', attempt])
    expect(stdout).not.toBe('0\n')
    expect(readFileSync(path.join(workspace, 'inside'), 'utf8')).toBe('a\n')
    expect(existsSync(path.join(place.path, 'outside'))).toBe(false)
  })

  it('holds a carve-out that no legacy policy can say', () => {
    mkdirSync(path.join(workspace, 'closed', 'open'), { recursive: true })
    const entry = (where: string, access: string) => ({ path: { type: 'path', path: where }, access })
    const entries = [
      { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
      entry(workspace, 'write'),
      entry(path.join(workspace, 'closed'), 'none'),
      entry(path.join(workspace, 'closed/open'), 'write'),
    ]
    const split = [
      '--file-system-sandbox-policy',
      JSON.stringify({ kind: 'restricted', entries }),
      '--network-sandbox-policy',
      '"restricted"',
    ]
    const script = 'ls closed; echo x > closed/file; echo x > closed/open/file && echo reopened'
    const { stdout } = run([...base, ...write, ...split, '--', 'sh', '-c', script])
    expect(stdout).toBe('reopened\n')
    const managed = { type: 'managed', file_system: { type: 'restricted', entries }, network: 'restricted' }
    expect(run([...base, '--permission-profile', JSON.stringify(managed), '--', 'sh', '-c', script]).stdout).toBe(
      'reopened\n',
    )
  })

  it.each(ways.filter(([name]) => name !== 'nothing to hold'))('%s: the network is closed', (_, policy) => {
    const script = `require('net').connect(9, '127.0.0.1').on('error', error => console.log(error.code))`
    const { stdout } = run([...base, ...policy, '--', process.execPath, '-e', script])
    expect(stdout).toMatch(/^(EPERM|EACCES)\n$/)
  })

  it('hides the processes of the host, except where the caller keeps their namespace', () => {
    const script = `test -e /proc/${process.pid} && echo seen`
    expect(run([...base, ...write, '--', 'sh', '-c', `${script}; true`]).stdout).toBe('')
    expect(run([...base, ...write, '--no-proc', '--', 'sh', '-c', `${script}; true`]).stdout).toBe('')
    expect(run([...base, ...write, '--inherit-pid-namespace', '--', 'sh', '-c', script]).stdout).toBe('seen\n')
  })

  it('starts in the place that the directory of the command leads to', () => {
    const alias = path.join(place.path, 'alias')
    const words = ['--sandbox-policy-cwd', workspace, '--command-cwd', alias, ...write, '--', 'pwd', '-P']
    expect(run(words, { cwd: '/' })).toMatchObject({ code: 0, stdout: `${workspace}\n` })
  })
})

describe('before anything runs', () => {
  it.each<[string, string[], number, RegExp]>([
    ['an unknown option', ['--nope', '--', 'touch', 'ran'], 2, /no option "--nope"\ncodex-linux-sandbox: usage: /],
    ['a policy that is not JSON', ['--sandbox-policy', '{', '--', 'touch', 'ran'], 2, /not JSON/],
    ['no command', [...write], 101, /no command/],
    ['no policy', ['--', 'touch', 'ran'], 101, /no policy/],
    [
      'policies that do not match',
      [
        ...legacy('read-only'),
        '--file-system-sandbox-policy',
        '{"kind":"unrestricted"}',
        '--network-sandbox-policy',
        '"restricted"',
        'touch',
        'ran',
      ],
      101,
      /do not match/,
    ],
    [
      'incompatible stages',
      [...write, '--use-legacy-landlock', '--apply-seccomp-then-exec', 'touch', 'ran'],
      101,
      /--use-legacy-landlock/,
    ],
  ])('%s', (_, words, code, message) => {
    const result = run([...base, ...words])
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(existsSync(path.join(workspace, 'ran'))).toBe(false)
  })

  it('needs the policy directory', () => {
    expect(run([...write, '--', 'true'])).toMatchObject({ code: 2, stderr: expect.stringContaining('required') })
  })
})

describe('its names', () => {
  it.each([[[helper]], [[main, 'sandbox', 'linux']], [[main, 'debug', 'landlock']]])('%j', program => {
    expect(run([...base, ...write, '--', 'sh', '-c', 'exit 3'], { program })).toMatchObject({ code: 3, stderr: '' })
    expect(run(['--help'], { program })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^usage: codex-linux-sandbox/),
    })
    expect(run([...base, ...write], { program })).toMatchObject({ code: 101 })
  })
})

/** A bubblewrap that can make namespaces when it is asked for, and fails when it is to make the mounts of a plan. */
it('ends with 1 when the mounts cannot be made, and the command does not run', () => {
  const folder = path.join(place.path, 'failing')
  mkdirSync(folder)
  const script = `#!/bin/sh
case "$1" in
  --help) echo "usage: bwrap --args --seccomp --new-session --die-with-parent --unshare-user --unshare-pid --as-pid-1 --unshare-ipc"
    echo "--unshare-net --cap-drop --bind --ro-bind --perms --tmpfs --remount-ro --dir --symlink --dev --proc" ;;
  --args) echo "bwrap: Can't mount tmpfs on /newroot: No space left on device" >&2; exit 1 ;;
esac
`
  writeFileSync(path.join(folder, 'bwrap'), script, { mode: 0o755 })
  const witness = path.join(workspace, 'witness')
  const words = [...base, ...write, '--', 'sh', '-c', 'echo x >"$0"', witness]
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` } as Record<string, string>
  const { code, signal, stderr } = run(words, { env })
  expect({ code, signal, stderr }).toEqual({
    code: 1,
    signal: null,
    stderr: expect.stringContaining("Can't mount tmpfs on /newroot: No space left on device"),
  })
  expect(existsSync(witness)).toBe(false)
})
