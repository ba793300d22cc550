/** Managed proxy mode of `codex-linux-sandbox`: the proxies of the environment are reached, and nothing else is. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { comesTo, ensureBuilt, marker, type Place, printed, repository, temporaryPlace } from './castellan.ts'

const helper = path.join(repository, 'dist/bundle/codex-linux-sandbox.js')
const policies = { workspace: '{"type":"workspace-write"}', open: '{"type":"danger-full-access"}' }

let place: Place
let workspace: string
/** Holds `node` and a shell's programs, and no bwrap. */
let bareFolder: string
let proxy: Server
let origin: Server
const requests: string[] = []

/** Answers CONNECT by connecting, as a real proxy does. */
function serveProxy(inside: Socket): void {
  inside.on('error', () => inside.destroy())
  inside.once('data', (first: Buffer) => {
    const [, host, port] = /^CONNECT ([\d.]+):(\d+) /.exec(first.toString()) ?? []
    requests.push(`${host}:${port}`)
    const outside = connect(Number(port), host!, () => {
      inside.write('HTTP/1.1 200 OK\r\n\r\n')
      inside.pipe(outside)
      outside.pipe(inside)
    })
    outside.on('error', () => inside.destroy())
  })
}

const listening = (server: Server) =>
  new Promise<Server>(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
const portOf = (server: Server) => (server.address() as AddressInfo).port

beforeAll(async () => {
  ensureBuilt()
  place = temporaryPlace()
  workspace = path.join(place.path, 'workspace')
  bareFolder = path.join(place.path, 'bin')
  mkdirSync(workspace)
  mkdirSync(bareFolder)
  for (const name of ['sh', 'sleep']) symlinkSync(`/bin/${name}`, path.join(bareFolder, name))
  symlinkSync(process.execPath, path.join(bareFolder, 'node'))
  proxy = await listening(createServer(serveProxy))
  origin = await listening(createServer(socket => socket.on('data', text => socket.end(`answer to ${text}`))))
})
afterAll(() => {
  proxy.close()
  origin.close()
  place.remove()
})
beforeEach(() => {
  requests.length = 0
})

interface Answer {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(
  options: readonly string[],
  command: readonly string[],
  env: Record<string, string>,
  policy = policies.workspace,
) {
  const words = ['--sandbox-policy-cwd', workspace, '--sandbox-policy', policy, '--allow-network-for-proxy', ...options]
  return spawn(process.execPath, [helper, ...words, '--', ...command], {
    cwd: workspace,
    env: { PATH: process.env['PATH']!, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function run(...given: Parameters<typeof start>): Promise<Answer> {
  const child = start(...given)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => (stdout += chunk))
  child.stderr.on('data', chunk => (stderr += chunk))
  return new Promise(resolve => child.once('close', code => resolve({ code, stdout, stderr })))
}

/** Prints one line per attempt. `through`: the proxy that HTTPS_PROXY names. */
const attempts = `
const net = require('node:net')
const tell = (name, port, host) => new Promise(resolve => {
  const socket = typeof port === 'string' ? net.connect(port) : net.connect(port, host)
  socket.on('connect', () => { console.log(name, 'connected'); socket.destroy(); resolve() })
  socket.on('error', error => { console.log(name, error.code); resolve() })
})
const through = target => new Promise(resolve => {
  const { hostname, port } = new URL(process.env.HTTPS_PROXY)
  let text = ''
  const socket = net.connect(Number(port), hostname, () => socket.write('CONNECT ' + target + ' HTTP/1.1\\r\\n\\r\\n'))
  socket.on('data', chunk => {
    text += chunk
    if (text.endsWith('OK\\r\\n\\r\\n')) socket.write('question')
  })
  socket.on('error', error => console.log('through', error.code))
  socket.on('close', () => { console.log('through', JSON.stringify(text.split('\\r\\n').at(-1))); resolve() })
})
const [origin, proxy, unix] = process.argv.slice(1)
await through('127.0.0.1:' + origin)
await tell('origin', Number(origin), '127.0.0.1')
await tell('proxy', Number(proxy), '127.0.0.1')
await tell('loopback', 1, '127.0.0.1')
await tell('loopback6', 1, '::1')
await tell('elsewhere', 80, '192.0.2.1')
await tell('unix', unix)
const child = require('node:child_process').spawnSync('sh', ['-c', 'echo children work'])
console.log(child.stdout.toString().trim())
`

describe.each<[string, string[], Record<string, string>, string]>([
  ['as machines have it', [], {}, policies.workspace],
  ['without bubblewrap', [], { PATH: 'bare' }, policies.workspace],
  ['without bubblewrap and PID namespace', ['--inherit-pid-namespace'], { PATH: 'bare' }, policies.workspace],
  ['with bubblewrap, without PID namespace', ['--inherit-pid-namespace'], {}, policies.workspace],
  ['with an open disk', [], {}, policies.open],
])('%s', (_, options, given, policy) => {
  it('reaches the proxy and nothing else', async () => {
    const port = portOf(proxy)
    const unix = path.join(workspace, 'socket')
    const local = await new Promise<Server>(resolve => {
      const server: Server = createServer(socket => socket.end()).listen(unix, () => resolve(server))
    })
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}`, ...(given['PATH'] ? { PATH: bareFolder } : {}) }
    const script = [
      'node',
      '--input-type=module',
      '-e',
      `import { createRequire } from 'node:module'; const require = createRequire('/'); ${attempts}`,
    ]
    const { code, stdout, stderr } = await run(
      options,
      [...script, String(portOf(origin)), String(port), unix],
      env,
      policy,
    )
    local.close()
    expect({ code, stderr, lines: stdout.trim().split('\n') }).toEqual({
      code: 0,
      stderr: '',
      lines: [
        'through "answer to question"',
        'origin ECONNREFUSED',
        'proxy ECONNREFUSED',
        'loopback ECONNREFUSED',
        'loopback6 ECONNREFUSED',
        'elsewhere ENETUNREACH',
        'unix EPERM',
        'children work',
      ],
    })
    expect(requests).toEqual([`127.0.0.1:${portOf(origin)}`])
  })
})

describe('the environment', () => {
  it('names the way out, and is otherwise as it was', async () => {
    const env = { HTTP_PROXY: `http://user:word@localhost:${portOf(proxy)}/`, FTP_PROXY: 'http://far:1', OTHER: 'x' }
    const { stdout } = await run([], ['env'], env)
    const found = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map(line => line.split(/=(.*)/s).slice(0, 2)),
    )
    expect(found).toEqual({
      PATH: process.env['PATH'],
      ...env,
      HTTP_PROXY: expect.stringMatching(/^http:\/\/user:word@127\.0\.0\.1:\d+\/$/),
    })
    expect(found['HTTP_PROXY']).not.toContain(String(portOf(proxy)))
  })

  it.each<[Record<string, string>, string]>([
    [{}, 'needs proxy environment variables'],
    [{ HTTP_PROXY: 'http://secret@far.example:1' }, 'needs parseable loopback endpoints'],
  ])('%j: refused', async (env, message) => {
    const { code, stdout, stderr } = await run([], ['echo', 'ran'], env)
    expect({ code, stdout }).toEqual({ code: 101, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('secret')
  })
})

describe('the end', () => {
  const env = () => ({ HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` })

  it('is the command’s own, and does not wait for connections', async () => {
    const script = `const { port } = new URL(process.env.HTTPS_PROXY); require('net').connect(port, '127.0.0.1', () => process.exit(9))`
    expect(await run([], ['node', '-e', script], env())).toMatchObject({ code: 9 })
    expect(await run([], ['sh', '-c', 'kill -TERM $$'], env())).toMatchObject({ code: 143 })
    expect(await run([], ['castellan-no-such-program'], env())).toMatchObject({ code: 101 })
  })

  it('leaves nothing behind when the helper is killed', async () => {
    const seconds = marker()
    const child = start([], ['sh', '-c', `sleep ${seconds} & echo ready; wait`], env())
    await printed(child, /ready/)
    expect(await comesTo(1, seconds)).toBe(true)
    child.kill('SIGKILL')
    expect(await comesTo(0, seconds)).toBe(true)
    expect(readdirSync(workspace).filter(name => name !== 'socket' && !name.startsWith('.'))).toEqual([])
  })
})

it('does not take the routes of another program', async () => {
  const routes = ['--apply-seccomp-then-exec', '--proxy-route-spec', '{"routes":[]}']
  expect(await run(routes, ['echo', 'ran'], {})).toMatchObject({ code: 101, stdout: '' })
})
