/** The steps of the auth cases. Each answers what it saw; the runner compares. */
import { chmodSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isDeepStrictEqual } from 'node:util'
import { request } from 'undici'
import { call, isManagerCall } from './auth-calls.mjs'

export class Unsupported extends Error {}

/** Steps whose runner needs something that is not there; the reason, or nothing. */
export function unsupported(given, library) {
  const second = given.steps.some(({ op, process }) => (op === 'spawn' && process) || op === 'lock.hold')
  if (second && library.url === undefined) return 'needs a second process'
  if (given.needs?.includes('login') && library.module.AuthManager.prototype.startBrowserLogin === undefined) {
    return 'needs interactive logins'
  }
  return undefined
}

export async function perform(world, step) {
  if (isManagerCall(step.op)) return performCall(world, step)
  const handler = steps[step.op]
  if (handler === undefined) throw new Unsupported(`unknown step ${step.op}`)
  return handler(world, step)
}

function performCall(world, step, signal) {
  const id = step.on ?? 'A'
  const remote = world.processes.get(id)
  const resolved = world.resolve(step)
  if (remote !== undefined) return remote.ask('call', { step: resolved })
  return call(world.managers.get(id), resolved, signal)
}

async function caught(work) {
  try {
    return await work()
  } catch (error) {
    const known = [error, error?.cause].find(one => one?.kind !== undefined && one.reason !== undefined)
    if (known === undefined) throw error
    return { error: { kind: known.kind, reason: known.reason } }
  }
}

function distinct(results) {
  const seen = []
  for (const result of results) if (!seen.some(one => isDeepStrictEqual(one, result))) seen.push(result)
  return { distinct: seen }
}

function describe(recovery) {
  const { mode, step, hasNext, unavailableReason } = recovery
  return { mode, step, hasNext, unavailableReason }
}

