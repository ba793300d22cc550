/**
 * What does not exist and must not come to be: protected names of a workspace that are missing, and closed paths that are.
 * A command cannot create them, and no host finds anything of them afterwards, however it or its command ended.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox } from '../../lib/index.ts'
import { type CompiledLibrary, compileLibrary } from '../process/compiled.ts'
import { until } from '../process/support.ts'
import { type EngineName, eachEngine, mountEngines, sandboxWith } from './support/engines.ts'
import { entry, special, split, workspaceWrite } from './support/policies.ts'
import { makeWorld, type World } from './support/world.ts'

let world: World
beforeAll(() => {
  world = makeWorld('missing')
})
afterAll(() => world.remove())

/** Milliseconds. Far more than anything here takes, on a machine that does nothing else. */
const patience = 60_000
const names = ['.agents', '.codex', '.git']
const attempts = (target: string) => [
  `mkdir ${target}`,
  `mkdir -p ${target}/hooks`,
  `echo text > ${target}`,
  `echo text > ${target}/config`,
  `ln -sT /tmp ${target}`,
  `ln file ${target}`,
  `mv -T file ${target}`,
  `mv -T full ${target}`,
  `mv -T empty ${target}`,
  `mkfifo ${target}`,
  `rmdir ${target}`,
  `mv ${target} away`,
  `chmod 777 ${target}`,
  `touch ${target}`,
]

/** A shell command that is carried out once the host makes the file `now`. */
const untilTold = (command: string) => `while [ ! -e now ]; do sleep 0.05; done; ${command}`

/** Which of the shell commands succeed. Each starts from the same files. */
async function succeeding(sandbox: Sandbox, commands: readonly string[]): Promise<string[]> {
  const tried = commands.map(
    (command, index) =>
      `rm -rf file full empty; echo text > file; mkdir full empty; : > full/x; (${command}) >/dev/null 2>&1 && echo ${index}`,
  )
  const { stdout, exitCode, stderr } = await sandbox.run('sh', [
    '-c',
    `${tried.join('\n')}\nrm -rf file full empty away`,
  ])
  expect([exitCode, stderr]).toEqual([0, ''])
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(index => commands[Number(index)]!)
}

