/** `sandbox.fork`: a module that is confined from its first instruction, with the channel of child_process.fork. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type Sandbox, type SandboxedProcess, SpawnError } from '../../lib/index.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { kinds, sandboxOf, until } from './support.ts'

const echo = `
process.on('message', message => process.send({ got: message, channel: process.env.NODE_CHANNEL_FD ?? null, extra: process.env.EXTRA }))
process.send({ ready: process.argv.slice(2) })
`
const writer = `
const fs = require('node:fs')
const net = require('node:net')
process.on('message', async ({ file, port }) => {
  let wrote = true
  try { fs.writeFileSync(file, 'x') } catch { wrote = false }
  const connected = await new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.unref()
  })
  process.send({ wrote, connected })
})`
const hostile = `
const fs = require('node:fs')
const fd = Number(process.env.NODE_CHANNEL_FD)
const say = text => fs.writeSync(3, text)
process.on('message', kind => {
  if (kind === 'internal') say('{"cmd":"NODE_HANDLE","type":"net.Socket"}\\n{"cmd":"NODE_CLUSTER"}\\n"after"\\n')
  if (kind === 'broken') say('{ no json\\n"after"\\n')
})
setInterval(() => {}, 1000)`

let world: World
beforeAll(() => {
  world = makeWorld('fork')
  world.make({
    'ws/echo.cjs': echo,
    'ws/writer.cjs': writer,
    'ws/hostile.cjs': hostile,
    'ws/quits.cjs': 'process.exit(7)',
  })
})
afterAll(() => world.remove())

const message = async (child: SandboxedProcess) => (await once(child, 'message'))[0] as unknown
const ended = (child: SandboxedProcess) => once(child, 'close')

describe.each(kinds)('fork: %s', kind => {
  let sandbox: Sandbox
  const module = (name: string) => world.at('ws', `${name}.cjs`)
  beforeAll(async () => {
    sandbox = await sandboxOf(kind, world.at('ws'))
  })

  it('passes messages both ways, and the environment', async () => {
    const child = sandbox.fork(module('echo'), ['a', 'b'], { env: { EXTRA: 'yes' } })
    expect(await message(child)).toEqual({ ready: ['a', 'b'] })
    const told = new Promise(resolve => child.send({ text: 'line\nline', list: [1, null] }, resolve))
    expect(await message(child)).toEqual({ got: { text: 'line\nline', list: [1, null] }, channel: null, extra: 'yes' })
    expect(await told).toBeNull()
    const large = 'x'.repeat(2_000_000)
    child.send(large)
    expect(((await message(child)) as { got: string }).got.length).toBe(large.length)
    expect(child.connected).toBe(true)
    child.disconnect()
    await Promise.all([once(child, 'disconnect'), ended(child)])
    expect({ connected: child.connected, exitCode: child.exitCode }).toEqual({ connected: false, exitCode: 0 })
    const error = await new Promise(resolve => child.send('late', resolve))
    expect(error).toMatchObject({ code: 'ERR_IPC_CHANNEL_CLOSED' })
  })

  it('confines the module from its first instruction', async () => {
    const outside = world.at(`outside-${kind}`)
    const server = createServer(socket => socket.destroy())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const child = sandbox.fork(module('writer'), [], { silent: true })
    child.send({ file: outside, port })
    const open = kind === 'unconfined'
    expect(await message(child)).toEqual({ wrote: open, connected: open })
    expect(existsSync(outside)).toBe(open)
    child.terminate('SIGKILL')
    await ended(child)
    server.close()
  })

  it('takes nothing that a child says for an order, and closes the channel of one that makes no sense', async () => {
    const child = sandbox.fork(module('hostile'))
    const heard: unknown[] = []
    child.on('message', item => heard.push(item))
    child.send('internal')
    await until('the word after it', () => heard.length > 0)
    child.send('broken')
    await once(child, 'disconnect')
    expect(heard).toEqual(['after'])
    child.terminate('SIGKILL')
    await ended(child)
  })

  it('tells the end of the module, and ends it with the sandbox', async () => {
    const quits = sandbox.fork(module('quits'))
    expect(await once(quits, 'exit')).toEqual([7, null])
    const own = await sandboxOf(kind, world.at('ws'))
    const child = own.fork(module('echo'))
    await message(child)
    own[Symbol.dispose]()
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    expect(child.connected).toBe(false)
  })

  it('refuses handles, and what cannot be said', async () => {
    const child = sandbox.fork(module('echo'))
    const server = createServer()
    expect(() => child.send('x', server)).toThrow(/handles do not cross/)
    expect(() => child.send(undefined as never)).toThrow(/JSON/)
    expect(() => sandbox.fork(module('echo'), [], { env: { NODE_CHANNEL_FD: '9' } }).terminate('SIGKILL')).not.toThrow()
    child.terminate('SIGKILL')
    await ended(child)
    const missing = sandbox.fork(module('echo'), [], { execPath: '/nowhere/node' })
    expect((await once(missing, 'error'))[0]).toBeInstanceOf(SpawnError)
  })
})
