/**
 * Resource limits: what goes beyond is ended or refused by the kernel, and the result names the limit; what stays below is
 * left alone. The refusals are in test/plan/linux/process-limits.test.ts.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createSandbox, LimitError, OptionError, type Sandbox } from '../../lib/index.ts'
import type { NativeResult } from '../../lib/native/binding.ts'
import type { Command } from '../../lib/process/command.ts'
import type { Launch, Launcher } from '../../lib/process/launch.ts'
import { assertStarted } from '../../lib/process/run.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { type CompiledLibrary, compileLibrary } from './compiled.ts'
import { type Kind, kinds, processesNaming, sandboxOf, uniqueSeconds, until } from './support.ts'

const MB = 2 ** 20
/** Takes memory a little at a time and keeps it. */
const takes = (megabytes: number) =>
  `const kept = []; for (let i = 0; i < ${megabytes}; i++) { kept.push(Buffer.alloc(${MB}, 1)); const until = Date.now() + 4; while (Date.now() < until); }`
const busy = 'while :; do :; done'

describe('a run of which no helper said that it started', () => {
  const nothing = Buffer.alloc(0)
  const ended = (limit: number): NativeResult => ({
    id: 1,
    pid: 1,
    exitCode: -1,
    signal: 9,
    timedOut: false,
    limit,
    exitUnknown: false,
    stdoutTruncated: false,
    stderrTruncated: false,
    stdout: nothing,
    stderr: nothing,
  })
  const check = (limit: number) => () =>
    assertStarted(ended(limit), { reportDescriptor: 3 } as Launch, {} as Command, {} as Launcher)

  it('was not set up, unless a limit ended it before the helper could speak', () => {
    expect(check(0)).toThrow('cannot set up the sandbox')
    for (const limit of [1, 2, 3, 4, 5]) expect(check(limit)).not.toThrow()
  })
})

