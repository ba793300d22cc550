/**
 * The way out of a command in proxy mode: sockets that listen in the command's own network, served from here. What comes in
 * goes to the proxy that the port stands for, and nowhere else.
 *
 *   command ─▶ 127.0.0.1:port of its own network ═ this process ═▶ the proxy on the host's loopback
 *
 * Nothing lies on the disk and no further process is started: with this process the sockets are gone.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

import { LaunchError } from '../errors.ts'
import { type LinuxBinding, loadLinuxBinding } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import type { SandboxedProcess } from '../process/sandboxed-process.ts'
import type { ProxyEndpoint } from './proxy-routes.ts'

/** Milliseconds that making the sandbox may take. */
const patience = 60_000

/**
 * Starts a command whose plan has these ports, in this order, and serves them until it has ended. `start` gets the
 * descriptor that must be the last of the command's. When the listening sockets do not come, the command is ended.
 */
export function startBridged(
  endpoints: ReadonlyMap<number, ProxyEndpoint>,
  start: (handover: number) => SandboxedProcess,
): SandboxedProcess {
  const binding = loadLinuxBinding()
  const pair = binding.makeHandover()
  if (typeof pair === 'number') throw listenError(pair)
  const [own, other] = pair
  let child: SandboxedProcess
  try {
    child = start(other)
  } catch (error) {
    binding.closeFile(own)
    throw error
  } finally {
    binding.closeFile(other)
  }
  const taken = takeListeners(binding, own, endpoints.size)
  if (typeof taken === 'number') {
    // Where the other side has gone, the launch itself tells why.
    if (errnoName(taken) !== 'ECONNRESET') child.terminate('SIGKILL', 0)
    return child
  }
  const bridge = new Bridge(taken, [...endpoints.values()])
  child.once('exit', () => bridge.close())
  child.once('error', () => bridge.close())
  return child
}

function takeListeners(binding: LinuxBinding, own: number, count: number): readonly number[] | number {
  try {
    return binding.takeDescriptors(own, count, patience)
  } finally {
    binding.closeFile(own)
  }
}

function listenError(errno: number): LaunchError {
  const name = errnoName(errno)
  return new LaunchError(`cannot make a pair of sockets: ${name}`, { stage: 'listen', errnoName: name, errno })
}

class Bridge {
  readonly #servers: readonly Server[]
  readonly #sockets = new Set<Socket>()

  constructor(listeners: readonly number[], endpoints: readonly ProxyEndpoint[]) {
    this.#servers = listeners.map((fd, index) => this.#serve(fd, endpoints[index]!))
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(fd: number, endpoint: ProxyEndpoint): Server {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, inside => {
      const outside = connect({ ...endpoint, allowHalfOpen: true, noDelay: true })
      this.#join(inside, outside)
      this.#join(outside, inside)
    })
    server.on('error', () => server.close())
    return server.listen({ fd })
  }

  /** Copies one way; an end is passed on as an end, a failure ends both. */
  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', failed => {
      this.#sockets.delete(from)
      if (failed) to.destroy()
    })
  }
}
