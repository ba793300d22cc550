/**
 * The lock that a host gets from `castellan/auth` without doing anything: the kernel's where the addon can be loaded.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { closeSync, cpSync, existsSync, mkdirSync, openSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LinuxBinding, loadLinuxBinding } from '../../lib/native/binding.ts'
import { ensureBuilt, repository } from '../cli/castellan.ts'
import { managedText, type RotatingServer, startRotatingServer, type TemporaryHome, temporaryHome } from './support.ts'

const processes = 8

interface Report {
  readonly outcome?: string
  readonly failure?: string
}

describe('the lock behind castellan/auth', () => {
  let binding: LinuxBinding | undefined
  let home: TemporaryHome
  let server: RotatingServer
  const children: ChildProcess[] = []

  beforeAll(() => {
    ensureBuilt()
    try {
      binding = loadLinuxBinding()
    } catch {
      binding = undefined
    }
  })
  beforeEach(async () => {
    home = temporaryHome()
    home.write(managedText())
    server = await startRotatingServer()
  })
  afterEach(async () => {
    await Promise.all(children.splice(0).map(stop))
    await server.stop()
    home.remove()
  })

  function start(refreshes: number, more: object = {}) {
    const parameters = { url: 'castellan/auth', home: home.path, issuer: server.issuer, refreshes, ...more }
    const child = fork(fileURLToPath(new URL('./worker.mjs', import.meta.url)), [], {
      env: { PATH: process.env['PATH'], CASTELLAN_TEST_WORKER: JSON.stringify(parameters) },
      execArgv: [],
    })
    children.push(child)
    const reports: Report[] = []
    child.on('message', report => reports.push(report as Report))
    return { reports, ended: new Promise(done => child.once('exit', done)) }
  }

  const locked = () => {
    const fd = openSync(join(home.path, 'auth.refresh.lock'), 'w+', 0o600)
    expect(binding!.flock(fd, true, true)).toBe(0)
    return { release: () => closeSync(fd) }
  }

  it('lets one of 8 processes in at a time', { timeout: 60_000 }, async context => {
    if (binding === undefined) return context.skip('needs the native addon, found none')
    const held = locked()
    const workers = Array.from({ length: processes }, () => start(5))
    await new Promise(resolve => setTimeout(resolve, 1_500))
    // The portable lock is free; it is the kernel's that keeps them out.
    expect(existsSync(join(home.path, 'auth.refresh.lock.owner'))).toBe(false)
    expect([server.counts.refreshes, workers.flatMap(({ reports }) => reports)]).toEqual([0, []])
    held.release()
    await Promise.all(workers.map(({ ended }) => ended))
    const reports = workers.flatMap(worker => worker.reports)
    expect(reports.filter(({ failure }) => failure !== undefined)).toEqual([])
    expect(reports).toHaveLength(processes * 5)
    expect(server.counts).toMatchObject({
      reused: 0,
      refreshes: reports.filter(({ outcome }) => outcome === 'refreshed').length,
    })
  })

  it('gives up waiting for another program that holds it', async context => {
    if (binding === undefined) return context.skip('needs the native addon, found none')
    const held = locked()
    const worker = start(1, { lockTimeoutMs: 200 })
    await expect.poll(() => worker.reports.length, { timeout: 60_000 }).toBeGreaterThan(1)
    expect(new Set(worker.reports.map(({ failure }) => failure))).toEqual(new Set(['lock_timeout']))
    held.release()
    await worker.ended
    expect(worker.reports.at(-1)).toMatchObject({ outcome: 'refreshed' })
  })

  it('is loaded with the first refresh, not with the module', context => {
    if (binding === undefined) return context.skip('needs the native addon, found none')
    const script = `
      import { readFileSync } from 'node:fs'
      import { AuthManager } from 'castellan/auth'
      const loaded = () => readFileSync('/proc/self/maps', 'utf8').includes('castellan.node')
      const fetch = async () => Response.json({ access_token: 'at-1', refresh_token: 'rt-1' })
      const manager = await AuthManager.open({ home: process.env.HOME, env: {}, fetch, jitterMs: 0 })
      const before = loaded()
      await manager.refreshToken()
      console.log(JSON.stringify([before, loaded()]))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: repository,
      env: { PATH: process.env['PATH'], HOME: home.path },
      encoding: 'utf8',
    })
    expect([JSON.parse(stdout), stderr]).toEqual([[false, true], ''])
  })

  it('is the portable one in a package without an addon', async () => {
    const copy = join(home.path, 'package')
    mkdirSync(copy)
    cpSync(join(repository, 'dist'), join(copy, 'dist'), { recursive: true })
    cpSync(join(repository, 'package.json'), join(copy, 'package.json'))
    symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
    const worker = start(3, { url: pathToFileURL(join(copy, 'dist/bundle/auth.js')).href })
    await worker.ended
    expect(worker.reports.map(({ outcome }) => outcome)).toEqual(['refreshed', 'refreshed', 'refreshed'])
    expect(server.counts).toMatchObject({ refreshes: 3, reused: 0 })
    // The kernel's lock would have left its file.
    expect(existsSync(join(home.path, 'auth.refresh.lock'))).toBe(false)
  })
})

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(done => child.once('exit', done))
  child.kill('SIGKILL')
  await ended
}
