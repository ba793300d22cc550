/** Starts and ends the second processes of the auth cases. Each is ended by its own handle. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./auth-child.mjs', import.meta.url))

export class RemoteProcess {
  #child = fork(script, [], {
    env: { PATH: process.env.PATH },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  #waiting = new Map()
  #next = 0

  constructor() {
    this.#child.on('message', ({ id, result, failure }) => {
      const { resolve, reject } = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (failure === undefined) resolve(result)
      else reject(new Error(failure))
    })
    this.#child.on('exit', () => {
      for (const { resolve } of this.#waiting.values()) resolve({ error: { kind: 'process', reason: 'ended' } })
    })
  }

  ask(task, parameters) {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, task, parameters })
    })
  }

  async kill() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
