/**
 * How commands end: time limits with a first and a last signal, whole trees however they hide, and lifetimes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox, SandboxedProcess } from '../../lib/index.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { kinds, processesNaming, sandboxOf, uniqueSeconds, until } from './support.ts'

/** Grandchildren that leave the session, the process group and their parent; each is a `sleep` with that number. */
const scatter = (seconds: string) =>
  `sleep ${seconds} & setsid sleep ${seconds} & (setsid sh -c 'sleep ${seconds} & sleep ${seconds} &' &) ; nohup setsid sleep ${seconds} >/dev/null 2>&1 &`
const scattered = 5

const endOf = (child: SandboxedProcess) =>
  new Promise<unknown[]>(resolve => child.once('exit', (...ended: unknown[]) => resolve(ended)))

describe.each(kinds)('termination: %s', kind => {
  let world: World
  let sandbox: Sandbox
  let seconds = ''
  const alive = () => processesNaming(seconds).length
  const gone = () => until(`no sleep ${seconds} is left`, () => alive() === 0)
  const running = () => until('the tree runs', () => alive() >= scattered)

  beforeAll(async () => {
    world = makeWorld('termination')
    world.make({ 'ws/file': 'text' })
    sandbox = await sandboxOf(kind, world.at('ws'))
  })
  afterEach(() => {
    for (const pid of seconds === '' ? [] : processesNaming(seconds)) process.kill(pid, 'SIGKILL')
  })
  afterAll(() => {
    sandbox[Symbol.dispose]()
    world.remove()
  })

  it('sends the first signal once, waits, then kills', async () => {
    const script = `trap 'echo asked' TERM; while :; do sleep 0.02; done`
    const started = performance.now()
    const result = await sandbox.run('sh', ['-c', script], { timeout: 150, forceKillAfterDelay: 250 })
    const took = performance.now() - started
    expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL', stdout: 'asked\n' })
    expect(took).toBeGreaterThan(390)
    expect(took).toBeLessThan(3000)
  })

  it('lets a command that heeds the signal end in its own way', async () => {
    const script = `trap 'sleep 0.05; echo bye; exit 9' INT; while :; do sleep 0.02; done`
    const result = await sandbox.run('sh', ['-c', script], {
      timeout: 100,
      killSignal: 'SIGINT',
      forceKillAfterDelay: 2000,
    })
    expect(result).toMatchObject({ timedOut: true, exitCode: 9, signal: null, stdout: 'bye\n' })
  })

  it('kills at once without a delay', async () => {
    const result = await sandbox.run('sh', ['-c', 'trap "" TERM; sleep 100'], { timeout: 50, forceKillAfterDelay: 0 })
    expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL' })
  })

  it('does the same for a spawned command', async () => {
    const child = sandbox.spawn('sh', ['-c', `trap 'echo asked' TERM; while :; do sleep 0.02; done`], {
      timeout: 100,
      forceKillAfterDelay: 200,
    })
    let output = ''
    child.stdout?.on('data', chunk => {
      output += chunk
    })
    expect(await endOf(child)).toEqual([null, 'SIGKILL'])
    expect(output).toBe('asked\n')
  })

  it('ends scattered grandchildren with a time limit', async () => {
    seconds = uniqueSeconds()
    const limited = sandbox.run('sh', ['-c', `${scatter(seconds)} wait; sleep 100`], {
      timeout: 400,
      forceKillAfterDelay: 200,
    })
    await running()
    expect(await limited).toMatchObject({ timedOut: true })
    await gone()
  })

  it('ends scattered grandchildren with an abort', async () => {
    seconds = uniqueSeconds()
    const abort = new AbortController()
    const aborted = sandbox.run('sh', ['-c', `${scatter(seconds)} sleep 100`], { signal: abort.signal })
    await running()
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' })
    await gone()
  })

  it('ends scattered grandchildren with the command', async () => {
    seconds = uniqueSeconds()
    const result = await sandbox.run('sh', ['-c', `${scatter(seconds)} sleep 0.3; echo done`])
    expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' })
    await gone()
    const child = sandbox.spawn('sh', ['-c', `${scatter(seconds)} sleep 0.3; exit 6`], { stdio: 'ignore' })
    expect(await endOf(child)).toEqual([6, null])
    await gone()
  })

  it('ends scattered grandchildren when a spawned command is disposed of', async () => {
    seconds = uniqueSeconds()
    {
      using child = sandbox.spawn('sh', ['-c', `${scatter(seconds)} sleep 100`], { stdio: 'ignore' })
      await running()
      expect(child.exitCode).toBeNull()
    }
    await gone()
    {
      await using child = sandbox.spawn('sh', ['-c', `${scatter(seconds)} sleep 100`], { stdio: 'ignore' })
      await running()
      expect(child.exitCode).toBeNull()
    }
    await gone()
  })

  it('ends scattered grandchildren with the sandbox', async () => {
    seconds = uniqueSeconds()
    {
      await using own = await sandboxOf(kind, world.at('ws'))
      own.spawn('sh', ['-c', `${scatter(seconds)} sleep 100`], { stdio: 'ignore' })
      void own.run('sh', ['-c', `${scatter(seconds)} sleep 100`]).catch(() => {})
      await until('both trees run', () => alive() >= 2 * scattered)
    }
    await gone()
  })

  it('leaves other runs alone', async () => {
    seconds = uniqueSeconds()
    const other = sandbox.spawn('sh', ['-c', `${scatter(seconds)} sleep 100`], { stdio: 'ignore' })
    await running()
    await sandbox.run('sh', ['-c', 'sleep 100'], { timeout: 50, forceKillAfterDelay: 50 })
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(alive()).toBeGreaterThanOrEqual(scattered)
    other.terminate('SIGKILL')
    await endOf(other)
    await gone()
  })

  // In a PID namespace everything ends with its first process, which goes when the command does.
  const define = kind === 'namespace' || kind === 'bwrap' ? it.fails : it
  define("leaves background processes with the lifetime 'session' until they are ended", async () => {
    seconds = uniqueSeconds()
    const script = `setsid sleep ${seconds} >/dev/null 2>&1 & sleep 0.1; echo started`
    const result = await sandbox.run('sh', ['-c', script], { lifetime: 'session' })
    expect(result.stdout).toBe('started\n')
    await new Promise(resolve => setTimeout(resolve, 400))
    expect(alive()).toBe(1)
  })

  it("ends the whole tree of the lifetime 'session' when its time is over", async () => {
    seconds = uniqueSeconds()
    const script = `(trap "" TERM; exec sleep ${seconds}) >/dev/null 2>&1 & exec sleep 100`
    const result = await sandbox.run('sh', ['-c', script], {
      lifetime: 'session',
      timeout: 200,
      forceKillAfterDelay: 300,
    })
    expect(result.timedOut).toBe(true)
    await gone()
  })
})
