/**
 * The guard of a host: replaced when something kills it, and what holds without it. Every case runs in a host of its own.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { makeWorld, type World } from '../enforcement/support/world.ts'
import { type CompiledLibrary, compileLibrary } from './compiled.ts'
import { childrenOf, type Kind, kinds, processesNaming, uniqueSeconds, until } from './support.ts'

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
const make = (more = {}) => createSandbox({ policy, cwd: ${JSON.stringify(cwd)}, linux, ...more })
`

let world: World
let library: CompiledLibrary
let seconds = ''
let host: ChildProcess
let output = ''
let guards: number[] = []

beforeAll(() => {
  world = makeWorld('guard')
  world.make({ 'ws/file': 'text' })
  library = compileLibrary()
})
afterEach(() => {
  host.kill('SIGKILL')
  for (const pid of [...processesNaming(seconds), ...guards]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  guards = []
})
afterAll(() => {
  library.remove()
  world.remove()
})

function startHost(name: string, text: string, before: readonly string[] = []): void {
  seconds = uniqueSeconds()
  output = ''
  const [file = '', ...args] = [...before, process.execPath, library.script(name, text.replaceAll('SECONDS', seconds))]
  host = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [host.stdout, host.stderr]) {
    stream?.on('data', chunk => {
      output += chunk
    })
  }
}

const said = (word: string) =>
  until(
    () => `the host says ${word}: ${output}`,
    () => output.includes(word),
  )
const alive = () => processesNaming(seconds).length
const runs = () =>
  until(
    () => `sleep ${seconds} runs: ${output}`,
    () => alive() > 0,
  )
const gone = () => until(`no sleep ${seconds} is left`, () => alive() === 0)

/** The host's guard, other than `known`. */
async function guardOf(known = 0): Promise<number> {
  const mine = () => childrenOf(host.pid!).filter(pid => processesNaming('castellan-guard').includes(pid))
  await until(
    () => `the host has a guard other than ${known}: ${output}`,
    () => mine().some(pid => pid !== known),
  )
  const [pid = 0] = mine().filter(found => found !== known)
  guards.push(pid)
  return pid
}

describe.each(kinds)('the guard: %s', kind => {
  const protects = kind !== 'unconfined' && kind !== 'landlock'
  const placeholder = () => existsSync(world.at('ws/.codex'))

  it.each([
    ['run', "await sandbox.run('sleep', ['SECONDS'])"],
    ['run-sync', "sandbox.runSync('sleep', ['SECONDS'])"],
  ])('is replaced when it is killed during %s, and the new one does its work', async (name, call) => {
    startHost(`replaced-${name}-${kind}`, `${setup(kind, world.at('ws'))} const sandbox = await make(); ${call}`)
    await runs()
    const first = await guardOf()
    process.kill(first, 'SIGKILL')
    await guardOf(first)
    expect(childrenOf(host.pid!)).not.toContain(first)
    expect({ runs: alive(), placeholder: placeholder() }).toEqual({ runs: 1, placeholder: protects })
    host.kill('SIGKILL')
    await gone()
    await until('no placeholder is left', () => !placeholder())
  })

  it('ends the runs when it cannot be replaced, and none starts until it can', async () => {
    startHost(
      `lost-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       const again = () => sandbox.run('true').then(({ exitCode }) => 'ran ' + exitCode, error => error.code + ' ' + error.stage)
       const told = new Promise(resolve => process.once('SIGUSR2', resolve))
       const { signal } = await sandbox.run('sleep', ['SECONDS'])
       console.log('ended', signal)
       console.log('then', await again())
       const waiting = setInterval(() => {}, 1000)
       await told
       clearInterval(waiting)
       console.log('later', await again())`,
    )
    await runs()
    const first = await guardOf()
    const limit = (files: number) => execFileSync('prlimit', ['--pid', String(host.pid), `--nofile=${files}:4096`])
    limit(3)
    process.kill(first, 'SIGKILL')
    await said('then')
    await gone()
    // Without a descriptor nothing else can be made either; it says what was looked at first.
    expect(output).toMatch(/ended SIGKILL\nthen ERR_LAUNCH (pipes|image)\n/)
    limit(4096)
    host.kill('SIGUSR2')
    await said('later')
    expect(output).toContain('later ran 0')
  })
})

describe.each(kinds.filter(kind => kind === 'namespace' || kind === 'bwrap'))('without a guard: %s', kind => {
  it('nothing is left when the host is killed', async () => {
    startHost(
      `alone-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       sandbox.spawn('sh', ['-c', 'setsid sleep SECONDS & sleep SECONDS'], { stdio: 'ignore' })
       await sandbox.run('sh', ['-c', 'setsid sleep SECONDS & sleep SECONDS'])`,
    )
    await until('both trees run', () => alive() >= 4)
    process.kill(await guardOf(), 'SIGSTOP')
    host.kill('SIGKILL')
    await gone()
  })
})

/** RLIMIT_RTTIME of the host is limited: its runs cannot be marked. */
const unmarked = ['prlimit', '--rttime=1000000000:1000000000', '--']

describe.each(kinds)('a host that cannot mark its runs: %s', kind => {
  const isolated = kind === 'namespace' || kind === 'bwrap'

  it(isolated ? 'holds the trees all the same' : 'says so in the limits of the plan', async () => {
    startHost(
      `unmarked-${kind}`,
      `${setup(kind, world.at('ws'))}
       const sandbox = await make()
       const told = sandbox.notices.some(({ code, message }) => code === 'plan-limits' && message.includes('process-tree'))
       const strict = await make({ strict: true }).then(() => 'held', error => error.code)
       console.log(sandbox.plan.limits.map(({ code }) => code).includes('process-tree'), told, strict)
       sandbox.spawn('sh', ['-c', 'setsid sleep SECONDS & sleep SECONDS'], { stdio: 'ignore' })`,
      unmarked,
    )
    await runs()
    await said('\n')
    // bubblewrap as root leaves the devices to the command, which is a limit of its own (`device-metadata`).
    const limited = !isolated || (kind === 'bwrap' && process.geteuid?.() === 0)
    const strict = limited ? 'ERR_POLICY_NOT_ENFORCEABLE' : 'held'
    expect(output).toBe(`${!isolated} ${!isolated} ${strict}\n`)
    if (!isolated) return
    await until('the tree runs', () => alive() >= 2)
    host.kill('SIGKILL')
    await gone()
    await until('no placeholder is left', () => !existsSync(world.at('ws/.codex')))
  })
})

it('is not there any more when its host has ended', async () => {
  startHost('ended', `${setup('unconfined', world.at('ws'))} const sandbox = await make(); await sandbox.run('true')`)
  const guard = await guardOf().catch(() => 0)
  await once(host, 'close')
  await until('the guard is gone', () => !processesNaming('castellan-guard').includes(guard))
})
