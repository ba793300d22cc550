/**
 * A wrapped command is held like any other, whoever starts it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { processesNaming, uniqueSeconds, until } from '../process/support.ts'
import { eachEngine, sandboxWith } from './support/engines.ts'
import { entry, special, split, workspaceWrite } from './support/policies.ts'
import { compileProbe, compilerMissing } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

describe.skipIf(compilerMissing !== null)(`wrap${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  beforeAll(() => {
    world = makeWorld('wrap')
    world.make({ 'ws/file': 'text', 'ws/.git/config': 'text', 'out/file': 'text', 'ws/denied/file': 'secret' })
    probe = compileProbe(world.base)
  })
  afterAll(() => world.remove())

  eachEngine(['namespace', 'shared', 'landlock'], 'wrapped commands', engine => {
    const held = { limit: engine === 'landlock' } as const

    it('are held to the policy when somebody else starts them', async () => {
      using sandbox = await sandboxWith(engine, workspaceWrite(), world.at('ws'))
      const secret = openSync(world.at('out/file'), 'r')
      try {
        const rows: readonly (readonly [string, RegExp])[] = [
          [`create|${world.at('ws/new')}`, /^ok$/],
          [`unlink|${world.at('ws/new')}`, /^ok$/],
          [`append|${world.at('out/file')}`, /^(EACCES|EROFS)$/],
          [`append|${world.at('ws/.git/config')}`, held.limit ? /^ok$/ : /^(EACCES|EROFS)$/],
          ['tcp4|1', /^EPERM$/],
          ['unshare|10000000', /^EPERM$/],
          ['status|CapEff', /^ok:0+$/],
          ['status|NoNewPrivs', /^ok:1$/],
          ['descriptors', /^ok:0 1 2 $/],
          [`signal|${process.pid}|0`, /^(EPERM|ESRCH)$/],
          [`memory|${process.pid}`, /^(EACCES|EROFS|ENOENT|ESRCH)$/],
        ]
        const { file, args, env } = sandbox.wrap(
          probe,
          rows.map(([operation]) => operation),
        )
        const stdio = ['ignore', 'pipe', 'pipe', secret, secret] as const
        const result = spawnSync(file, [...args], { env, cwd: world.at('ws'), encoding: 'utf8', stdio: [...stdio] })
        expect(result.stderr).toBe('')
        const answers = result.stdout.trim().split('\n')
        const found = rows.map(([operation, expected], index) => [
          operation,
          expected.test(answers[index] ?? '') ? String(expected) : answers[index],
        ])
        expect(found).toEqual(rows.map(([operation, expected]) => [operation, String(expected)]))
      } finally {
        closeSync(secret)
      }
    })

    it('end as they would by themselves, and say why they could not start', async () => {
      using sandbox = await sandboxWith(engine, workspaceWrite(), world.at('ws'))
      const start = (program: string, words: readonly string[] = []) => {
        const { file, args, env } = sandbox.wrap(program, words)
        return spawnSync(file, [...args], { env, cwd: world.at('ws'), encoding: 'utf8' })
      }
      expect(start('sh', ['-c', 'echo out; exit 7'])).toMatchObject({ status: 7, stdout: 'out\n', stderr: '' })
      expect(start('/no/such/program')).toMatchObject({ status: 127, stdout: '' })
      expect(start('/no/such/program').stderr).toMatch(/^castellan: .*exec/)
      expect(start(world.at('ws/file'))).toMatchObject({ status: 126 })
    })

    it('cannot be started any more once the sandbox is disposed of', async () => {
      const sandbox = await sandboxWith(engine, workspaceWrite(), world.at('ws'))
      const { file, args, env } = sandbox.wrap('echo', ['out'])
      sandbox[Symbol.dispose]()
      const result = spawnSync(file, [...args], { env, cwd: world.at('ws'), encoding: 'utf8' })
      expect({ status: result.status, stdout: result.stdout }).toEqual({ status: 125, stdout: '' })
    })

    it('end with the spawner’s signal', async () => {
      using sandbox = await sandboxWith(engine, workspaceWrite(), world.at('ws'))
      const { file, args, env } = sandbox.wrap('sleep', ['100'])
      const child = spawn(file, [...args], { env, stdio: 'ignore' })
      await new Promise(resolve => setTimeout(resolve, 150))
      child.kill('SIGTERM')
      const [code, signal] = await new Promise<unknown[]>(resolve => child.once('exit', (...ended) => resolve(ended)))
      expect(signal === 'SIGTERM' || code === 143).toBe(true)
    })
  })

  eachEngine(['namespace', 'shared'], 'wrapped commands with carve-outs', engine => {
    it('end when the process that the spawner knows is killed', async () => {
      using sandbox = await sandboxWith(engine, workspaceWrite(), world.at('ws'))
      const seconds = uniqueSeconds()
      const { file, args, env } = sandbox.wrap('sleep', [seconds])
      const known = spawn(file, [...args], { env, cwd: world.at('ws'), stdio: 'ignore' })
      const running = () => processesNaming(seconds).filter(pid => pid !== known.pid || engine !== 'namespace')
      await until('the command runs', () => running().length > 0)
      known.kill('SIGKILL')
      await until('it is gone', () => processesNaming(seconds).length === 0)
    })

    it('cannot read what is denied', async () => {
      using sandbox = await sandboxWith(
        engine,
        split(special('root', 'read'), entry(world.at('ws'), 'write'), entry(world.at('ws/denied'), 'none')),
        world.at('ws'),
      )
      const { file, args, env } = sandbox.wrap('cat', [world.at('ws/denied/file')])
      const result = spawnSync(file, [...args], { env, encoding: 'utf8', cwd: world.at('ws') })
      expect(result.stdout).toBe('')
      expect(result.status).toBe(1)
    })
  })
})
