/**
 * The ChildProcess contract: the same script runs with Node's own spawn and with every sandbox, and what is seen of it must
 * be the same: events with their order and arguments, members, errors, streams.
 */
import { ChildProcess } from 'node:child_process'
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox } from '../../lib/index.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { kinds, missingKinds, nodeSpawn, type SpawnLike, sandboxOf } from './support.ts'

type Scenario = (spawn: SpawnLike, world: World) => Promise<unknown>

const isError = (value: unknown): value is Error & Record<string, unknown> => value instanceof Error

function plain(value: unknown): unknown {
  if (!isError(value)) return value
  const { name, code, errno, syscall, path, spawnargs } = value
  return name === 'AbortError' ? { name, code } : { code, errno, syscall, path, spawnargs }
}

/** Every event of the child until 'close', with the state of its members at that moment. */
function record(child: ChildProcess): Promise<unknown[]> {
  const seen: unknown[] = []
  return new Promise(resolve => {
    for (const name of ['spawn', 'error', 'exit', 'close', 'disconnect']) {
      child.on(name, (...args: unknown[]) => {
        const { exitCode, signalCode, killed } = child
        seen.push([name, ...args.map(plain), { exitCode, signalCode, killed, pid: typeof child.pid }])
        if (name === 'close') resolve(seen)
      })
    }
  })
}

