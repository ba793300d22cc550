/**
 * Bad input: each kind gets a typed error that names the place, and leaves no process, file, mount or descriptor behind.
 */
import { chmodSync, chownSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import {
  BackendError,
  createSandbox,
  LaunchError,
  LibraryError,
  OptionError,
  PolicyError,
  policies,
  type Sandbox,
  type SandboxOptions,
  SpawnError,
} from '../../lib/index.ts'
import { entry, special, split, workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld, snapshot, type World } from '../enforcement/support/world.ts'
import { type Holdings, holdings, kinds, nothingHeldSince, sandboxOf } from '../process/support.ts'

let world: World
let before: { readonly held: Holdings; readonly disk: Record<string, string> }

beforeAll(async () => {
  world = makeWorld('bad-input')
  world.make({ 'ws/file': 'text', 'ws/folder': null, 'plain-file': 'text' })
  // With these missing, something would stand in for them while a command runs, and change the times of the directory.
  for (const root of ['ws', 'shut/inner']) {
    world.make({ [`${root}/.git`]: null, [`${root}/.codex`]: null, [`${root}/.agents`]: null })
  }
  world.make({ 'shut/inner/file': 'text', 'ws/broken': '#!/no/such/interpreter\n' })
  chmodSync(world.at('ws/broken'), 0o755)
  // What the first sandbox of a process makes and keeps: the addon, its thread and the guard.
  const first = await createSandbox({ policy: workspaceWrite(), cwd: world.at('ws') })
  await first.run('true')
})
beforeEach(() => {
  before = { held: holdings(), disk: snapshot(world.base) }
})
afterEach(async () => {
  await nothingHeldSince(before.held)
  expect(snapshot(world.base)).toEqual(before.disk)
})
afterAll(() => world.remove())

const caught = async (act: () => unknown): Promise<unknown> => {
  try {
    return await act()
  } catch (error) {
    return error
  }
}

describe('a policy', () => {
  const root = special('root', 'read')
  const rows: readonly (readonly [name: string, policy: () => unknown, location: string])[] = [
    ['nothing', () => undefined, ''],
    ['null', () => null, ''],
    ['a number', () => 7, ''],
    ['an array', () => [], ''],
    ['an empty object', () => ({}), ''],
    ['JSON that was not parsed', () => '{"type":"read-only"}', ''],
    ['malformed JSON', () => '{"kind":', ''],
    ['a preset that does not exist', () => 'workspace_write', ''],
    ['a type that does not exist', () => ({ type: 'read-write' }), 'type'],
    ['a member that does not exist', () => ({ type: 'workspace-write', writable_root: ['/x'] }), 'writable_root'],
    ['a misspelt flag', () => ({ type: 'workspace-write', exclude_slash_temp: true }), 'exclude_slash_temp'],
    ['a member of a pair that does not exist', () => ({ ...split(root), net: 'enabled' }), 'net'],
    ['a root with a NUL', () => ({ type: 'workspace-write', writable_roots: ['/a\0b'] }), 'writable_roots[0]'],
    ['roots that are no list', () => ({ type: 'workspace-write', writable_roots: '/a' }), 'writable_roots'],
    ['a flag that is no boolean', () => ({ type: 'read-only', network_access: 'yes' }), 'network_access'],
    ['an entry with a NUL', () => split(root, entry('/a\0', 'none')), 'fileSystem.entries[1].path.path'],
    [
      'an entry with half a surrogate pair',
      () => split(root, entry('/a\ud800', 'none')),
      'fileSystem.entries[1].path.path',
    ],
    ['an entry without access', () => split({ path: { type: 'path', path: '/a' } }), 'fileSystem.entries[0].access'],
    ['an access that does not exist', () => split(entry('/a', 'execute' as never)), 'fileSystem.entries[0].access'],
    ['an entry that is null', () => split(root, null), 'fileSystem.entries[1]'],
    [
      'a special path that does not exist',
      () => split(special('home', 'read')),
      'fileSystem.entries[0].path.value.kind',
    ],
    ['a relative path', () => split(root, entry('folder', 'write')), 'fileSystem.entries[1].path.path'],
    ['a path from the home directory', () => split(entry('~/x', 'read')), 'fileSystem.entries[0].path.path'],
    [
      'a relative writable root',
      () => ({ type: 'workspace-write', writable_roots: ['/tmp', '../plain-file'] }),
      'writable_roots[1]',
    ],
    ['a network word that does not exist', () => ({ ...split(root), network: 'on' }), 'network'],
  ]

  it.each(rows)('is refused: %s', async (_, policy, location) => {
    const error = await caught(() => createSandbox({ policy: policy(), cwd: world.at('ws') }))
    expect(error).toBeInstanceOf(PolicyError)
    expect(error).toMatchObject({ code: 'ERR_POLICY_INVALID', name: 'PolicyError', location })
    expect((error as Error).message).not.toBe('')
  })

  it('means a path that starts at the root, wherever the host stands', async () => {
    const legacy = { type: 'workspace-write', writable_roots: [world.at('ws/folder')] }
    using sandbox = await createSandbox({ policy: legacy, cwd: world.at('ws') })
    expect(sandbox.policy.writableRoots.map(({ root }) => root)).toContain(world.at('ws/folder'))
  })

  it('may have 100 000 entries, or is refused with a code', async () => {
    const before = process.cpuUsage()
    const entries = Array.from({ length: 100_000 }, (_, index) => entry(`/no/such/${index}`, 'read'))
    const outcome = await caught(() => createSandbox({ policy: split(root, ...entries), cwd: world.at('ws') }))
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(LibraryError)
    else {
      const sandbox = outcome as Sandbox
      expect(await caught(() => sandbox.run('true'))).toSatisfy(
        (result: unknown) => result instanceof LibraryError || (result as { exitCode: number }).exitCode === 0,
      )
      sandbox[Symbol.dispose]()
    }
    // Of processor time, so that a busy machine does not count.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(15_000)
  })

  it('may have 100 000 denied places, or is refused with a code', async () => {
    const entries = Array.from({ length: 100_000 }, (_, index) => entry(world.at('ws', `f${index}`), 'none'))
    const policy = split(root, entry(world.at('ws'), 'write'), ...entries)
    const error = await caught(() => createSandbox({ policy, cwd: world.at('ws') }))
    expect(error).toMatchObject({
      code: 'ERR_POLICY_NOT_ENFORCEABLE',
      entry: expect.stringContaining(world.at('ws/f')),
      mechanism: 'mount plan',
    })
  })

  it('is refused when a misspelt option of a preset would weaken it', async () => {
    const error = await caught(() => policies.workspaceWrite({ excludeSlashTemp: true } as never))
    expect(error).toBeInstanceOf(OptionError)
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'excludeSlashTemp' })
    expect((error as Error).message).toContain('excludeSlashTmp')
  })
})

