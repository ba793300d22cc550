/**
 * What one auth case lives in: a home directory, a server, a clock, an environment, and the managers that look at them.
 * Everything is removed by `dispose`.
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from 'undici'
import { RemoteProcess } from './auth-process.mjs'
import { startServer } from './auth-server.mjs'
import { fileText, resolve } from './auth-values.mjs'

const eventNames = ['change', 'refreshed', 'poisoned', 'persistFailed', 'persisted', 'detached', 'warning']

export class World {
  managers = new Map()
  processes = new Map()
  recoveries = new Map()
  background = new Map()
  faults = new Map()
  events = []
  diagnostics = []
  externalCalls = 0
  agent = new Agent()
  #advancedMs = 0
  #onDiagnostics = message => this.diagnostics.push(message)

  static async create(given, library, fixtures) {
    const world = new World()
    world.given = given
    world.library = library
    world.fixtures = fixtures
    world.startMs = Date.parse(given.clock?.now ?? '2026-06-01T12:00:00Z')
    world.startedAt = Date.now()
    world.home = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-auth-')))
    world.path = join(world.home, 'auth.json')
    if (given.authJson !== undefined) world.write(given.authJson)
    world.initialText = world.text()
    const script = world.resolve({
      token: given.token,
      revoke: given.revoke,
      whoami: given.whoami,
      login: given.login,
      api: given.api,
    })
    world.server = await startServer(script)
    world.otherServer = await startServer(script)
    world.keyring = fakeKeyring(world)
    for (const name of eventNames) subscribe(`castellan:auth:${name}`, world.#onDiagnostics)
    await world.spawn('A', {})
    return world
  }

  resolve(value) {
    return resolve(value, this.fixtures, this.startMs)
  }

  write(authJson) {
    writeFileSync(this.path, fileText(authJson, this.fixtures, this.startMs))
  }

  text() {
    try {
      return readFileSync(this.path, 'utf8')
    } catch {
      return undefined
    }
  }

  now() {
    return this.startMs + (Date.now() - this.startedAt) + this.#advancedMs
  }

  advance(seconds) {
    this.#advancedMs += seconds * 1000
  }

  options(extra) {
    const { given } = this
    return {
      home: this.home,
      env: given.env ?? {},
      jitterMs: 0,
      origins: [this.server.url],
      ...given.options,
      ...extra,
    }
  }

  async spawn(id, { process: separate, options = {} }) {
    if (separate) {
      const remote = new RemoteProcess()
      this.processes.set(id, remote)
      const clock = { aheadMs: this.now() - Date.now() }
      const parameters = { url: this.library.url, options: this.options(options), issuer: this.server.url, clock }
      await remote.ask('open', parameters)
      return
    }
    const { AuthManager, codexProvider } = this.library.module
    const manager = await AuthManager.open({
      ...this.options(options),
      storage: this.#storage(),
      keyring: this.keyring,
      now: () => this.now(),
      provider: { ...codexProvider({ issuer: this.server.url }), issuer: codexProvider().issuer },
      ...(this.given.external && { externalAuth: this.#host() }),
    })
    for (const name of eventNames) manager.on(name, event => this.events.push(event))
    this.managers.set(id, manager)
  }

  async holdLock(ms) {
    const remote = new RemoteProcess()
    this.processes.set('lock holder', remote)
    await remote.ask('hold', { url: this.library.url, home: this.home, ms })
  }

  /** Throws when a fault is set for this target. */
  meet(target) {
    const fault = this.faults.get(target)
    if (fault === undefined) return
    if (fault.times !== undefined && --fault.times === 0) this.faults.delete(target)
    const { AuthError } = this.library.module
    const reason = target.endsWith('read') || target.endsWith('load') ? 'store_read' : 'store_write'
    throw new AuthError(reason, {
      operation: target,
      cause: Object.assign(new Error(fault.error), { code: fault.error }),
    })
  }

  #storage() {
    const kind = this.given.store ?? 'file'
    if (kind !== 'file') return kind
    const { fileStorage, defaultLock } = this.library.module
    return withFaults(fileStorage({ home: this.home, lock: defaultLock() }), this)
  }

  #host() {
    const replies = this.resolve(this.given.external.replies ?? [])
    return {
      refresh: async () => {
        const reply = replies[Math.min(this.externalCalls++, replies.length - 1)]
        if (reply === undefined || reply.error) throw new Error('the host has no tokens')
        return reply
      },
    }
  }

  async dispose() {
    for (const name of eventNames) unsubscribe(`castellan:auth:${name}`, this.#onDiagnostics)
    this.login?.cancel()
    for (const remote of this.processes.values()) await remote.kill()
    for (const manager of this.managers.values()) await manager[Symbol.asyncDispose]()
    await this.agent.destroy()
    await this.server.stop()
    await this.otherServer.stop()
    rmSync(this.home, { recursive: true, force: true })
    if (this.linkTarget) rmSync(this.linkTarget, { recursive: true, force: true })
  }
}

function withFaults(inner, world) {
  return {
    ...inner,
    async read() {
      world.meet('store.read')
      return inner.read()
    },
    async reserve(bytes) {
      world.meet('store.reserve')
      return inner.reserve(bytes)
    },
    async update(change, reservation) {
      const failing = current => {
        const next = change(current)
        if (next !== undefined) world.meet('store.write')
        return next
      }
      return inner.update(failing, reservation)
    },
    async delete() {
      world.meet('store.delete')
      return inner.delete()
    },
  }
}

function fakeKeyring(world) {
  const { available = false, initial } = world.given.keyring ?? {}
  let value = initial === undefined ? undefined : JSON.stringify(world.resolve(initial))
  const meet = target => {
    if (!available) throw new Error('no keyring')
    world.meet(target)
  }
  return {
    get: async () => {
      meet('keyring.load')
      return value
    },
    set: async (_service, _account, next) => {
      meet('keyring.save')
      value = next
    },
    delete: async () => {
      meet('keyring.delete')
      const existed = value !== undefined
      value = undefined
      return existed
    },
    peek: () => value,
    poke: next => {
      value = next
    },
  }
}