async function collect(stream: NodeJS.ReadableStream | null | undefined): Promise<string> {
  if (stream == null) return 'no stream'
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

const sh = (spawn: SpawnLike, script: string, options?: Record<string, unknown>) =>
  spawn('/bin/sh', ['-c', script], options)

const scenarios: Readonly<Record<string, Scenario>> = {
  'a command that succeeds': async spawn => record(sh(spawn, 'exit 0')),
  'a command that fails': async spawn => record(sh(spawn, 'exit 3')),
  'a command that ends by a signal': async spawn => record(sh(spawn, 'kill -9 $$')),
  'a command that ends by SIGTERM sent to itself': async spawn => record(sh(spawn, 'kill -TERM $$')),
  'exit code 128 and more': async spawn => record(sh(spawn, 'exit 143')),
  'a program that does not exist': async spawn => record(spawn('castellan-no-such-program', ['a', 'b'])),
  'a path that does not exist': async spawn => record(spawn('/no/such/program', [])),
  'a file that cannot be executed': async (spawn, world) => record(spawn(world.at('plain-file'), ['x'])),
  'a directory instead of a program': async (spawn, world) => record(spawn(world.at('ws'), [])),
  'a working directory that does not exist': async (spawn, world) =>
    record(spawn('/bin/true', [], { cwd: world.at('absent') })),
  'streams of a command that could not be started': async spawn => {
    const child = spawn('castellan-no-such-program', [])
    const shape = [child.stdin, child.stdout, child.stderr].map(stream => stream?.constructor.name ?? String(stream))
    const done = record(child)
    const output = await Promise.all([collect(child.stdout), collect(child.stderr)])
    await done
    return { shape, output, stdio: child.stdio.length, pid: child.pid, exitCode: child.exitCode }
  },
  'writing to a command that could not be started': async spawn => {
    const child = spawn('castellan-no-such-program', [])
    child.stdin?.on('error', () => {})
    child.stdin?.end('text')
    return (await record(child)).map(event => (event as unknown[])[0])
  },
  output: async spawn => {
    const child = sh(spawn, 'echo out; echo err >&2')
    const done = record(child)
    return [await Promise.all([collect(child.stdout), collect(child.stderr)]), await done]
  },
  'output that nobody reads': async spawn => record(sh(spawn, 'echo out; echo err >&2')),
  'output that stays open after the command': async spawn => {
    const child = sh(spawn, 'echo one; (sleep 0.2) & exit 5')
    const done = record(child)
    return [await collect(child.stdout), ((await done).at(-1) as unknown[]).slice(0, 3)]
  },
  'input that is echoed': async spawn => {
    const child = spawn('/bin/cat', [])
    const done = record(child)
    child.stdin?.write('one ')
    child.stdin?.end('two')
    return [await collect(child.stdout), await done]
  },
  'input that the command does not read': async spawn => {
    const child = sh(spawn, 'exec <&-; exit 0')
    const done = record(child)
    const failed = new Promise(resolve =>
      child.stdin?.once('error', error => resolve((error as NodeJS.ErrnoException).code)),
    )
    await new Promise(resolve => child.once('exit', resolve))
    const closed = new Promise(resolve => child.stdin?.once('close', () => resolve('closed')))
    child.stdin?.write('x'.repeat(1 << 20))
    const outcome = await Promise.race([failed, closed])
    await done
    return ['EPIPE', 'closed', 'ERR_STREAM_DESTROYED'].includes(String(outcome))
  },
  'all streams ignored': async spawn => {
    const child = sh(spawn, 'echo out; cat; exit 4', { stdio: 'ignore' })
    return [child.stdin, child.stdout, child.stderr, child.stdio, await record(child)]
  },
  'some streams ignored': async spawn => {
    const child = sh(spawn, 'echo out; echo err >&2', { stdio: ['ignore', 'pipe', 'ignore'] })
    const done = record(child)
    return [
      child.stdin,
      child.stderr,
      await collect(child.stdout),
      child.stdio.map(stream => stream !== null),
      await done,
    ]
  },
  'streams on files': async (spawn, world) => {
    const file = openSync(world.at('ws/output'), 'w+')
    const input = openSync(world.at('plain-file'), 'r')
    const child = sh(spawn, 'cat; echo err >&2', { stdio: [input, file, file] })
    closeSync(input)
    closeSync(file)
    const events = await record(child)
    return [child.stdin, child.stdout, readFileSync(world.at('ws/output'), 'utf8'), events]
  },
  'further descriptors': async spawn => {
    const child = sh(spawn, 'echo three >&3; cat <&4 >&5', {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    })
    const done = record(child)
    const stdio = child.stdio as readonly unknown[] as readonly Duplex[]
    stdio[4]!.end('four')
    const read = await Promise.all([collect(stdio[3]), collect(stdio[5])])
    return [read, child.stdio.length, await done]
  },
  'members before and after': async spawn => {
    const child = sh(spawn, 'exit 2')
    const of = ({ exitCode, signalCode, killed, connected, spawnfile, spawnargs, channel }: ChildProcess) => ({
      exitCode,
      signalCode,
      killed,
      connected,
      spawnfile,
      spawnargs,
      channel: channel ?? null,
    })
    const before = of(child)
    const same = [child.stdio[0] === child.stdin, child.stdio[1] === child.stdout, child.stdio[2] === child.stderr]
    const kind = [child instanceof ChildProcess, typeof child.pid, child.stdio.length]
    await record(child)
    return [before, same, kind, of(child)]
  },
  'the name the command sees as its own': async spawn => {
    const child = spawn('/bin/sh', ['-c', 'cat /proc/$$/cmdline | tr "\\0" " "'], { argv0: 'other-name' })
    return [await collect(child.stdout), child.spawnargs, child.spawnfile]
  },
  'killing a command': async spawn => {
    const child = spawn('/bin/sleep', ['100'])
    const done = record(child)
    await new Promise(resolve => child.once('spawn', resolve))
    const results = [child.kill(0), child.killed, child.kill('SIGTERM'), child.killed]
    const events = await done
    return [results, events, child.kill(), child.kill(0), child.killed]
  },
  'killing a command at once': async spawn => {
    const child = spawn('/bin/sleep', ['100'])
    const killed = child.kill('SIGKILL')
    return [killed, await record(child)]
  },
  'killing by number, and a signal that is handled': async spawn => {
    const child = sh(spawn, 'trap "exit 7" USR1; echo ready; while :; do sleep 0.02; done')
    const done = record(child)
    await new Promise(resolve => child.stdout?.once('data', resolve))
    const result = child.kill(10)
    return [result, await done]
  },
  'killing a command that was not started': async spawn => {
    const child = spawn('castellan-no-such-program', [])
    const result = child.kill()
    await record(child)
    return [result, child.killed]
  },
  'an abort before the start': async spawn => {
    const child = spawn('/bin/sleep', ['100'], { signal: AbortSignal.abort() })
    const events = await record(child)
    return events.map(event => (event as unknown[]).slice(0, 3))
  },
  'an abort during the run': async spawn => {
    const abort = new AbortController()
    const child = spawn('/bin/sleep', ['100'], { signal: abort.signal })
    const done = record(child)
    setTimeout(() => abort.abort(), 50)
    return (await done).map(event => (event as unknown[]).slice(0, 3))
  },
  'an abort after the end': async spawn => {
    const abort = new AbortController()
    const child = sh(spawn, 'exit 0', { signal: abort.signal })
    const events = await record(child)
    abort.abort()
    await new Promise(resolve => setTimeout(resolve, 20))
    return [events, child.killed]
  },
  'a time limit': async spawn => {
    const child = spawn('/bin/sleep', ['100'], { timeout: 50, killSignal: 'SIGINT' })
    return (await record(child)).map(event => (event as unknown[]).slice(0, 3))
  },
  'an environment of its own': async spawn => {
    const child = spawn('/usr/bin/env', [], { env: { ONLY: 'this', EMPTY: '', 'odd name': 'x', MISSING: undefined } })
    const lines = (await collect(child.stdout)).trim().split('\n').sort()
    return lines.filter(line => !line.startsWith('CODEX_SANDBOX'))
  },
  'bytes that are no text': async spawn => {
    const child = spawn('/bin/cat', [])
    const sent = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    child.stdin?.end(sent)
    const got: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => got.push(chunk))
    await record(child)
    return Buffer.concat(got).equals(sent)
  },
  'an encoding set on a stream': async spawn => {
    const child = sh(spawn, 'printf "\\303"; sleep 0.05; printf "\\244"')
    child.stdout?.setEncoding('utf8')
    return collect(child.stdout)
  },
  'a script without an interpreter line': async (spawn, world) => {
    const child = spawn(world.at('ws/script'), ['x'])
    const done = record(child)
    return [await collect(child.stdout), await done]
  },
  'signals that the host ignores': async spawn =>
    collect(sh(spawn, 'grep -E "Sig(Ign|Blk)" /proc/self/status | tr -s "\\t\\n" " "').stdout),
}

describe(`the ChildProcess contract${missingKinds.length > 0 ? ` (without ${missingKinds.join('; ')})` : ''}`, () => {
  let world: World
  const expected = new Map<string, unknown>()
  const sandboxes = new Map<string, Sandbox>()

  beforeAll(async () => {
    world = makeWorld('contract')
    world.make({ 'ws/file': 'text', 'plain-file': 'plain' })
    writeFileSync(world.at('ws/script'), 'echo "script $1"\n')
    chmodSync(world.at('ws/script'), 0o755)
    for (const kind of kinds) sandboxes.set(kind, await sandboxOf(kind, world.at('ws')))
    const spawn = nodeSpawn(world.at('ws'))
    for (const [name, scenario] of Object.entries(scenarios)) expected.set(name, await scenario(spawn, world))
  })
  afterAll(() => {
    for (const sandbox of sandboxes.values()) sandbox[Symbol.dispose]()
    world.remove()
  })

  describe.each(kinds)('%s', kind => {
    it.each(Object.keys(scenarios))('%s', async name => {
      const sandbox = sandboxes.get(kind)!
      const found = await scenarios[name]!((file, args, options) => sandbox.spawn(file, args, options), world)
      expect(found).toEqual(expected.get(name))
    })
  })
})