describe.each(kinds.filter(kind => kind !== 'unconfined'))('limits: %s', kind => {
  let world: World
  let sandbox: Sandbox
  beforeAll(async () => {
    world = makeWorld('limits')
    world.make({ 'ws/file': 'text' })
    sandbox = await sandboxOf(kind, world.at('ws'))
  })
  afterAll(() => {
    sandbox[Symbol.dispose]()
    world.remove()
  })
  const sh = (script: string, limits: object) => sandbox.run('sh', ['-c', script], { limits, timeout: 60_000 })

  it('ends a tree that uses too much memory, and leaves one that does not', async () => {
    const run = (megabytes: number, limit: number) =>
      sandbox.run(process.execPath, ['-e', takes(megabytes)], { limits: { memory: limit * MB }, timeout: 60_000 })
    expect(await run(500, 150)).toMatchObject({ limit: 'memory', signal: 'SIGKILL', timedOut: false })
    expect(await run(20, 600)).toMatchObject({ limit: null, exitCode: 0 })
  })

  it('counts the memory of all processes together', async () => {
    const script = `for i in 1 2 3; do "${process.execPath}" -e '${takes(110)}; setTimeout(() => {}, 30000)' & done; wait`
    expect(await sh(script, { memory: 250 * MB })).toMatchObject({ limit: 'memory', signal: 'SIGKILL' })
  })

  it('gives no process much more memory than that at once', async () => {
    const script = `try { new SharedArrayBuffer(1); Buffer.alloc(${4000 * MB}, 1); console.log('got it') } catch (error) { console.log('refused') }`
    const result = await sandbox.run(process.execPath, ['-e', script], { limits: { memory: 700 * MB } })
    expect(result.stdout).not.toContain('got it')
  })

  it('ends a tree that has too many processes, and leaves one that has not', async () => {
    const sleepers = (count: number, seconds: string) =>
      `i=0; while [ $i -lt ${count} ]; do sleep ${seconds} & i=$((i+1)); done; wait; echo fine`
    expect(await sh(sleepers(12, '30'), { processes: 8 })).toMatchObject({ limit: 'processes', signal: 'SIGKILL' })
    expect(await sh(sleepers(6, '0.2'), { processes: 8 })).toMatchObject({ limit: null, stdout: 'fine\n' })
  })

  it('ends processes that left the session and the group with the tree', async () => {
    const seconds = uniqueSeconds()
    const script = `for i in 1 2 3 4 5 6; do (setsid sh -c 'sleep ${seconds} & sleep ${seconds} &' &); done; sleep 30`
    expect(await sh(script, { processes: 8 })).toMatchObject({ limit: 'processes' })
    await until('nothing is left', () => processesNaming(seconds).length === 0)
  })

  it('adds up processor time over processes that come and go', async () => {
    const counting = `i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done`
    const script = `n=0; while [ $n -lt 500 ]; do sh -c '${counting}'; n=$((n+1)); done`
    expect(await sh(script, { cpuTime: 400 })).toMatchObject({ limit: 'cpuTime', signal: 'SIGTERM' })
    expect(await sh(counting, { cpuTime: 60_000 })).toMatchObject({ limit: null, exitCode: 0 })
  })

  it('asks a busy command to end, and then kills it', async () => {
    const limits = { cpuTime: 200 }
    const run = (delay: number) =>
      sandbox.run('sh', ['-c', `trap '' TERM; ${busy}`], { limits, forceKillAfterDelay: delay, timeout: 60_000 })
    expect(await run(100)).toMatchObject({ limit: 'cpuTime', signal: 'SIGKILL' })
  })

  it('holds each process to its open files and its file size', async () => {
    const files = await sh('for i in 3 4 5 6 7 8 9; do eval "exec $i</dev/null" || exit 9; done', { openFiles: 8 })
    expect(files).toMatchObject({ limit: null, stderr: expect.stringContaining('Too many open files') })
    const size = await sh('exec head -c 100000 /dev/zero > large', { fileSize: 5000 })
    expect(size).toMatchObject({ limit: 'fileSize', signal: 'SIGXFSZ' })
    expect(statSync(world.at('ws/large')).size).toBe(5000)
    expect(await sh('head -c 4000 /dev/zero > small', { fileSize: 5000 })).toMatchObject({ limit: null, exitCode: 0 })
  })

  it('lets no command take its limits off', async () => {
    const script =
      'ulimit -n 100; ulimit -f unlimited; ulimit -d unlimited; ulimit -t unlimited; ulimit -Hn; ulimit -Hf'
    const result = await sandbox.run('bash', ['-c', script], {
      limits: { openFiles: 40, fileSize: 10_240, memory: 900 * MB, cpuTime: 50_000 },
    })
    expect(result.stdout).toBe('40\n10\n')
    expect(result.stderr.match(/not permitted|Invalid/g)?.length).toBeGreaterThanOrEqual(4)
  })

  it('stops counting output at the limit', async () => {
    const limits = { outputBytes: 100_000 }
    const result = await sandbox.run('sh', ['-c', 'yes & yes >&2'], { limits, timeout: 60_000 })
    expect(result).toMatchObject({ limit: 'outputBytes', isMaxBuffer: true })
    expect(result.stdout.length + result.stderr.length).toBe(100_000)
    const exact = await sandbox.run('sh', ['-c', 'head -c 60000 /dev/zero; head -c 40000 /dev/zero >&2'], { limits })
    expect(exact).toMatchObject({ limit: null, exitCode: 0, isMaxBuffer: false })
  })

  it('holds spawned commands to the same', async () => {
    const spawned = async (file: string, args: string[], limits: object) => {
      const child = sandbox.spawn(file, args, { limits })
      let length = 0
      child.stdout?.on('data', (chunk: Buffer) => {
        length += chunk.length
      })
      await new Promise(resolve => child.once('close', resolve))
      return { limit: child.limit, length, killed: child.killed }
    }
    expect(await spawned('yes', [], { outputBytes: 5000 })).toEqual({
      limit: 'outputBytes',
      length: 5000,
      killed: true,
    })
    expect(await spawned('sleep', ['60'], { wallClock: 100 })).toMatchObject({ limit: 'wallClock', killed: true })
    expect(await spawned('sh', ['-c', busy], { cpuTime: 200 })).toMatchObject({ limit: 'cpuTime', killed: true })
    expect(await spawned('true', [], { wallClock: 60_000, outputBytes: 1 })).toMatchObject({ limit: null })
  })

  it('tells a time limit as such, in runSync too', () => {
    expect(sandbox.runSync('sleep', ['60'], { limits: { wallClock: 100 } })).toMatchObject({
      limit: 'wallClock',
      timedOut: true,
    })
    const both = sandbox.runSync('sleep', ['60'], { timeout: 100, limits: { wallClock: 50_000 } })
    expect(both).toMatchObject({ limit: 'wallClock', timedOut: true })
  })

  it('refuses to count output that goes elsewhere', async () => {
    const refused = sandbox.run('touch', ['ran'], { stdio: ['ignore', 'inherit', 'pipe'], limits: { outputBytes: 1 } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_LIMIT_NOT_ENFORCEABLE', limit: 'outputBytes' })
    expect(() => statSync(world.at('ws/ran'))).toThrow()
  })
})

describe('limits of a sandbox', () => {
  let world: World
  beforeAll(() => {
    world = makeWorld('sandbox-limits')
    world.make({ 'ws/file': 'text' })
  })
  afterAll(() => world.remove())

  it('hold for every command, and a call can only tighten them', async () => {
    const limits = { openFiles: 50, fileSize: 20_480 }
    await using sandbox = await createSandbox({ policy: workspaceWrite(), cwd: world.at('ws'), limits })
    const tell = (given: object) => sandbox.run('sh', ['-c', 'ulimit -n; ulimit -f'], { limits: given })
    expect((await tell({})).stdout).toBe('50\n40\n')
    expect((await tell({ openFiles: 500, fileSize: 10_240 })).stdout).toBe('50\n20\n')
    expect(() => sandbox.wrap('true')).toThrow(LimitError)
  })

  it.each([
    ['limits.memory', { memory: 0 }],
    ['limits.memory', { memory: 1.5 }],
    ['limits.openFiles', { openFiles: 3 }],
    ['limits.cpuTime', { cpuTime: '1s' as never }],
    ['memmory', { memmory: 1 } as object],
  ])('refuse %s of %j', async (option, limits) => {
    const made = createSandbox({ policy: workspaceWrite(), cwd: world.at('ws'), limits })
    const error = await made.catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(OptionError)
    expect(error).toMatchObject({ option })
  })

  it('are refused at once where nothing can hold them', async () => {
    for (const limits of [{ memory: MB }, { cpuTime: 1000 }, { processes: 5 }]) {
      const made = createSandbox({ policy: 'danger-full-access', cwd: world.at('ws'), limits })
      await expect(made).rejects.toMatchObject({ code: 'ERR_LIMIT_NOT_ENFORCEABLE', mechanism: 'mark' })
    }
  })
})

/** A checkout below /root, for instance, cannot be loaded by anybody else. */
const readable =
  process.getuid?.() === 0 &&
  spawnSync('test', ['-r', fileURLToPath(new URL('../../package.json', import.meta.url))], { uid: 65_534 }).status === 0

/** As root RLIMIT_NPROC counts nobody (kernel/fork.c: INIT_USER); the launcher's look does. */
describe.runIf(readable)(
  'the wall before the launcher looks, of an unprivileged host (needs root and a readable checkout)',
  () => {
    let world: World
    let library: CompiledLibrary
    beforeAll(() => {
      world = makeWorld('limits-user')
      world.make({ 'ws/file': 'text' })
      for (const place of ['', 'ws']) chmodSync(world.at(place), 0o777)
      library = compileLibrary()
    })
    afterAll(() => {
      library.remove()
      world.remove()
    })

    const asked = (kind: Kind, body: string) => {
      const linux = {
        engines: [kind === 'shared' ? 'namespace' : kind],
        bubblewrap: kind === 'bwrap' ? 'require' : 'never',
        processes: kind === 'shared' ? 'shared' : 'isolated',
      }
      const text = `
      const sandbox = await createSandbox({ policy: policies.workspaceWrite(), cwd: ${JSON.stringify(world.at('ws'))}, linux: ${JSON.stringify(linux)} })
      ${body}
      sandbox[Symbol.dispose]()`
      const user = { uid: 65_534, gid: 65_534, cwd: '/', env: { PATH: process.env['PATH'] } }
      const script = library.script(`user-${kind}`, text)
      chmodSync(path.dirname(script), 0o755)
      const done = spawnSync(process.execPath, [script], { ...user, encoding: 'utf8' })
      return done.stdout + done.stderr
    }

    it.each(kinds.filter(kind => ['namespace', 'shared', 'bwrap'].includes(kind)))(
      '%s: counts this run alone',
      kind => {
        // Other processes of this user do not count, and the shell may have as many children as it was given.
        const body = `
      const limit = async () => (await sandbox.run('awk', ['/Max processes/ { print $3 }', '/proc/self/limits'], { limits: { processes: 10 } })).stdout.trim()
      const wall = Number(await limit())
      const forks = 'i=0; while [ $i -lt 100 ]; do sleep 20 & i=$((i+1)); done; wait'
      const bounded = await sandbox.run('sh', ['-c', forks], { limits: { processes: 10 } })
      const free = await sandbox.run('sh', ['-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait; echo free'], { limits: { processes: 10 } })
      console.log(JSON.stringify({ wall, bounded: bounded.limit ?? bounded.stderr, free: free.stdout }))`
        const told = JSON.parse(asked(kind, body)) as { wall: number; bounded: string; free: string }
        expect(told.wall).toBeGreaterThanOrEqual(42)
        expect(told.wall).toBeLessThan(46)
        // Ended by the look, or refused by the kernel before it: never a hundred processes.
        expect(told.bounded).toMatch(/^processes$|Cannot fork/)
        expect(told.free).toBe('free\n')
      },
    )
  },
)
