import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CompiledAuth, compileAuth } from './compiled.ts'
import { managedText, type RotatingServer, startRotatingServer, type TemporaryHome, temporaryHome } from './support.ts'

const processes = Number(process.env['CASTELLAN_AUTH_PROCESSES'] ?? 4)
const refreshes = Number(process.env['CASTELLAN_AUTH_REFRESHES'] ?? 15)

interface Report {
  readonly outcome?: string
  readonly persisted?: boolean
  readonly failure?: string
  readonly kind?: string
}

const addon = fileURLToPath(new URL('../../build/Release/castellan.node', import.meta.url))
const locks = [
  { lock: 'portable', addon: undefined },
  { lock: 'kernel', addon },
] as const

describe.each(locks)('many processes with one login and the $lock lock', given => {
  let compiled: CompiledAuth
  let home: TemporaryHome
  let server: RotatingServer
  let children: ChildProcess[] = []
  let started = 0

  beforeAll(() => {
    compiled = compileAuth()
  })
  afterAll(() => compiled.remove())

  beforeEach(async context => {
    if (given.addon !== undefined && !existsSync(given.addon)) context.skip('needs the native addon, found none')
    home = temporaryHome()
    home.write(managedText())
    server = await startRotatingServer()
  })
  afterEach(async () => {
    await Promise.all(children.map(stop))
    children = []
    await server?.stop()
    home?.remove()
  })

  function start(count: number): {
    child: ChildProcess
    originator: string
    reports: Report[]
    ended: Promise<unknown>
  } {
    const originator = `worker-${started++}`
    const parameters = {
      url: compiled.url,
      home: home.path,
      issuer: server.issuer,
      originator,
      refreshes: count,
      addon: given.addon,
    }
    const child = fork(fileURLToPath(new URL('./worker.mjs', import.meta.url)), [], {
      env: { PATH: process.env['PATH'], CASTELLAN_TEST_WORKER: JSON.stringify(parameters) },
      execArgv: [],
    })
    children.push(child)
    const reports: Report[] = []
    child.on('message', report => reports.push(report as Report))
    return { child, originator, reports, ended: new Promise(done => child.once('exit', done)) }
  }

  const storedToken = () => JSON.parse(home.read() ?? '{}').tokens.refresh_token as string

  it('sends one request per rotation and loses no login', async () => {
    const workers = Array.from({ length: processes }, () => start(refreshes))
    await Promise.all(workers.map(({ ended }) => ended))
    const reports = workers.flatMap(worker => worker.reports)
    expect(reports.filter(({ failure }) => failure !== undefined)).toEqual([])
    expect(reports).toHaveLength(processes * refreshes)
    expect(server.counts.reused).toBe(0)
    expect(server.counts.refreshes).toBe(reports.filter(({ outcome }) => outcome === 'refreshed').length)
    expect(storedToken()).toBe(server.validToken())
    expect(readdirSync(home.path).filter(name => name.startsWith('.auth-') || name.endsWith('.owner'))).toEqual([])
  }, 600_000)

  it('survives processes that are killed, except between the answer and the disk', async () => {
    const living = new Map(
      Array.from({ length: processes }, () => start(1_000_000)).map(worker => [worker.originator, worker]),
    )
    const reports: Report[] = []
    for (let kills = 0; kills < refreshes; ) {
      await new Promise(resolve => setTimeout(resolve, 15 + Math.random() * 40))
      const working = [...living.values()].filter(worker => worker.reports.length > 0)
      const victim = working[Math.floor(Math.random() * working.length)]
      const failed = [...living.values()].find(({ child }) => child.exitCode !== null)
      if (failed !== undefined) throw new Error(`a worker ended by itself: ${JSON.stringify(failed.reports.at(-1))}`)
      if (victim === undefined) continue
      // The new token exists at the server only; nothing that a client does can keep it alive through a crash.
      const holdsTheOnlyCopy = storedToken() !== server.validToken()
      if (holdsTheOnlyCopy) continue
      server.dead.add(victim.originator)
      victim.child.kill('SIGKILL')
      await victim.ended
      reports.push(...victim.reports)
      living.delete(victim.originator)
      const next = start(1_000_000)
      living.set(next.originator, next)
      kills++
    }
    for (const worker of living.values())
      await expect.poll(() => worker.reports.length, { timeout: 30_000 }).toBeGreaterThan(0)
    reports.push(...[...living.values()].flatMap(worker => worker.reports))
    expect(reports.filter(({ kind }) => kind === 'permanent')).toEqual([])
    expect(server.counts.reused).toBe(0)
    expect(reports.filter(({ outcome }) => outcome === 'refreshed').length).toBeGreaterThan(processes)
  }, 600_000)
})

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(done => child.once('exit', done))
  child.kill('SIGKILL')
  await ended
}