describe('options of a sandbox', () => {
  const rows: readonly (readonly [name: string, options: unknown, option: string])[] = [
    ['none at all', undefined, 'options'],
    ['a word', 'read-only', 'options'],
    ['an unknown one', { workdir: '/' }, 'workdir'],
    ['an empty directory', { cwd: '' }, 'cwd'],
    ['a directory with a NUL', { cwd: '/a\0b' }, 'cwd'],
    ['a directory that is no string', { cwd: 5 }, 'cwd'],
    ['an environment that is no object', { env: 'PATH=/bin' }, 'env'],
    ['null as the environment', { env: null }, 'env'],
    ['strict that is no boolean', { strict: 1 }, 'strict'],
    ['linux that is no object', { linux: 'landlock' }, 'options'],
    ['an unknown one of linux', { linux: { engine: [] } }, 'engine'],
    ['engines that are no list', { linux: { engines: 'landlock' } }, 'linux.engines'],
    ['an engine that does not exist', { linux: { engines: ['docker'] } }, 'linux.engines'],
    ['a use of bubblewrap that does not exist', { linux: { bubblewrap: 'always' } }, 'linux.bubblewrap'],
    ['a view of processes that does not exist', { linux: { processes: 'some' } }, 'linux.processes'],
  ]

  it.each(rows)('are refused: %s', async (_, options, option) => {
    const given = typeof options === 'object' ? { policy: 'read-only', ...options } : options
    const error = await caught(() => createSandbox(given as SandboxOptions))
    expect(error).toBeInstanceOf(OptionError)
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', name: 'OptionError', option })
  })

  it('that leave no engine are a missing backend', async () => {
    const linux = { engines: ['bwrap'], bubblewrap: 'never' } as const
    const error = await caught(() => createSandbox({ policy: 'read-only', cwd: world.at('ws'), linux }))
    expect(error).toBeInstanceOf(BackendError)
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', capability: 'options' })
  })
})

