/**
 * The world a command finds itself in: its environment, its file mode mask, its chance when memory runs out, its terminal,
 * and no channel of Node.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createSandbox, OptionError, type Sandbox, type SandboxOptions } from '../../lib/index.ts'
import { type InheritEnv, inheritedEnvironment } from '../../lib/process/inherited-environment.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { type CompiledLibrary, compileLibrary } from './compiled.ts'
import { kinds, sandboxOf } from './support.ts'

let world: World
beforeAll(() => {
  world = makeWorld('child-world')
  world.make({ 'ws/file': 'text' })
})
afterAll(() => world.remove())

const host = {
  PATH: '/usr/bin:/bin',
  HOME: '/home/me',
  LC_ALL: 'C',
  TERM: 'dumb',
  CI: '1',
  BUILD_ID: '7',
  DATABASE_URL: 'postgres://me:hunter2@db/x',
  HOMEPAGE: 'https://example.com/a:b@c',
  GITHUB_TOKEN: 't',
  npm_config_registry: 'r',
  npm_config__authToken: 't',
  AWS_SECRET_ACCESS_KEY: 's',
  MY_PASSWORD: 'p',
  PASSENGERS: '4',
  SSH_AUTH_SOCK: '/s',
  DOCKER_HOST: 'unix:///d',
  LD_PRELOAD: '/x.so',
  NODE_OPTIONS: '--require x',
  GIT_SSH_COMMAND: 'x',
}

describe('inheritEnv', () => {
  const names = (rule: InheritEnv) => Object.keys(inheritedEnvironment(rule, host)).sort()

  it.each([
    ['all', Object.keys(host).sort()],
    ['none', []],
    ['core', ['HOME', 'LC_ALL', 'PATH', 'TERM']],
    [
      'sanitized',
      ['BUILD_ID', 'CI', 'HOME', 'HOMEPAGE', 'LC_ALL', 'PASSENGERS', 'PATH', 'TERM', 'npm_config_registry'],
    ],
    [
      ['PATH', 'npm_*', 'MISSING'],
      ['PATH', 'npm_config__authToken', 'npm_config_registry'],
    ],
    [['*_ID', 'C.'], ['BUILD_ID']],
  ] as const)('%s lets through %j', (rule, expected) => {
    expect(names(rule)).toEqual(expected)
  })

  const environmentOf = async (options: Omit<SandboxOptions, 'policy'>, call: object = {}) => {
    await using sandbox = await createSandbox({ policy: workspaceWrite(), cwd: world.at('ws'), ...options })
    const { stdout } = await sandbox.run('/usr/bin/env', [], call)
    return stdout.split('\n').filter(line => /^(WORLD_|HOME=|PATH=)/.test(line))
  }
  afterEach(() => {
    for (const name of ['WORLD_TOKEN', 'WORLD_PLAIN', 'NODE_CHANNEL_FD']) delete process.env[name]
  })

  it('gives commands what the rule lets through, and env on top', async () => {
    Object.assign(process.env, { WORLD_TOKEN: 'secret', WORLD_PLAIN: 'plain' })
    const without = (lines: string[]) => lines.filter(line => !/^(HOME|PATH)=/.test(line))
    expect(without(await environmentOf({}))).toEqual(expect.arrayContaining(['WORLD_TOKEN=secret']))
    expect(without(await environmentOf({ inheritEnv: 'sanitized' }))).toEqual(['WORLD_PLAIN=plain'])
    expect(without(await environmentOf({ inheritEnv: 'core', env: { WORLD_A: '1' } }))).toEqual(['WORLD_A=1'])
    expect(without(await environmentOf({ inheritEnv: ['WORLD_*'], env: { WORLD_TOKEN: undefined } }))).toEqual([
      'WORLD_PLAIN=plain',
    ])
    expect(await environmentOf({ env: { WORLD_A: '1' } })).toEqual(['WORLD_A=1'])
    expect(await environmentOf({ inheritEnv: 'none' })).toEqual([])
    expect(await environmentOf({ inheritEnv: 'all' }, { inheritEnv: 'none', env: { WORLD_B: '2' } })).toEqual([
      'WORLD_B=2',
    ])
  })

  it.each([['everything'], [7], [['A=B']], [['']]])('refuses %j', async rule => {
    const made = createSandbox({ policy: workspaceWrite(), cwd: world.at('ws'), inheritEnv: rule as never })
    await expect(made).rejects.toBeInstanceOf(OptionError)
  })

  it("keeps Node's own channel from commands, and refuses to be given one", async () => {
    process.env['NODE_CHANNEL_FD'] = '3'
    await using sandbox = await createSandbox({ policy: workspaceWrite(), cwd: world.at('ws') })
    expect((await sandbox.run('/usr/bin/env')).stdout).not.toContain('NODE_CHANNEL')
    const given = sandbox.run('true', [], { env: { PATH: '/bin', NODE_CHANNEL_FD: '3' } })
    await expect(given).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', message: /IPC channel/ })
    for (const stdio of ['ipc', ['pipe', 'pipe', 'pipe', 'ipc']]) {
      const asked = sandbox.run('true', [], { stdio: stdio as never })
      await expect(asked).rejects.toMatchObject({ option: 'stdio', message: expect.stringContaining("'ipc' channels") })
    }
  })
})

describe.each(kinds)('the world of a command: %s', kind => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await sandboxOf(kind, world.at('ws'))
  })
  afterAll(() => sandbox[Symbol.dispose]())

  it('has the mask that was asked for, else the one of the host', async () => {
    const mode = async (umask: number | undefined) => {
      await sandbox.run('sh', ['-c', 'rm -f made; : > made'], umask === undefined ? {} : { umask })
      return statSync(world.at('ws/made')).mode & 0o777
    }
    expect(await mode(0o077)).toBe(0o600)
    expect(await mode(0)).toBe(0o666)
    expect(await mode(undefined)).toBe(0o666 & ~process.umask())
    await expect(sandbox.run('true', [], { umask: 0o1000 })).rejects.toMatchObject({ option: 'umask' })
  })

  it('is a session of its own without a terminal', async () => {
    const script =
      'read -r pid rest < /proc/self/stat; set -- $(cut -d" " -f5-7 /proc/self/stat); echo "$2 $3"; : < /dev/tty'
    const result = await sandbox.run('sh', ['-c', script])
    expect(result.stdout.trim().split(' ')[1]).toBe('0')
    expect(result.exitCode).not.toBe(0)
  })

  it.each(['run', 'spawn'] as const)('has the descriptors that %s was given, of every sort', async way => {
    world.make({ 'ws/in': 'from a file', 'ws/out': '' })
    const { openSync, closeSync, createReadStream } = await import('node:fs')
    const input = createReadStream(world.at('ws/in'))
    await new Promise(resolve => input.once('open', resolve))
    const out = openSync(world.at('ws/out'), 'w')
    const stdio = [input, 'pipe', 'ignore', out, 'ignore', 'inherit'] as const
    // Descriptor 5 of this process may be anything; the command only has to have one exactly where it was given.
    const script = 'cat; echo to-three >&3; ls /proc/self/fd | tr "\\n" " " >&3'
    try {
      if (way === 'run') {
        expect((await sandbox.run('sh', ['-c', script], { stdio: stdio.slice(0, 5) })).stdout).toBe('from a file')
      } else {
        const child = sandbox.spawn('sh', ['-c', script], { stdio: stdio.slice(0, 5) })
        let said = ''
        child.stdout?.on('data', chunk => {
          said += chunk
        })
        await new Promise(resolve => child.once('close', resolve))
        expect(said).toBe('from a file')
      }
    } finally {
      input.destroy()
      closeSync(out)
    }
    // 0 to 4 as given; one more is the listing itself.
    expect(readFileSync(world.at('ws/out'), 'utf8')).toMatch(/^to-three\n0 1 2 3 4 \d+ $/)
  })
})

describe('a host that is protected when memory runs out', () => {
  let library: CompiledLibrary
  beforeAll(() => {
    library = compileLibrary()
  })
  afterAll(() => library.remove())

  const scores = (own: string, option: string) => {
    const text = `
      import { writeFileSync } from 'node:fs'
      writeFileSync('/proc/self/oom_score_adj', '${own}')
      const linux = ${option}
      for (const engines of [['namespace'], ['landlock']]) {
        const sandbox = await createSandbox({ policy: policies.workspaceWrite({ excludeSlashTmp: true }), cwd: ${JSON.stringify(world.at('ws'))}, linux: { ...linux, engines } })
        const { stdout } = await sandbox.run('cat', ['/proc/self/oom_score_adj'])
        console.log(stdout.trim())
        sandbox[Symbol.dispose]()
      }`
    return spawnSync(process.execPath, [library.script('oom', text)], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
  }
  const engines = kinds.filter(kind => kind === 'namespace' || kind === 'landlock').length

  const protects = spawnSync('sh', ['-c', 'echo -500 > /proc/self/oom_score_adj']).status === 0
  it.runIf(engines === 2 && protects)('does not hand that on (needs CAP_SYS_RESOURCE)', () => {
    expect(scores('-500', '{}')).toEqual(['0', '0'])
  })
  it.runIf(engines === 2)('can offer its commands first, and never protects them', () => {
    expect(scores('100', '{ oomScoreAdjust: 700 }')).toEqual(['700', '700'])
    expect(scores('100', '{ oomScoreAdjust: 50 }')).toEqual(['100', '100'])
  })
})
