/**
 * The host's end of the channel that a forked Node.js child speaks: a JSON text per line, both ways (`serialization: 'json'` of
 * child_process). What the child says is not trusted: a line that is no JSON or too long closes the channel, and what Node's own
 * channel would take for an order (`NODE_…`, handles) is passed over.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'

import { OptionError } from '../errors.ts'

/** Characters of one message. */
export const longestMessage = 16 * 1024 * 1024

type Told = (error: Error | null) => void

/** Gives `child` what `child_process.fork` would: `send`, `connected`, `disconnect`, and the events 'message' and 'disconnect'. */
export function attachChannel(child: ChildProcess, socket: Socket): void {
  let text = ''
  let connected = true
  const close = () => {
    if (!connected) return
    connected = false
    socket.destroy()
    process.nextTick(() => child.emit('disconnect'))
  }
  const take = (line: string) => {
    const message = parsed(line)
    if (message === undefined) close()
    else if (!isInternal(message.value)) child.emit('message', message.value, undefined)
  }
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const [first = '', ...more] = chunk.split('\n')
    text += first
    for (const next of more) {
      if (connected) take(text)
      text = next
    }
    if (text.length > longestMessage) close()
  })
  for (const event of ['end', 'error', 'close']) socket.on(event, close)

  const send = (message: unknown, ...rest: unknown[]): boolean => {
    const told = rest.findLast((item): item is Told => typeof item === 'function')
    if (rest.some(item => item !== undefined && item !== null && item !== told && !isPlain(item)))
      throw new OptionError('sendHandle', 'handles do not cross the sandbox')
    const words = JSON.stringify(message)
    if (words === undefined) throw new OptionError('message', 'the message cannot be said in JSON')
    if (connected) return socket.write(`${words}\n`, error => told?.(error ?? null))
    const error = Object.assign(new Error('Channel closed'), { code: 'ERR_IPC_CHANNEL_CLOSED' })
    process.nextTick(() => (told === undefined ? child.emit('error', error) : told(error)))
    return false
  }
  const members = { send, disconnect: close, channel: { ref: () => socket.ref(), unref: () => socket.unref() } }
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(child, name, { value, writable: true, enumerable: true, configurable: true })
  }
  Object.defineProperty(child, 'connected', { get: () => connected, enumerable: true, configurable: true })
}

function parsed(line: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(line) }
  } catch {
    return undefined
  }
}

function isInternal(message: unknown): boolean {
  const { cmd } = (typeof message === 'object' && message !== null ? message : {}) as { cmd?: unknown }
  return typeof cmd === 'string' && cmd.startsWith('NODE_')
}

/** Node's options of `send`, which say nothing here; a handle is an object with a class of its own. */
function isPlain(item: unknown): boolean {
  return typeof item === 'object' && item !== null && Object.getPrototypeOf(item) === Object.prototype
}