describe.each(kinds)('a command: %s', kind => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await sandboxOf(kind, world.at('ws'))
    await sandbox.run('true')
  })
  afterAll(() => sandbox[Symbol.dispose]())

  const misused: readonly (readonly [name: string, words: () => unknown[], option: string])[] = [
    ['no name', () => [''], 'file'],
    ['a name that is no string', () => [undefined], 'file'],
    ['a name with a NUL', () => ['true\0', []], 'file'],
    ['arguments that are no list', () => ['true', 'x'], 'args'],
    ['an argument with a NUL', () => ['true', ['a', 'b\0c']], 'args[1]'],
    ['an argument that is no string', () => ['true', ['a', 5]], 'args[1]'],
    ['a hole in the arguments', () => ['true', new Array(2)], 'args[0]'],
    ['an unknown option', () => ['true', [], { shell: true }], 'shell'],
    ['a directory with a NUL', () => ['true', [], { cwd: '/\0' }], 'cwd'],
    ['an empty directory', () => ['true', [], { cwd: '' }], 'cwd'],
    ['a variable with a NUL', () => ['true', [], { env: { A: 'x\0y' } }], 'env'],
    ['a variable without a name', () => ['true', [], { env: { '': 'x' } }], 'env'],
    ['a name of a variable with =', () => ['true', [], { env: { 'A=B': 'x' } }], 'env'],
    ['a variable that is no string', () => ['true', [], { env: { A: 5 } }], 'env'],
    ['an environment that is no object', () => ['true', [], { env: 'A=5' }], 'env'],
    ['a word for streams that does not exist', () => ['true', [], { stdio: ['pipe', 'overlapped', 'ipc'] }], 'stdio'],
    ['too many streams', () => ['true', [], { stdio: new Array(100).fill('ignore') }], 'stdio'],
    ['a negative descriptor', () => ['true', [], { stdio: ['ignore', -1, 'ignore'] }], 'stdio'],
    ['a signal that does not exist', () => ['true', [], { killSignal: 'SIGNONE' }], 'killSignal'],
    ['a time limit that is no number', () => ['true', [], { timeout: '5' }], 'timeout'],
    ['a negative time limit', () => ['true', [], { timeout: -1 }], 'timeout'],
    ['a time limit without end', () => ['true', [], { timeout: Number.POSITIVE_INFINITY }], 'timeout'],
    ['a signal in the place of an AbortSignal', () => ['true', [], { signal: 'SIGTERM' }], 'signal'],
    ['a lifetime that does not exist', () => ['true', [], { lifetime: 'forever' }], 'lifetime'],
    ['a session that does not exist', () => ['true', [], { session: 'old' }], 'session'],
  ]

  it.each(misused)('is refused in every form: %s', async (_, words, option) => {
    const forms = { run: sandbox.run, runSync: sandbox.runSync, spawn: sandbox.spawn } as const
    for (const [form, start] of Object.entries(forms)) {
      const error = await caught(() => (start as (...given: unknown[]) => unknown).apply(sandbox, words()))
      expect(error, form).toBeInstanceOf(OptionError)
      expect(error, form).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
      expect((error as Error).message, form).not.toContain('x\0y')
    }
  })

  const unstartable: readonly (readonly [name: string, words: () => [string, string[], object?], expected: object])[] =
    [
      [
        'a missing program',
        () => ['castellan-no-such-program', ['a'], { env: { PATH: '/usr/bin:/bin' } }],
        { code: 'ENOENT', errno: -2, path: 'castellan-no-such-program', spawnargs: ['a'] },
      ],
      ['a missing path', () => ['/no/such/program', []], { code: 'ENOENT', syscall: 'spawn /no/such/program' }],
      ['a file that cannot be executed', () => [world.at('plain-file'), []], { code: 'EACCES', errno: -13 }],
      ['a directory', () => [world.at('ws/folder'), []], { code: 'EACCES' }],
      [
        'a missing working directory',
        () => ['true', [], { cwd: world.at('absent') }],
        { code: 'ENOENT', path: 'true' },
      ],
      ['a working directory that is a file', () => ['true', [], { cwd: world.at('plain-file') }], { code: 'ENOTDIR' }],
      ['an argument of 1 MiB', () => ['true', ['x'.repeat(1 << 20)]], { code: 'E2BIG', path: 'true' }],
      ['arguments of 16 MiB', () => ['true', new Array(160).fill('x'.repeat(100_000))], { code: 'E2BIG' }],
    ]

  it.each(unstartable)('cannot be started: %s', async (_, words, expected) => {
    const [file, args, options = {}] = words()
    const asynchronous = await caught(() => sandbox.run(file, args, options))
    const synchronous = await caught(() => sandbox.runSync(file, args, options))
    const child = sandbox.spawn(file, args, options)
    const emitted = await new Promise(resolve => child.once('error', resolve))
    await new Promise(resolve => child.once('close', resolve))
    for (const error of [asynchronous, synchronous, emitted]) {
      expect(error).toBeInstanceOf(SpawnError)
      expect(error).toMatchObject(expected)
      expect((error as Error).cause).toBeInstanceOf(LaunchError)
    }
    expect(child.pid).toBeUndefined()
  })

  it('may have 100 000 arguments, and 1 MiB of them', async () => {
    const many = await sandbox.run('sh', ['-c', 'echo $#', 'sh', ...new Array(100_000).fill('x')])
    expect(many.stdout).toBe('100000\n')
    const large = await sandbox.run('sh', ['-c', 'echo $#', 'sh', ...new Array(10).fill('x'.repeat(104_857))])
    expect(large.stdout).toBe('10\n')
  })
})

