/**
 * The host process: its death, its orderly end, commands that do not keep it alive, and its worker threads. Every case runs
 * in a host of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { makeWorld, type World } from '../enforcement/support/world.ts'
import { type CompiledLibrary, compileLibrary } from './compiled.ts'
import { type Kind, kinds, processesNaming, uniqueSeconds, until } from './support.ts'

const setup = (kind: Kind, cwd: string) => `
const policy = ${kind === 'unconfined' ? "'danger-full-access'" : 'policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })'}
const linux = ${JSON.stringify(
  kind === 'unconfined'
    ? {}
    : {
        engines: [kind === 'shared' ? 'namespace' : kind],
        bubblewrap: kind === 'bwrap' ? 'require' : 'never',
        processes: kind === 'shared' ? 'shared' : 'isolated',
      },
)}
const make = () => createSandbox({ policy, cwd: ${JSON.stringify(cwd)}, linux })
`

const repository = fileURLToPath(new URL('../../', import.meta.url))

let world: World
let library: CompiledLibrary
let seconds = ''
let host: ChildProcess | undefined

beforeAll(() => {
  world = makeWorld('host')
  world.make({ 'ws/file': 'text' })
  library = compileLibrary()
})
afterEach(() => {
  host?.kill('SIGKILL')
  for (const pid of seconds === '' ? [] : processesNaming(seconds)) process.kill(pid, 'SIGKILL')
})
afterAll(() => {
  library.remove()
  world.remove()
})

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
  readonly errors: string
}

function startHost(
  name: string,
  text: string,
): { process: ChildProcess; said: (word: string) => Promise<void>; ended: Promise<Ended> } {
  const started = spawn(process.execPath, [library.script(name, text)], { stdio: ['ignore', 'pipe', 'pipe'] })
  host = started
  let output = ''
  let errors = ''
  started.stdout.on('data', chunk => {
    output += chunk
  })
  started.stderr.on('data', chunk => {
    errors += chunk
  })
  return {
    process: started,
    said: word =>
      until(
        () => `the host says ${word}: ${errors}`,
        () => output.includes(word),
      ),
    ended: once(started, 'close').then(([code, signal]) => ({ code, signal, output, errors })),
  }
}

const scatter = () =>
  `sleep ${seconds} & setsid sleep ${seconds} & (setsid sh -c 'sleep ${seconds} & wait' &) ; sleep 100`
const alive = () => processesNaming(seconds).length
const gone = () => until(`no sleep ${seconds} is left`, () => alive() === 0)

describe.each(kinds)('the host: %s', kind => {
  it('goes on where the limit on processes leaves room for none', async context => {
    if (process.getuid?.() === 0) return context.skip('needs a user that the limit holds, found root')
    const { ended } = startHost(
      `full-${kind}`,
      `import { execFileSync } from 'node:child_process'
       ${setup(kind, world.at('ws'))}
       const sandbox = await make()
       execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=1:1'])
       console.log(await sandbox.run('true').then(() => 'ran', error => error.code + ' ' + error.stage))`,
    )
    expect(await ended).toMatchObject({ code: 0, signal: null, output: 'ERR_LAUNCH clone\n', errors: '' })
  })

  it('hears what its own listeners throw, and of every other command all the same', async () => {
    const { ended } = startHost(
      `throws-${kind}`,
      `import { execFileSync } from 'node:child_process'
       ${setup(kind, world.at('ws'))}
       process.on('uncaughtException', error => console.log('caught', error.message))
       const sandbox = await make()
       let ends = 0
       for (let index = 0; index < 4; index++) {
         sandbox.spawn('true').on('exit', () => {
           ends++
           if (index === 1) throw new Error('of a listener')
         })
       }
       // All of them have ended when the first is told.
       execFileSync('sleep', ['0.5'])
       const told = setInterval(() => {
         if (ends < 4) return
         console.log('ends', ends)
         clearInterval(told)
       }, 10)`,
    )
    const { code, output } = await ended
    expect({ code, output }).toEqual({ code: 0, output: 'caught of a listener\nends 4\n' })
  })

  it('leaves nothing behind when it is killed', async () => {
    seconds = uniqueSeconds()
    const { process: started, ended } = startHost(
      `killed-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       sandbox.spawn('sh', ['-c', ${JSON.stringify(scatter())}], { stdio: 'ignore' })
       sandbox.run('sh', ['-c', ${JSON.stringify(scatter())}])`,
    )
    await until('both trees run', () => alive() >= 6)
    started.kill('SIGKILL')
    await ended
    await gone()
  })

  it('leaves nothing behind when it ends in order with commands in flight', async () => {
    seconds = uniqueSeconds()
    const { ended } = startHost(
      `exits-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       sandbox.spawn('sh', ['-c', ${JSON.stringify(scatter())}], { stdio: 'ignore' })
       sandbox.run('sh', ['-c', ${JSON.stringify(scatter())}]).catch(() => {})
       setTimeout(() => process.exit(5), 500)`,
    )
    await until('the trees run', () => alive() >= 6)
    expect(await ended).toMatchObject({ code: 5, errors: '' })
    await gone()
  })

  it("ends what the lifetime 'session' left, when it ends in order", async () => {
    seconds = uniqueSeconds()
    const { ended } = startHost(
      `session-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       const script = 'setsid sleep ${seconds} >/dev/null 2>&1 & sleep 0.1'
       await sandbox.run('sh', ['-c', script], { lifetime: 'session' })`,
    )
    expect(await ended).toMatchObject({ code: 0, errors: '' })
    await gone()
  })

  it('does not wait for a command that is not referenced, and ends it', async () => {
    seconds = uniqueSeconds()
    const { ended } = startHost(
      `unref-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       const child = sandbox.spawn('sleep', ['${seconds}'], { stdio: 'ignore' })
       child.unref()
       child.ref()
       child.unref()
       console.log('done')`,
    )
    expect(await ended).toMatchObject({ code: 0, output: 'done\n', errors: '' })
    await gone()
  })

  it('waits for a command that is referenced', async () => {
    const { ended } = startHost(
      `ref-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       sandbox.spawn('sleep', ['0.3'], { stdio: 'ignore' }).once('exit', code => console.log('exit', code))
       sandbox.run('sleep', ['0.2']).then(({ exitCode }) => console.log('run', exitCode))`,
    )
    expect((await ended).output.split('\n').sort()).toEqual(['', 'exit 0', 'run 0'])
  })

  it('passes its own streams on when they are inherited', async () => {
    const { ended } = startHost(
      `inherit-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       const child = sandbox.spawn('sh', ['-c', 'echo out; echo err >&2'], { stdio: 'inherit' })
       child.once('exit', () => console.log(child.stdout, child.stdio))`,
    )
    expect(await ended).toMatchObject({ code: 0, output: 'out\nnull [ null, null, null ]\n', errors: 'err\n' })
  })

  it('goes on when a worker with commands in flight is terminated', async () => {
    seconds = uniqueSeconds()
    const worker = library.script(
      `worker-${kind}`,
      `${setup(kind, world.at('ws'))}
       import { parentPort } from 'node:worker_threads'
       const sandbox = await make()
       sandbox.spawn('sh', ['-c', ${JSON.stringify(scatter())}], { stdio: 'ignore' })
       sandbox.run('sh', ['-c', ${JSON.stringify(scatter())}]).catch(() => {})
       parentPort.postMessage('started')`,
    )
    const {
      process: started,
      said,
      ended,
    } = startHost(
      `workers-${kind}`,
      `${setup(kind, world.at('ws'))}
       import { once } from 'node:events'
       import { Worker } from 'node:worker_threads'
       const sandbox = await make()
       const mine = sandbox.run('sh', ['-c', 'sleep 1; echo mine'])
       const workers = [new Worker(${JSON.stringify(worker)}), new Worker(${JSON.stringify(worker)})]
       await Promise.all(workers.map(worker => once(worker, 'message')))
       console.log('running')
       await new Promise(resolve => process.once('SIGUSR2', resolve))
       await Promise.all(workers.map(worker => worker.terminate()))
       console.log('terminated')
       const [first, later] = [await mine, await sandbox.run('echo', ['later'])]
       console.log(first.stdout + later.stdout)`,
    )
    await said('running')
    await until('four trees run', () => alive() >= 12)
    started.kill('SIGUSR2')
    await said('terminated')
    await gone()
    expect(await ended).toMatchObject({ code: 0, output: 'running\nterminated\nmine\nlater\n\n', errors: '' })
  })
})

describe('the addon', () => {
  it('takes more threads for several runs, and a few at most', async () => {
    const { ended } = startHost(
      'threads',
      `import { readdirSync } from 'node:fs'
       ${setup(kinds.at(-1) ?? 'unconfined', world.at('ws'))}
       const threads = () => readdirSync('/proc/self/task').length
       const sandbox = await make()
       for (let round = 0; round < 3; round++) await sandbox.run('true')
       const before = threads()
       for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 32 }, () => sandbox.run('true')))
       console.log(threads() - before)`,
    )
    const { code, output } = await ended
    expect(code).toBe(0)
    expect([1, 2, 3]).toContain(Number(output))
  })

  it('lets go of a worker that is terminated while it loads it', async () => {
    const addon = path.join(repository, 'build/Release/castellan.node')
    const loading = `
      require('node:worker_threads').parentPort.postMessage('ready')
      for (;;) process.dlopen({ exports: {} }, ${JSON.stringify(addon)})`
    const { ended } = startHost(
      'loading',
      `import { once } from 'node:events'
       import { Worker } from 'node:worker_threads'
       for (let round = 0; round < 60; round++) {
         const worker = new Worker(${JSON.stringify(loading)}, { eval: true })
         await once(worker, 'message')
         await new Promise(resolve => setTimeout(resolve, round % 3))
         await worker.terminate()
       }
       console.log('there')`,
    )
    expect(await ended).toMatchObject({ code: 0, signal: null, output: 'there\n' })
  })
})
