import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CompiledAuth, compileAuth } from './compiled.ts'
import { type SmallDisk, smallDisk } from './small-disk.ts'
import { managedText, type RotatingServer, startRotatingServer, temporaryHome } from './support.ts'

/** The whole of what can go wrong at once: many processes, one strictly rotating login, random kills, a disk that fills. */
const processes = Number(process.env['CASTELLAN_AUTH_PROCESSES'] ?? 8)
const refreshes = Number(process.env['CASTELLAN_AUTH_REFRESHES'] ?? 200)
/** Kills per place; each costs the start of another Node.js. */
const killsPerPlace = 3

const addon = fileURLToPath(new URL('../../build/Release/castellan.node', import.meta.url))
const locks = [
  { lock: 'portable', addon: undefined },
  { lock: 'kernel', addon },
] as const

interface Report {
  readonly outcome?: string
  readonly persisted?: boolean
  readonly failure?: string
  readonly kind?: string
}

describe.each(locks)('processes that are killed on a disk that fills up, with the $lock lock', given => {
  let compiled: CompiledAuth

  beforeAll(() => {
    compiled = compileAuth()
  })
  afterAll(() => compiled.remove())

  it('send one request per rotation, lose no login, and end with the newest token on the disk', async context => {
    if (given.addon !== undefined && !existsSync(given.addon)) context.skip('needs the native addon, found none')
    const home = temporaryHome()
    const disk = await smallDisk(home.path, '256k')
    if (disk === undefined) {
      home.remove()
      return context.skip('needs a user namespace that may mount, found none')
    }
    const server = await startRotatingServer()
    const storm = new Storm(compiled.url, home.path, disk, server, given.addon)
    try {
      disk.write('auth.json', managedText())
      await storm.run()
      const failures = storm.reports.filter(({ failure }) => failure !== undefined)
      expect(failures.filter(({ kind }) => kind !== 'transient')).toEqual([])
      // The disk was met full, and no token was spent for it.
      expect(failures.some(({ failure }) => failure === 'store_write')).toBe(true)
      expect(storm.kills).toBeGreaterThan(processes)
      expect(server.counts.reused).toBe(0)
      expect(server.counts.refreshes).toBe(server.rotations())
      expect(storm.storedToken()).toBe(server.validToken())
    } finally {
      await storm.stop()
      await server.stop()
      await disk.remove()
      home.remove()
    }
  }, 600_000)
})

interface Place {
  left: number
  /** Numbers of refreshes left at which the process in this place is killed, the next one last. */
  readonly killAt: number[]
  child: ChildProcess
  originator: string
  killing: boolean
}

class Storm {
  readonly reports: Report[] = []
  kills = 0
  #started = 0
  readonly #children: ChildProcess[] = []
  #waiting: (() => void)[] = []

  constructor(
    readonly url: string,
    readonly home: string,
    readonly disk: SmallDisk,
    readonly server: RotatingServer,
    readonly addon: string | undefined,
  ) {}

  async run(): Promise<void> {
    const places = Array.from({ length: processes }, () => this.#occupy())
    const over = Promise.all(places)
    let running = true
    over.then(
      () => (running = false),
      () => (running = false),
    )
    await this.#reportsUntil(() => this.reports.length > processes)
    while (running) {
      const met = this.reports.length
      this.disk.fill()
      await Promise.race([over, this.#reportsUntil(() => this.reports.slice(met).some(isFull))])
      await sleep(Math.random() * 30)
      this.disk.free()
      const from = this.reports.length
      await Promise.race([over, this.#reportsUntil(() => this.reports.length > from + processes * 5)])
    }
    await over
  }

  storedToken(): string {
    return JSON.parse(this.disk.read('auth.json')).tokens.refresh_token
  }

  /** One place in the crowd: a process after another, until the refreshes of this place are done. */
  async #occupy(): Promise<void> {
    const killAt = Array.from({ length: killsPerPlace }, () => 2 + Math.floor(Math.random() * (refreshes - 4)))
    const place = {
      left: refreshes,
      killAt: killAt.sort((one, other) => one - other),
      killing: false,
    } as unknown as Place
    while (place.left > 0) {
      this.#start(place)
      const [code, signal] = await once(place.child, 'exit')
      if (signal === 'SIGKILL') this.kills++
      else if (code !== 0 || place.left > 0)
        throw new Error(`a process gave up: ${JSON.stringify(this.reports.at(-1))}`)
    }
  }

  #start(place: Place): void {
    place.originator = `worker-${this.#started++}`
    place.killing = false
    const parameters = {
      url: this.url,
      home: this.home,
      issuer: this.server.issuer,
      originator: place.originator,
      refreshes: place.left,
      addon: this.addon,
    }
    const worker = fileURLToPath(new URL('./worker.mjs', import.meta.url))
    const [file, ...words] = [...this.disk.prefix, process.execPath, worker]
    const child = spawn(file!, words, {
      env: { PATH: process.env['PATH'], CASTELLAN_TEST_WORKER: JSON.stringify(parameters) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    place.child = child
    this.#children.push(child)
    child.on('message', report => this.#hear(place, report as Report))
  }

  #hear(place: Place, report: Report): void {
    this.reports.push(report)
    for (const wake of this.#waiting.splice(0)) wake()
    if (report.outcome === undefined) return
    place.left--
    if (place.killing || place.left > (place.killAt.at(-1) ?? -1)) return
    place.killAt.pop()
    place.killing = true
    setTimeout(() => this.#kill(place), Math.random() * 20)
  }

  #kill(place: Place): void {
    if (place.child.exitCode !== null) return
    // The newest token exists at the server only, or on its way: nothing that a client does could carry it over a crash.
    if (this.storedToken() !== this.server.validToken()) {
      setTimeout(() => this.#kill(place), Math.random() * 5)
      return
    }
    this.server.dead.add(place.originator)
    place.child.kill('SIGKILL')
  }

  async #reportsUntil(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise<void>(wake => this.#waiting.push(wake))
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
  }
}

const isFull = ({ failure }: Report) => failure === 'store_write'