describe('roots', () => {
  it('that do not exist are told and not opened', async () => {
    using sandbox = await createSandbox({ policy: workspaceWrite([world.at('absent')]), cwd: world.at('ws') })
    expect(sandbox.notices).toContainEqual(
      expect.objectContaining({ code: 'missing-root', message: expect.stringContaining(world.at('absent')) }),
    )
    expect(await sandbox.run('mkdir', [world.at('absent')])).toMatchObject({ exitCode: 1 })
  })

  it('and a working directory that do not exist are a missing directory when something runs', async () => {
    using sandbox = await createSandbox({ policy: workspaceWrite(), cwd: world.at('absent') })
    const error = await caught(() => sandbox.run('true'))
    expect(error).toBeInstanceOf(SpawnError)
    expect(error).toMatchObject({ code: 'ENOENT', path: 'true' })
    expect((error as Error).message).toContain(world.at('absent'))
  })

  it('that cannot be reached are refused, told or a failed launch, and never opened', async () => {
    const shut = world.at('shut')
    const privileged = process.geteuid?.() === 0
    // For root: a folder of somebody else, which user id 0 of a user namespace may not pass.
    if (privileged) chownSync(shut, 65534, 65534)
    chmodSync(shut, privileged ? 0o700 : 0o000)
    try {
      const outcome = await caught(async () => {
        using sandbox = await createSandbox({ policy: workspaceWrite([`${shut}/inner`]), cwd: world.at('ws') })
        const result = await sandbox.run('sh', ['-c', `echo more >> ${shut}/inner/file`])
        return { notices: sandbox.notices.map(({ code }) => code), exitCode: result.exitCode }
      })
      if (outcome instanceof LaunchError) {
        expect(outcome).toMatchObject({ code: 'ERR_LAUNCH', stage: 'mount', errnoName: 'EACCES' })
        expect(outcome.planLine).toContain(`${shut}/inner`)
      } else {
        expect(outcome).toMatchObject({ notices: expect.arrayContaining(['missing-root']) })
        expect((outcome as { exitCode: number }).exitCode).not.toBe(0)
      }
    } finally {
      chmodSync(shut, 0o755)
      if (privileged) chownSync(shut, 0, 0)
    }
  })

  it('that are a socket, a pipe or a device behave as what they are', async () => {
    using sandbox = await createSandbox({ policy: workspaceWrite(['/dev/null']), cwd: world.at('ws') })
    expect(await sandbox.run('sh', ['-c', 'echo x > /dev/null'])).toMatchObject({ exitCode: 0 })
  })

  it('do not hide a program of the workspace that cannot be loaded', async () => {
    using sandbox = await createSandbox({ policy: workspaceWrite(), cwd: world.at('ws') })
    const error = await caught(() => sandbox.run('./broken'))
    expect(error).toBeInstanceOf(SpawnError)
    expect(error).toMatchObject({ code: 'ENOENT', path: './broken' })
  })
})