const steps = {
  'recovery.start'(world, { id, on = 'A' }) {
    const recovery = world.managers.get(on).unauthorizedRecovery()
    world.recoveries.set(id, recovery)
    return describe(recovery)
  },
  'recovery.info': (world, { id }) => describe(world.recoveries.get(id)),
  'recovery.next': (world, { id }) => caught(() => world.recoveries.get(id).next()),

  'store.write': (world, { authJson }) => world.write(authJson),
  'store.writeLater'(world, { afterMs, authJson }) {
    setTimeout(() => world.write(authJson), afterMs)
  },
  'store.delete': world => rmSync(world.path),
  'store.symlink'(world) {
    world.linkTarget = mkdtempSync(join(tmpdir(), 'castellan-auth-target-'))
    renameSync(world.path, join(world.linkTarget, 'real.json'))
    symlinkSync(join(world.linkTarget, 'real.json'), world.path)
  },
  'store.chmod': (world, { mode }) => chmodSync(world.path, Number.parseInt(mode, 8)),
  'store.stat'(world) {
    const own = lstatSync(world.path, { throwIfNoEntry: false })
    if (own === undefined) return { exists: false }
    const symlink = own.isSymbolicLink()
    const stats = symlink ? lstatSync(join(world.linkTarget, 'real.json')) : own
    const folders = [world.home, ...(world.linkTarget ? [world.linkTarget] : [])]
    const strayTempFiles = folders
      .flatMap(folder => readdirSync(folder))
      .filter(name => name.startsWith('.auth-')).length
    return { exists: true, symlink, mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'), strayTempFiles }
  },
  'store.json': world => JSON.parse(world.text()),
  'keyring.get'(world) {
    const value = world.keyring.peek()
    return { present: value !== undefined, value: value === undefined ? null : JSON.parse(value) }
  },
  'keyring.set': (world, { value }) => world.keyring.poke(JSON.stringify(world.resolve(value))),
  'fault.set': (world, { target, error, times }) => void world.faults.set(target, { error, times }),
  'fault.clear': world => world.faults.clear(),

  'clock.advance': (world, { seconds }) => world.advance(seconds),
  sleep: (_world, { ms }) => sleep(ms),
  async waitTokenRequests(world, { count }) {
    for (let waited = 0; world.server.log.refreshes.length < count; waited += 5) {
      if (waited > 10_000) throw new Error('the token endpoint was not asked in time')
      await sleep(5)
    }
  },
  spawn: (world, step) => world.spawn(step.id, step),
  kill: (world, { id }) => world.processes.get(id).kill(),
  start: (world, { id, call: inner }) => void world.background.set(id, perform(world, inner)),
  await: (world, { id }) => world.background.get(id),
  async parallel(world, { calls, count, call: inner }) {
    const wanted = calls ?? Array.from({ length: count }, () => inner)
    const results = await Promise.all(wanted.map(one => perform(world, one)))
    return calls ? { results } : distinct(results)
  },
  async repeat(world, { count, call: inner }) {
    const results = []
    for (let done = 0; done < count; done++) results.push(await perform(world, inner))
    return distinct(results)
  },
  abort: (world, { afterMs, call: inner }) => performCall(world, inner, AbortSignal.timeout(afterMs)),
  'lock.hold': (world, { ms }) => world.holdLock(ms),

  async api(world, { path, body, stream, origin, on = 'A' }) {
    const dispatcher = world.managers.get(on).dispatcher(world.agent)
    const base = origin === 'other' ? world.otherServer.url : world.server.url
    const sent = body === undefined ? {} : { body: stream ? Readable.from([body]) : body, method: 'POST' }
    return caught(async () => {
      const response = await request(`${base}/api${path}`, { ...sent, dispatcher })
      return { status: response.statusCode, ...(await response.body.json()) }
    })
  },

  inspect(world, { on = 'A' }) {
    const manager = world.managers.get(on)
    const failure = manager.refreshFailure()
    const poisoned = failure?.kind === 'permanent' ? failure.reason : null
    return { poisoned, mode: manager.snapshot()?.mode ?? null, events: world.events.map(({ type }) => type) }
  },
  async leakCheck(world, { secrets }) {
    const manager = world.managers.get('A')
    const errors = [
      await manager.refreshToken().catch(error => error),
      await manager.accessToken().catch(error => error),
    ]
    const shown = [manager, manager.snapshot(), manager.refreshFailure(), ...errors, world.events, world.diagnostics]
    const texts = shown.flatMap(one => [
      inspect(one, { depth: Infinity, showHidden: true }),
      JSON.stringify(one),
      String(one),
      String(one?.stack),
      inspect(one?.cause, { depth: Infinity }),
      inspect(cloned(one), { depth: Infinity, showHidden: true }),
    ])
    return { leaked: secrets.filter(secret => texts.some(text => text?.includes(secret))) }
  },
  async 'login.start'(world, { kind, on = 'A' }) {
    const manager = world.managers.get(on)
    const login = await (kind === 'browser' ? manager.startBrowserLogin() : manager.startDeviceLogin())
    world.login = login
    if (kind === 'device') {
      return { userCode: login.userCode, verificationPath: new URL(login.verificationUrl).pathname }
    }
    const query = Object.fromEntries(new URL(login.authUrl).searchParams)
    world.loginState = query.state
    return { port: login.port, query }
  },
  async 'login.get'(world, { path }) {
    const url = `http://127.0.0.1:${world.login.port}${path.replace('{state}', world.loginState)}`
    const response = await fetch(url, { redirect: 'manual', headers: { connection: 'close' } })
    const location = response.headers.get('location')
    return {
      status: response.status,
      body: await response.text(),
      contentType: response.headers.get('content-type'),
      locationPath: location === null ? null : new URL(location, url).pathname,
    }
  },
  'login.cancel': world => ({ status: world.login.cancel() }),
  async 'login.result'(world) {
    const { success, reason } = await world.login.result
    return { success, reason: reason ?? null }
  },
  storeKey: (world, { home }) => ({ key: world.library.module.keyringAccount(home) }),
  resolveHome: (world, { env }) => caught(async () => ({ home: world.library.module.resolveHome(env) })),
}

function cloned(value) {
  try {
    return structuredClone(value)
  } catch {
    return undefined
  }
}
