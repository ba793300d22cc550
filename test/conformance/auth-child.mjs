/** A second process of the auth cases: a manager, or the holder of a lock, told what to do over IPC. */
import { setTimeout as sleep } from 'node:timers/promises'
import { call } from './auth-calls.mjs'

let library
let manager

const tasks = {
  async open({ url, options, issuer, clock }) {
    library = await import(url)
    const now = () => Date.now() + clock.aheadMs
    // Codex's server, at another address: what its tokens say about their issuer stays right.
    const provider = { ...library.codexProvider({ issuer }), issuer: library.codexProvider().issuer }
    manager = await library.AuthManager.open({ ...options, now, provider })
  },
  async call({ step }) {
    return call(manager, step)
  },
  async hold({ url, home, ms }) {
    library = await import(url)
    const storage = library.fileStorage({ home, lock: library.defaultLock() })
    const held = await storage.lockRefresh({ timeoutMs: 5_000 })
    sleep(ms).then(() => held.release())
  },
}

process.on('message', async ({ id, task, parameters }) => {
  try {
    process.send({ id, result: (await tasks[task](parameters)) ?? null })
  } catch (error) {
    process.send({ id, failure: String(error?.stack ?? error) })
  }
})
process.on('disconnect', () => process.exit(0))
