/** `restrictCurrentProcess`, in processes of their own. */
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LinuxPlan } from '../../lib/plan/plan.ts'
import { bringsThreadsAlong } from '../../lib/sandbox/restrict.ts'
import { landlockAbi } from '../enforcement/support/engines.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { type CompiledLibrary, compileLibrary } from './compiled.ts'

let world: World
let library: CompiledLibrary
beforeAll(() => {
  world = makeWorld('restrict')
  world.make({ 'ws/file': 'text' })
  library = compileLibrary()
})
afterAll(() => {
  library.remove()
  world.remove()
})

const head = (index: string) => `
import { restrictCurrentProcess } from ${JSON.stringify(index)}
import fs from 'node:fs'
import net from 'node:net'
const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
`
/** `restrictCurrentProcess` comes from the library of the script itself. */
function script(name: string, text: string): string {
  const index = new URL('lib/index.js', `file://${library.script('unused', '')}`).pathname
  return library.script(name, `${head(index)}${text.replaceAll('WS', world.at('ws')).replaceAll('OUT', world.at())}`)
}
const run = (file: string, args: readonly string[] = [], env = process.env) =>
  spawnSync(process.execPath, [...args, file, 'argument'], { encoding: 'utf8', input: 'input', env })

describe.skipIf(landlockAbi === 0)(`restrictCurrentProcess${landlockAbi === 0 ? ' (needs Landlock)' : ''}`, () => {
  it('holds every thread of the process and what it starts, and keeps its number, words and streams', async () => {
    const file = script(
      'restricted',
      `import { execFileSync } from 'node:child_process'
       try { fs.appendFileSync('OUT/starts', process.pid + ' ') } catch {}
       restrictCurrentProcess({ policy, cwd: 'WS' })
       const attempt = act => { try { act(); return 'done' } catch (error) { return error.code ?? 'failed' } }
       const later = act => act.then(() => 'done', error => error.code)
       const connects = port => new Promise(resolve => net.connect(port, '127.0.0.1').on('connect', () => resolve('done')).on('error', error => resolve(error.code)))
       console.log(JSON.stringify({
         pid: process.pid, words: process.argv.slice(2), flags: process.execArgv, input: fs.readFileSync(0, 'utf8'),
         marker: process.env.CASTELLAN_RESTRICTED.startsWith(process.pid + ':'),
         inside: attempt(() => fs.writeFileSync('WS/new', 'x')), outside: attempt(() => fs.writeFileSync('OUT/planted', 'x')),
         pool: await later(fs.promises.writeFile('OUT/planted', 'x')), network: await connects(9),
         child: attempt(() => execFileSync('sh', ['-c', 'echo x >OUT/planted'], { stdio: 'ignore' })),
       }))`,
    )
    const { status, stdout, stderr } = run(file, ['--no-warnings'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const told = JSON.parse(stdout) as { pid: number }
    expect(told).toEqual({
      pid: told.pid,
      words: ['argument'],
      flags: ['--no-warnings'],
      input: 'input',
      marker: true,
      inside: 'done',
      outside: 'EACCES',
      pool: 'EACCES',
      network: 'EPERM',
      child: 'failed',
    })
    // It began twice, under one number: the second time it could not write there any more, or the first would be told twice.
    expect(readFileSync(world.at('starts'), 'utf8').trim()).toBe(String(told.pid))
    expect(existsSync(world.at('planted'))).toBe(false)
  })

  it.each([
    [
      'in a worker, whose siblings would escape',
      `import { isMainThread, Worker } from 'node:worker_threads'
       if (isMainThread) new Worker(new URL(import.meta.url))
       else try { restrictCurrentProcess({ policy, cwd: 'WS' }) } catch (error) { console.log(error.code, error.capability) }`,
      'ERR_BACKEND_UNAVAILABLE main-thread\n',
    ],
    [
      'a policy that Landlock alone does not hold',
      `const entries = [{ path: { type: 'special', value: { kind: 'root' } }, access: 'read' }, { path: { type: 'path', path: 'WS/file' }, access: 'none' }]
       const split = { fileSystem: { kind: 'restricted', entries }, network: 'restricted' }
       try { restrictCurrentProcess({ policy: split, cwd: 'WS' }) } catch (error) { console.log(error.code, error.mechanism) }`,
      'ERR_POLICY_NOT_ENFORCEABLE landlock\n',
    ],
    [
      'an option that does not exist',
      `try { restrictCurrentProcess({ policy, cmd: 'WS' }) } catch (error) { console.log(error.code, error.option) }`,
      'ERR_INVALID_OPTION cmd\n',
    ],
    [
      'a claim to be confined that is none',
      `process.env.CASTELLAN_RESTRICTED = process.pid + ':'
       try { restrictCurrentProcess({ policy, cwd: 'WS' }) } catch (error) { console.log(error.code, error.stage) }`,
      'ERR_LAUNCH init\n',
    ],
    [
      'a second policy, which would not hold',
      `restrictCurrentProcess({ policy, cwd: 'WS' })
       restrictCurrentProcess({ policy, cwd: 'WS' })
       try { restrictCurrentProcess({ policy: policies.readOnly(), cwd: 'WS' }) } catch (error) { console.log(error.code, error.stage) }`,
      'ERR_LAUNCH init\n',
    ],
  ])('refuses %s', (name, text, expected) => {
    const { stdout, stderr } = run(script(`refused-${name.length}`, text))
    expect({ stdout, stderr }).toEqual({ stdout: expected, stderr: '' })
  })

  it('refuses a process with a channel, which would be lost', async () => {
    const file = script(
      'forked',
      `try { restrictCurrentProcess({ policy, cwd: 'WS' }) } catch (error) { process.send([error.code, error.capability]) }
       process.disconnect()`,
    )
    const child = fork(file)
    expect((await once(child, 'message'))[0]).toEqual(['ERR_BACKEND_UNAVAILABLE', 'ipc-channel'])
  })

  // A kernel before ABI 8 takes the filter for every thread, and refuses Landlock for them, which is the last step.
  it.skipIf(landlockAbi >= 8)('tells that it is confined in part, for good, and is not taken for confined', () => {
    world.make({ 'open/file': 'text' })
    chmodSync(world.at('open'), 0o777)
    chmodSync(world.at(), 0o755)
    const file = script(
      'in-part',
      `const { loadBinding } = await import(${JSON.stringify('./lib/native/binding.js')})
       loadBinding().landlockAbi = () => 8
       // With capabilities it is not tried in place.
       if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534) }
       const attempt = asked => { try { restrictCurrentProcess({ policy: asked, cwd: 'WS' }); return 'confined' } catch (error) { return [error.code, error.stage, error.errnoName, error.partly].join() } }
       const open = () => fs.readdirSync('/proc/self/fd').length
       const filters = () => fs.readdirSync('/proc/self/task').map(thread => Number(/^Seccomp_filters:\\s+(\\d+)$/m.exec(fs.readFileSync('/proc/self/task/' + thread + '/status', 'utf8'))[1]))
       const had = Math.max(...filters())
       const before = open()
       const told = [attempt(policy), attempt(policy), attempt(policies.readOnly())]
       const connects = port => new Promise(resolve => net.connect(port, '127.0.0.1').on('error', error => resolve(error.code)))
       fs.writeFileSync('OUT/open/new', 'x')
       console.log(JSON.stringify({
         told, opened: open() - before, marker: process.env.CASTELLAN_RESTRICTED ?? null, network: await connects(9),
         filters: [...new Set(filters().map(count => count - had))],
       }))`,
    )
    const { stdout, stderr } = run(file)
    const told = 'ERR_LAUNCH,landlock,EINVAL,true'
    expect({ stderr, ...JSON.parse(stdout || '{}') }).toEqual({
      stderr: '',
      told: [told, told, told],
      opened: 0,
      marker: null,
      network: 'EPERM',
      filters: [1],
    })
  })

  // What the kernel then does is asked in a virtual machine: `npm run kernels -- --only 7`.
  it.each<[string, number | null, boolean]>([
    ['no Landlock', null, false],
    ['ABI 7, which confines one thread', 7, false],
    ['ABI 8', 8, true],
    ['a newer one', 10, true],
  ])('brings the other threads along in place, or begins again: %s', (_, abi, inPlace) => {
    const landlock = abi === null ? null : { abi, handledAccessFs: 0, handledAccessNet: 0, scoped: 0, rules: [] }
    const seccomp = { program: '' } as LinuxPlan['seccomp']
    expect(bringsThreadsAlong({ landlock, seccomp })).toBe(inPlace)
    expect(bringsThreadsAlong({ landlock, seccomp: null })).toBe(false)
  })

  it('leaves a process alone whose policy holds nothing', () => {
    const { stdout } = run(
      script('open', `restrictCurrentProcess({ policy: 'danger-full-access', cwd: 'WS' }); console.log('here')`),
    )
    expect(stdout).toBe('here\n')
  })
})
