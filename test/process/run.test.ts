/**
 * `run` and `runSync`: output of any size and kind, input, limits, many at once, and an event loop that goes on.
 */
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { AbortError, createSandbox, LaunchError, type Sandbox } from '../../lib/index.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { kinds, sandboxOf } from './support.ts'

describe.each(kinds)('run: %s', kind => {
  let world: World
  let sandbox: Sandbox
  beforeAll(async () => {
    world = makeWorld('run')
    world.make({ 'ws/file': 'text', secret: 'secret' })
    sandbox = await sandboxOf(kind, world.at('ws'))
  })
  afterAll(() => {
    sandbox[Symbol.dispose]()
    world.remove()
  })

  it('gives exit code, signal, output and what held it', async () => {
    const failed = await sandbox.run('sh', ['-c', 'echo out; echo err >&2; exit 3'])
    expect(failed).toMatchObject({
      exitCode: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      lostProtection: null,
      isCanceled: false,
      isMaxBuffer: false,
      engine: sandbox.plan.engine,
      planDigest: sandbox.plan.digest,
    })
    expect(failed.pid).toBeGreaterThan(1)
    expect(await sandbox.run('sh', ['-c', 'kill -SEGV $$'])).toMatchObject({ exitCode: null, signal: 'SIGSEGV' })
    expect(sandbox.runSync('sh', ['-c', 'kill -9 $$'])).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
    expect(sandbox.runSync('sh', ['-c', 'exit 137'])).toMatchObject({ exitCode: 137, signal: null })
  })

  it('reads 10 MB of each stream, and keeps the bytes', async () => {
    const size = 10 * 1024 * 1024
    const script = `head -c ${size} /dev/zero | tr '\\0' x; head -c ${size} /dev/zero | tr '\\0' '\\377' >&2`
    const { stdout, stderr } = await sandbox.run('sh', ['-c', script], { encoding: 'buffer' })
    expect([stdout.length, stderr.length]).toEqual([size, size])
    expect(stdout.equals(Buffer.alloc(size, 'x'))).toBe(true)
    expect(stderr.equals(Buffer.alloc(size, 0xff))).toBe(true)
  })

  it('writes input of any size, and gives the end of it', async () => {
    const input = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => index & 0xff))
    const echoed = await sandbox.run('cat', [], { input, encoding: 'buffer' })
    expect(echoed.stdout.equals(input)).toBe(true)
    expect((await sandbox.run('cat', [], { input: 'grüße' })).stdout).toBe('grüße')
    expect((await sandbox.run('cat', [], { input: '' })).stdout).toBe('')
    expect((await sandbox.run('cat')).stdout).toBe('')
    expect(sandbox.runSync('cat', [], { input: 'sync' }).stdout).toBe('sync')
    // A command that does not read it is no error.
    expect(await sandbox.run('true', [], { input })).toMatchObject({ exitCode: 0 })
  })

  it('keeps maxBuffer bytes and reads the rest', async () => {
    const script = 'head -c 300000 /dev/zero | tr "\\0" x; printf y >&2; exit 4'
    const cut = await sandbox.run('sh', ['-c', script], { maxBuffer: 1000 })
    expect([cut.stdout.length, cut.stderr, cut.isMaxBuffer, cut.exitCode]).toEqual([1000, 'y', true, 4])
    const exact = await sandbox.run('sh', ['-c', 'printf 12345'], { maxBuffer: 5 })
    expect([exact.stdout, exact.isMaxBuffer]).toEqual(['12345', false])
    const none = await sandbox.run('echo', ['text'], { maxBuffer: 0 })
    expect([none.stdout, none.isMaxBuffer]).toEqual(['', true])
  })

  it('passes arguments, environment and directory as they are', async () => {
    const args = ['', ' ', '"', "'", '\n', '*', '$HOME', 'grüße', '-n', '\\', 'a=b']
    const { stdout } = await sandbox.run('printf', ['[%s]', ...args])
    expect(stdout).toBe(args.map(argument => `[${argument}]`).join(''))
    const env = await sandbox.run('env', [], { env: { PATH: '/usr/bin:/bin', constructor: 'kept', TEXT: 'a\nb' } })
    expect(env.stdout).toContain('constructor=kept\n')
    expect(env.stdout).toContain('TEXT=a\nb\n')
    expect((await sandbox.run('pwd', [], { cwd: '/usr' })).stdout).toBe('/usr\n')
    expect((await sandbox.run('pwd', [], { cwd: '.' })).stdout).toBe(`${world.at('ws')}\n`)
  })

  it('uses the descriptors it was given, whatever becomes of their numbers', async () => {
    for (let round = 0; round < 10; round++) {
      writeFileSync(world.at('ws/out'), '')
      const given = openSync(world.at('ws/out'), 'a')
      const running = sandbox.run('sh', ['-c', 'echo text'], { stdio: ['ignore', given, 'pipe'] })
      closeSync(given)
      // Most likely under the same number: the file that must not be written to.
      const reused = openSync(world.at('secret'), 'r+')
      await running.finally(() => closeSync(reused))
      expect([readFileSync(world.at('ws/out'), 'utf8'), readFileSync(world.at('secret'), 'utf8')]).toEqual([
        'text\n',
        'secret',
      ])
    }
  })

  it('refuses a descriptor that is not open', async () => {
    await expect(sandbox.run('true', [], { stdio: ['ignore', 9999, 'pipe'] })).rejects.toMatchObject({
      code: 'ERR_LAUNCH',
      stage: 'stdio',
      errnoName: 'EBADF',
    })
  })

  it('rejects with the reason of an abort, whenever it comes', async () => {
    const reason = new Error('mine')
    for (const milliseconds of [-1, 0, 1, 5, 50]) {
      const abort = new AbortController()
      if (milliseconds < 0) abort.abort(reason)
      const running = sandbox.run('sleep', ['100'], { signal: abort.signal })
      if (milliseconds === 0) abort.abort(reason)
      else setTimeout(() => abort.abort(reason), milliseconds)
      const error = await running.catch((thrown: unknown) => thrown)
      expect(error, `after ${milliseconds} ms`).toBeInstanceOf(AbortError)
      expect(error, `after ${milliseconds} ms`).toMatchObject({ code: 'ABORT_ERR', name: 'AbortError', cause: reason })
    }
  })

  it('tells a time limit that is over before the command begins from a failure', async () => {
    for (const timeout of [1, 2, 4, 8, 30]) {
      expect(await sandbox.run('sleep', ['100'], { timeout })).toMatchObject({ timedOut: true, exitCode: null })
    }
    expect(sandbox.runSync('sleep', ['100'], { timeout: 50 })).toMatchObject({ timedOut: true, signal: 'SIGTERM' })
  })

  it('runs 64 commands at once, and mixes up none', async () => {
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        sandbox.run('sh', ['-c', `cat; echo ${index}; exit ${index}`], { input: `${index} ` }),
      ),
    )
    expect(results.map(({ stdout, exitCode }) => [stdout, exitCode])).toEqual(
      Array.from({ length: 64 }, (_, index) => [`${index} ${index}\n`, index]),
    )
  })

  it('does not stop the event loop', async () => {
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 5)
    await Promise.all(
      Array.from({ length: 8 }, () => sandbox.run('sh', ['-c', 'head -c 4000000 /dev/zero; sleep 0.3'])),
    )
    clearInterval(timer)
    // A whole command takes 300 ms; generous, because the machine is shared.
    expect(longest).toBeLessThan(200)
  })

  it('refuses to run anything once disposed, and ends what runs', async () => {
    const own = await sandboxOf(kind, world.at('ws'))
    const running = own.run('sleep', ['100'])
    const child = own.spawn('sleep', ['100'])
    const ended = new Promise(resolve => child.once('exit', (_, signal) => resolve(signal)))
    own[Symbol.dispose]()
    await expect(running).rejects.toMatchObject({ code: 'ABORT_ERR', cause: { code: 'ERR_SANDBOX_DISPOSED' } })
    expect(await ended).toBe('SIGKILL')
    await expect(own.run('true')).rejects.toMatchObject({ code: 'ERR_SANDBOX_DISPOSED' })
    expect(() => own.spawn('true')).toThrow(expect.objectContaining({ code: 'ERR_SANDBOX_DISPOSED' }))
    expect(() => own.runSync('true')).toThrow(expect.objectContaining({ code: 'ERR_SANDBOX_DISPOSED' }))
    own[Symbol.dispose]()
  })
})

