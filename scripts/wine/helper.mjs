/** Speaks with the helper program as the library does. Runs under Wine, as part of `npm run wine`. */
import { spawn } from 'node:child_process'

const library = new URL(process.env.CASTELLAN_LIBRARY)
const load = name => import(new URL(name, library))
const { encodeFrame, FrameDecoder } = await load('plan/windows/frame.js')
/** A message as bytes. */
export const frameOf = message => Buffer.from(encodeFrame(message))
const { makeTokenPlan } = await load('plan/windows/token.js')
export const { commandLine } = await load('plan/windows/command-line.js')

/** The helper as it is shipped, and the test build of it. */
export const helpers = { shipped: process.env.CASTELLAN_HELPER, faults: process.env.CASTELLAN_FAULT_HELPER }
const capability = 'S-1-5-21-1001-2002-3003-4004'

export const tokenOf = backend => makeTokenPlan({ capabilities: ['workspace'], backend, writes: true, everyone: false })

/** A request to run this very Node.js with these arguments. `change` overrides members. */
export function requestOf(args, change = {}) {
  return {
    type: 'spawn_request',
    version: 1,
    program: process.execPath,
    command_line: commandLine(process.execPath, args),
    cwd: 'C:\\',
    environment: { SystemRoot: 'C:\\windows', PATH: 'C:\\windows\\system32' },
    token: tokenOf('unelevated'),
    sids: { workspace: capability },
    ...change,
  }
}

/** Starts a helper. `extra`: more descriptors for the command. The request may be an object, or bytes as they are. */
export function start(helper, request, { mode = 'run', env = {}, extra = [], keepOpen = false } = {}) {
  const own = 3 + extra.length
  const child = spawn(helper, [mode, '--request', String(own), '--status', String(own + 1)], {
    stdio: ['pipe', 'pipe', 'pipe', ...extra, 'pipe', 'pipe'],
    env: { SystemRoot: process.env.SystemRoot, ...env },
    windowsHide: true,
  })
  const decoder = new FrameDecoder()
  const frames = []
  const waiting = []
  const output = { stdout: '', stderr: '' }
  child.stdin.on('error', () => {})
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', text => (output[name] += text))
  child.stdio[own].on('error', () => {})
  child.stdio[own + 1].on('error', () => {})
  child.stdio[own + 1].on('data', bytes => {
    for (const { message, flaw } of decoder.push(bytes)) frames.push(message ?? { type: 'flaw', flaw })
    for (const tell of waiting.splice(0)) tell()
  })
  const bytes = request instanceof Uint8Array ? request : encodeFrame(request)
  if (keepOpen) child.stdio[own].write(bytes)
  else child.stdio[own].end(bytes)
  const ended = new Promise(resolve => child.on('close', code => resolve({ code, frames, ...output })))
  return {
    child,
    request: child.stdio[own],
    frames,
    ended,
    send: message => child.stdio[own].write(encodeFrame(message)),
    /** Once a frame of this type came, or the helper ended. */
    async frame(type) {
      const found = () => frames.find(frame => frame.type === type)
      while (found() === undefined && child.exitCode === null && child.signalCode === null) {
        await Promise.race([new Promise(resolve => waiting.push(resolve)), ended])
      }
      return found()
    },
  }
}

export const run = (helper, request, options) => start(helper, request, options).ended
