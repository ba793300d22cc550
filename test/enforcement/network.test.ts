/**
 * The network: closed means closed for every family and every way to send; enabled means that all of them work.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox } from '../../lib/index.ts'
import { allEngines, eachEngine, sandboxWith } from './support/engines.ts'
import { workspaceWrite } from './support/policies.ts'
import { check, compileProbe, compilerMissing, type Expectation, type Rows } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

const listening = (server: Server, where: object | string) =>
  new Promise<boolean>(resolve => {
    server.once('error', () => resolve(false))
    server.listen(where as object, () => resolve(true))
  })

describe.skipIf(compilerMissing !== null)(`network${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  let udp: Socket
  let ipv6 = false
  const abstract = `@castellan-probe-${process.pid}`
  const accepted: string[] = []
  const server = (name: string) =>
    createServer(socket => {
      accepted.push(name)
      socket.on('error', () => {})
      socket.end()
    })
  const tcp4 = server('tcp4')
  const tcp6 = server('tcp6')
  const unixPath = server('unix')
  let unixAbstract: ChildProcess
  const portOf = (from: Server) => (from.address() as { port: number } | null)?.port ?? 1

  beforeAll(async () => {
    world = makeWorld('network')
    world.make({ 'ws/file': 'text', out: null })
    probe = compileProbe(world.base)
    await listening(tcp4, { port: 0, host: '127.0.0.1' })
    ipv6 = await listening(tcp6, { port: 0, host: '::1' })
    await listening(unixPath, world.at('out/socket'))
    // libuv cannot name abstract sockets exactly, so the probe listens on one until its input ends.
    unixAbstract = spawn(probe, [`listen-unix|${abstract}`], { stdio: ['pipe', 'pipe', 'ignore'] })
    await new Promise(resolve => unixAbstract.stdout?.once('data', resolve))
    udp = createSocket('udp4')
    await new Promise<void>(resolve => {
      udp.on('message', message => accepted.push(`udp4 ${message}`))
      udp.bind(0, '127.0.0.1', () => resolve())
    })
  })
  afterAll(() => {
    for (const open of [tcp4, tcp6, unixPath]) open.close()
    udp.close()
    unixAbstract.stdin?.end()
    world.remove()
  })

  /** Everything that reaches, or would reach, something outside. */
  const reaching = (expected: Expectation): Rows => [
    [`tcp4|${portOf(tcp4)}`, expected],
    [`tcp4-high-bits|${portOf(tcp4)}`, expected],
    ...(ipv6 ? ([[`tcp6|${portOf(tcp6)}`, expected]] as const) : []),
    [`udp4|${udp.address().port}`, expected],
    ['listen4', expected],
    [`unix-stream|${world.at('out/socket')}`, expected],
    [`unix-stream|${abstract}`, expected],
    ['netlink|0', expected],
  ]

  eachEngine(allEngines, 'sockets', engine => {
    const make = (networkAccess: boolean): Promise<Sandbox> =>
      sandboxWith(engine, workspaceWrite([], networkAccess), world.at('ws'))

    it('reaches nothing when the network is restricted', async () => {
      accepted.length = 0
      await check(await make(false), probe, [
        ...reaching('deny'),
        ['netlink|9', 'deny'],
        ['netlink|15', 'deny'],
        ['packet', 'deny'],
        ['vsock', /^(EPERM|EAFNOSUPPORT)$/],
        ['raw4', 'deny'],
        ['unix-raw', 'deny'],
        [`unix-datagram|${world.at('out/socket')}`, 'deny'],
        [`unix-datagram-message|${world.at('out/socket')}`, 'deny'],
        ['unix-datagram-message|/dev/log', 'deny'],
        [`bind-unix|${world.at('ws/own')}`, 'deny'],
        ['stream-pair', 'allow'],
      ])
      expect(accepted).toEqual([])
    })

    it('says so to the command, and only then', async () => {
      const script = 'printenv CODEX_SANDBOX_NETWORK_DISABLED || echo unset'
      expect((await (await make(false)).run('sh', ['-c', script])).stdout).toBe('1\n')
      expect((await (await make(true)).run('sh', ['-c', script])).stdout).toBe('unset\n')
    })

    it('reaches everything of the network when it is enabled', async () => {
      accepted.length = 0
      await check(await make(true), probe, [
        ...reaching('allow'),
        ['netlink|9', 'deny'],
        ['packet', 'deny'],
        ['raw4', 'deny'],
        ['unix-datagram|/nowhere', /^ENOENT$/],
        [`bind-unix|${world.at('ws/own')}`, 'allow'],
        [`unlink|${world.at('ws/own')}`, 'allow'],
        [`bind-unix|${world.at('out/own')}`, 'deny'],
        ['stream-pair', 'allow'],
        ['io-uring', 'deny'],
      ])
      await new Promise(resolve => setTimeout(resolve, 50))
      expect(accepted).toEqual(expect.arrayContaining(['tcp4', 'udp4 x', 'unix']))
    })
  })
})