describe.runIf(kinds.includes('bwrap'))('run: a bubblewrap that fails', () => {
  it('is a failed launch and never a result of the command', async () => {
    const world = makeWorld('broken-bwrap')
    world.make({ 'ws/file': 'text', bin: null })
    const program =
      '#!/bin/sh\nfor word; do [ "$word" = --args ] && { echo "bwrap: no such luck" >&2; exit 1; }; done\nexec /usr/bin/bwrap "$@"\n'
    writeFileSync(world.at('bin/bwrap'), program)
    chmodSync(world.at('bin/bwrap'), 0o755)
    const path = process.env['PATH']
    process.env['PATH'] = `${world.at('bin')}:${path}`
    try {
      const sandbox = await createSandbox({
        policy: workspaceWrite(),
        cwd: world.at('ws'),
        linux: { engines: ['bwrap'], bubblewrap: 'require' },
      })
      expect(sandbox.plan).toMatchObject({ bubblewrap: { path: world.at('bin/bwrap') } })
      const failure = { code: 'ERR_LAUNCH' }
      await expect(sandbox.run('true')).rejects.toMatchObject({
        ...failure,
        message: expect.stringContaining('no such luck'),
      })
      expect(() => sandbox.runSync('true')).toThrow(LaunchError)
      const child = sandbox.spawn('true', [], { stdio: 'ignore' })
      const events: string[] = []
      for (const event of ['spawn', 'exit', 'error']) child.on(event, () => events.push(event))
      await new Promise(resolve => child.once('close', resolve))
      expect(events).toEqual(['error'])
    } finally {
      process.env['PATH'] = path
      world.remove()
    }
  })
})