eachEngine(mountEngines, 'what is missing', engine => {
  let at: (...parts: string[]) => string
  let count = 0
  /** A workspace of its own for each test. */
  const workspace = (entries: Readonly<Record<string, string | null>> = {}) => {
    const place = `${engine}-${count++}`
    world.make({ [place]: null })
    world.make(Object.fromEntries(Object.entries(entries).map(([name, content]) => [`${place}/${name}`, content])))
    at = (...parts) => world.at(place, ...parts)
    return at()
  }
  const left = () => readdirSync(at()).sort()

  it('cannot be created at a protected name, by any of the ways', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    for (const name of names) {
      expect(await succeeding(sandbox, [...attempts(name), 'touch other && rm other'])).toEqual([
        'touch other && rm other',
      ])
      expect(left()).toEqual([])
    }
  })

  it('cannot be created where an entry closes it, nor on the way to it', async () => {
    const cwd = workspace({ 'sub/file': 'text' })
    const sandbox = await sandboxWith(
      engine,
      split(
        special('root', 'read'),
        entry(cwd, 'write'),
        entry(at('.env'), 'none'),
        entry(at('sub/a/b/key'), 'none'),
        entry(at('frozen'), 'read'),
      ),
      cwd,
    )
    for (const target of ['.env', 'frozen', 'sub/a']) expect(await succeeding(sandbox, attempts(target))).toEqual([])
    const others = ['mkdir -p sub/a/b', 'echo x > sub/a/b/key', 'mv -T sub away', 'touch sub/new && rm sub/new']
    expect(await succeeding(sandbox, others)).toEqual(['touch sub/new && rm sub/new'])
    expect(left()).toEqual(['sub'])
    expect(readdirSync(at('sub'))).toEqual(['file'])
  })

  it('is not there after run, runSync and spawn, nor after a command that could not be started', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    await sandbox.run('true')
    expect(left()).toEqual([])
    await sandbox.run('sh', ['-c', 'kill -9 $$'])
    expect(left()).toEqual([])
    await sandbox.run('sleep', ['60'], { timeout: 50, killSignal: 'SIGKILL' })
    expect(left()).toEqual([])
    sandbox.runSync('true')
    expect(left()).toEqual([])
    await expect(sandbox.run('/no/such/program')).rejects.toMatchObject({ code: 'ENOENT' })
    expect(() => sandbox.runSync('/no/such/program')).toThrow(/ENOENT|no such/i)
    expect(left()).toEqual([])
    const child = sandbox.spawn('sleep', ['60'])
    expect(left()).toEqual(names)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(left()).toEqual([])
    const none = sandbox.spawn('/no/such/program')
    await once(none, 'error')
    expect(left()).toEqual([])
    await expect(sandbox.run('true', [], { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(left()).toEqual([])
  })

  it('stays closed for background processes until they have ended', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    // It tries all the time, also after the command has ended and before it is ended itself.
    const script = 'setsid sh -c "while :; do mkdir .git/ .codex/ .agents/; done" >/dev/null 2>&1 & sleep 0.05'
    for (let run = 0; run < 5; run++) {
      await sandbox.run('sh', ['-c', script])
      expect(left()).toEqual([])
    }
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(left()).toEqual([])
  })

  it('stays closed until the last of several commands has ended', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    const other = await sandboxWith(engine, workspaceWrite(), at())
    const long = sandbox.run('sh', ['-c', untilTold('mkdir .git')])
    const short = [sandbox.run('true'), other.run('sleep', ['0.1']), sandbox.run('sleep', ['0.2'])]
    await Promise.all(short)
    expect(left()).toEqual(names)
    writeFileSync(at('now'), '')
    expect((await long).exitCode).toBe(1)
    expect(left()).toEqual(['now'])
  })

  it('is protected as what it is once the host makes it', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    await sandbox.run('true')
    execFileSync('git', ['init', '-q', at()])
    writeFileSync(at('.codex'), 'a file')
    const real = [
      'echo x >> .git/config',
      'touch .git/hooks/pre-commit',
      'rm -rf .git',
      'mv .git away',
      'mkdir .agents',
      'echo x >> .codex',
      'rm -f .codex',
      'mv .codex away',
      'mkdir new && mv new .codex/',
    ]
    expect(await succeeding(sandbox, real)).toEqual([])
    const reads = ['cat .git/config', 'git status', 'cat .codex']
    expect(await succeeding(sandbox, reads)).toEqual(reads)
    rmSync(at('new'), { recursive: true, force: true })
    expect(left()).toEqual(['.codex', '.git'])
    rmSync(at('.git'), { recursive: true })
    expect(await succeeding(sandbox, attempts('.git'))).toEqual([])
    expect(left()).toEqual(['.codex'])
  })

  it('is put up with when an empty directory of that name is there: it stays', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace({ '.git': null }))
    expect(await succeeding(sandbox, ['touch .git/x', 'rmdir .git'])).toEqual([])
    expect(left()).toEqual(['.git'])
  })

  it('heals: what a crashed host left is closed, and removed by the next command', async () => {
    workspace()
    mkdirSync(at('.git'), { mode: 0o1555 })
    mkdirSync(at('.codex'), { mode: 0o755 })
    utimesSync(at('.codex'), 549864182, 549864182)
    const sandbox = await sandboxWith(engine, workspaceWrite(), at())
    expect(sandbox.explain(at('.git')).planLine).toContain('mask-missing')
    expect(await succeeding(sandbox, ['touch .git/x', 'touch .codex/x', 'rmdir .git'])).toEqual([])
    expect(left()).toEqual([])
  })

  it('leaves alone what somebody put into a left-over', async () => {
    workspace()
    mkdirSync(at('.git'), { mode: 0o1755 })
    writeFileSync(at('.git/config'), 'text')
    chmodSync(at('.git'), 0o1555)
    const sandbox = await sandboxWith(engine, workspaceWrite(), at())
    expect(await succeeding(sandbox, ['touch .git/x', 'echo x > .git/config', 'rm .git/config'])).toEqual([])
    expect(readdirSync(at('.git'))).toEqual(['config'])
    chmodSync(at('.git'), 0o755)
  })

  it('does not disturb git below the workspace, nor a repository around it', async () => {
    const cwd = workspace({ 'outer/inner/file': 'text' })
    execFileSync('git', ['init', '-q', at('outer')])
    const sandbox = await sandboxWith(engine, workspaceWrite(), at('outer/inner'))
    const commands = ['git init -q new && git -C new status', 'git status', 'cd new && git status', 'rm -rf new']
    const env = {
      ...process.env,
      HOME: cwd,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    }
    for (const command of commands) {
      const { exitCode, stderr } = await sandbox.run('sh', ['-c', command], { env })
      expect([command, exitCode, stderr]).toEqual([command, 0, ''])
    }
    const status = await sandbox.run('git', ['rev-parse', '--show-toplevel'], { env })
    expect(status.stdout.trim()).toBe(at('outer'))
    expect(readdirSync(at('outer/inner'))).toEqual(['file'])
  })

  it('needs nothing where the command could not create it anyway', async () => {
    workspace({ 'theirs/file': 'text' })
    if (process.getuid?.() === 0) return
    const policy = split(special('root', 'read'), entry('/', 'write'), entry('/no-such-secret', 'none'))
    const sandbox = await sandboxWith(engine, policy, at())
    expect((await sandbox.run('mkdir', ['/no-such-secret'])).exitCode).toBe(1)
    expect(existsSync('/no-such-secret')).toBe(false)
  })

  it('refuses to run where the command could open the directory for itself', async () => {
    const cwd = workspace()
    if (process.getuid?.() === 0) return
    const sandbox = await sandboxWith(engine, workspaceWrite(), cwd)
    chmodSync(cwd, 0o555)
    try {
      await expect(sandbox.run('true')).rejects.toMatchObject({
        code: 'ERR_LAUNCH',
        stage: 'placeholder',
        errnoName: 'EACCES',
      })
      expect(left()).toEqual([])
    } finally {
      chmodSync(cwd, 0o755)
    }
  })

  it('is not put into temporary directories', async () => {
    const cwd = workspace()
    const policy = split(special('root', 'read'), entry(cwd, 'write'), special('slash_tmp', 'write'))
    const sandbox = await sandboxWith(engine, policy, cwd)
    const child = sandbox.spawn('sleep', ['60'])
    expect(existsSync('/tmp/.codex')).toBe(false)
    expect(left()).toEqual(names)
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  it.skipIf(engine === 'bwrap')('stays closed for wrapped commands until the sandbox is disposed', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    const { file, args, env } = sandbox.wrap('sh', ['-c', 'mkdir .git'])
    sandbox.wrap('true')
    await sandbox.run('true')
    expect(left()).toEqual(names)
    expect(() => execFileSync(file, args, { env, cwd: at(), stdio: 'pipe' })).toThrow(/File exists/)
    sandbox[Symbol.dispose]()
    expect(left()).toEqual([])
  })

  it.runIf(engine === 'bwrap')('is left alone when a command cannot be wrapped', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace())
    expect(() => sandbox.wrap('true')).toThrow(expect.objectContaining({ code: 'ERR_BACKEND_UNAVAILABLE' }))
    expect(left()).toEqual([])
  })

  it.each(names)('is refused where %s is a link to nothing, which could be replaced', async name => {
    workspace()
    symlinkSync(at('nothing'), at(name))
    await expect(sandboxWith(engine, workspaceWrite(), at())).rejects.toMatchObject({
      code: 'ERR_POLICY_NOT_ENFORCEABLE',
      message: expect.stringContaining(`the default protection ${name} of`),
    })
    expect(left()).toEqual([name])
  })

  it('follows a link that the host puts there', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), workspace({ 'store/config': 'text' }))
    await sandbox.run('true')
    symlinkSync(at('store'), at('.codex'))
    await expect(sandbox.run('true')).rejects.toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE' })
    expect(left()).toEqual(['.codex', 'store'])
  })

  describe('and its host', { timeout: 2 * patience }, () => {
    let library: CompiledLibrary
    const hosts: ChildProcess[] = []
    beforeAll(() => {
      library = compileLibrary()
    })
    afterEach(() => {
      for (const host of hosts.splice(0)) host.kill('SIGKILL')
    })
    afterAll(() => library.remove())

    function startHost(name: string, text: string) {
      const script = library.script(
        name,
        `${setup(engine, at())}
${text}`,
      )
      const started = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] })
      hosts.push(started)
      let output = ''
      const running = () => started.exitCode === null && started.signalCode === null
      for (const stream of [started.stdout, started.stderr]) {
        stream.on('data', chunk => {
          output += chunk
        })
      }
      const ended = once(started, 'close')
      return {
        process: started,
        async said(word: string) {
          await until(`${word}, or the host's end`, () => output.includes(word) || !running(), patience)
          // What it said last may arrive after its end.
          if (!running()) await ended
          expect(output).toContain(word)
        },
        ended,
      }
    }

    const busy = `const sandbox = await make()
sandbox.run('sh', ['-c', 'while :; do mkdir .git/ .codex/ .agents/ 2>/dev/null; done'])
setTimeout(() => console.log('running'), 300)
setTimeout(() => {}, 60000)`

    it('that is killed leaves nothing', async () => {
      workspace()
      for (let round = 0; round < 3; round++) {
        const host = startHost(`killed-${engine}-${round}`, busy)
        await host.said('running')
        expect(left()).toEqual(names)
        host.process.kill('SIGKILL')
        await until('nothing is left', () => left().length === 0, patience)
        await host.ended
        expect(left()).toEqual([])
      }
    })

    it('that ends in the middle of a command leaves nothing at its end', async () => {
      workspace()
      const host = startHost(`exits-${engine}`, `${busy}\nprocess.on('SIGUSR2', () => process.exit(0))`)
      await host.said('running')
      expect(left()).toEqual(names)
      host.process.kill('SIGUSR2')
      await host.ended
      expect(left()).toEqual([])
    })

    it('that ends its worker thread leaves nothing', async () => {
      workspace()
      const script = library.script(`worker-${engine}`, `${setup(engine, at())}\n${busy}`)
      const host = startHost(
        `worker-host-${engine}`,
        `import { Worker } from 'node:worker_threads'
const worker = new Worker(${JSON.stringify(script)})
process.on('SIGUSR2', async () => { await worker.terminate(); console.log('terminated') })
setTimeout(() => {}, 60000)`,
      )
      await until('it runs', () => left().length === 3, patience)
      host.process.kill('SIGUSR2')
      await host.said('terminated')
      await until('nothing is left', () => left().length === 0, patience)
    })

    it('beside another host: the last one leaves nothing, and the mask stays until then', async () => {
      workspace()
      const host = startHost(`beside-${engine}`, busy)
      await host.said('running')
      const sandbox = await sandboxWith(engine, workspaceWrite(), at())
      for (let run = 0; run < 5; run++) {
        await sandbox.run('true')
        expect(left()).toEqual(names)
      }
      const long = sandbox.run('sh', ['-c', untilTold('mkdir .git')])
      host.process.kill('SIGKILL')
      await host.ended
      await new Promise(resolve => setTimeout(resolve, 700))
      expect(left()).toEqual(names)
      writeFileSync(at('now'), '')
      expect((await long).exitCode).toBe(1)
      rmSync(at('now'))
      await until('nothing is left', () => left().length === 0, patience)
    })

    it('and other hosts that start and end commands all the time leave nothing, and nothing can be created', async () => {
      workspace()
      const text = `const sandbox = await make()
let created = 0
for (let run = 0; run < 40; run++) {
  const { exitCode } = await sandbox.run('sh', ['-c', 'mkdir .git/ .codex/ .agents/ 2>/dev/null || touch .git/x .codex/x 2>/dev/null'])
  if (exitCode === 0) created++
}
console.log('created', created)`
      const started = [0, 1, 2].map(index => startHost(`many-${engine}-${index}`, text))
      for (const host of started) await host.said('created 0')
      await Promise.all(started.map(host => host.ended))
      expect(left()).toEqual([])
    })
  })
})

const setup = (engine: EngineName, cwd: string) => `
const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
const linux = ${JSON.stringify({
  engines: [engine === 'shared' ? 'namespace' : engine],
  bubblewrap: engine === 'bwrap' ? 'require' : 'never',
  processes: engine === 'shared' ? 'shared' : 'isolated',
})}
const make = () => createSandbox({ policy, cwd: ${JSON.stringify(cwd)}, linux })
`

describe('a placeholder', () => {
  it('costs nothing where nothing is missing', async () => {
    const cwd = world.at('complete')
    world.make({ 'complete/.git/config': 'text', 'complete/.codex': null, 'complete/.agents': null })
    const before = statSync(cwd).mtimeMs
    const sandbox = await sandboxWith('namespace', workspaceWrite(), cwd)
    await sandbox.run('true')
    const { plan } = sandbox
    const operations = plan.kind === 'linux' ? plan.mounts?.operations : undefined
    expect(operations?.some(({ operation }) => operation === 'mask-missing')).toBe(false)
    expect(statSync(cwd).mtimeMs).toBe(before)
  })
})
