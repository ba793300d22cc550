/**
 * Patterns: what matches at the launch is closed, under every name, and the result says that it is a snapshot.
 */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../lib/index.ts'
import { createSandbox } from '../../lib/index.ts'
import { eachEngine, mountEngines, sandboxWith } from './support/engines.ts'
import { entry, special, split } from './support/policies.ts'
import { makeWorld, type World } from './support/world.ts'

const glob = (pattern: string, access = 'none') => ({ path: { type: 'glob_pattern', pattern }, access })

async function canRead(sandbox: Sandbox, file: string): Promise<boolean> {
  const { stdout } = await sandbox.run('/bin/cat', [file])
  return stdout.includes('secret')
}

describe('patterns', () => {
  let world: World
  beforeAll(() => {
    world = makeWorld('patterns')
  })
  afterAll(() => world.remove())

  eachEngine(mountEngines, 'denied patterns', engine => {
    const at = (...names: string[]) => world.at(engine, ...names)
    const make = (files: Readonly<Record<string, string>>) =>
      world.make(Object.fromEntries(Object.entries(files).map(([name, text]) => [`${engine}/${name}`, text])))
    const sandboxFor = (...entries: object[]) =>
      sandboxWith(engine, split(special('root', 'read'), entry(at('ws'), 'write'), ...entries), at('ws'))

    it('close what matches, at any level and by any name, and nothing else', async () => {
      make({ 'ws/.env': 'secret', 'ws/a/b/prod.env': 'secret', 'ws/a/env': 'secret', 'ws/keys/id': 'secret' })
      make({ 'outside/x.env': 'secret' })
      const sandbox = await sandboxFor(glob('**/*.env'), glob('**/keys'))
      expect(await canRead(sandbox, at('ws/.env'))).toBe(false)
      expect(await canRead(sandbox, at('ws/a/b/prod.env'))).toBe(false)
      expect(await canRead(sandbox, at('ws/keys/id'))).toBe(false)
      expect(await canRead(sandbox, at('ws/a/env'))).toBe(true)
      expect(await canRead(sandbox, at('outside/x.env'))).toBe(true)
      const moved = await sandbox.run('/bin/sh', ['-c', 'mv .env x; mv a/b y; ln a/b/prod.env z; cat x y/* z'], {})
      expect(moved.stdout).not.toContain('secret')
    })

    it('say that they are a snapshot, and follow the disk at the next command', async () => {
      make({ 'ws/later/x': 'text' })
      const sandbox = await sandboxFor(glob('later/*.env'))
      expect(sandbox.plan.limits.map(({ code }) => code)).toContain('glob-snapshot')
      expect(sandbox.notices.some(({ message }) => message.includes('glob-snapshot'))).toBe(true)
      const result = await sandbox.run('/bin/sh', ['-c', 'echo secret > later/new.env; cat later/new.env'])
      expect([result.stdout, result.globs]).toEqual(['secret\n', 'snapshot'])
      expect(await canRead(sandbox, at('ws/later/new.env'))).toBe(false)
      writeFileSync(at('ws/later/host.env'), 'secret')
      expect(await canRead(sandbox, at('ws/later/host.env'))).toBe(false)
      expect(sandbox.policy.globs).toMatchObject({ kind: 'snapshot' })
    })

    it('close what a matching link leads to, also when a command removes the link', async () => {
      make({ 'ws/linked/x': 'text', 'elsewhere/key': 'secret' })
      symlinkSync(at('elsewhere/key'), at('ws/linked/l.env'))
      const sandbox = await sandboxFor(glob('linked/*.env'))
      expect(await canRead(sandbox, at('ws/linked/l.env'))).toBe(false)
      expect(await canRead(sandbox, at('elsewhere/key'))).toBe(false)
      await sandbox.run('/bin/rm', ['-f', at('ws/linked/l.env')])
      expect(await canRead(sandbox, at('elsewhere/key'))).toBe(false)
    })

    it('keep a fixed path from being created', async () => {
      make({ 'ws/fixed/x': 'text' })
      const sandbox = await sandboxFor(glob('fixed/made.env'))
      const { exitCode } = await sandbox.run('/bin/sh', ['-c', 'echo x > fixed/made.env'])
      expect(exitCode).not.toBe(0)
      rmSync(at('ws/fixed'), { recursive: true })
    })

    it('let an entry below a match be opened again', async () => {
      make({ 'ws/vault.d/open/file': 'secret', 'ws/vault.d/file': 'secret' })
      const sandbox = await sandboxFor(glob('*.d'), entry(at('ws/vault.d/open'), 'read'))
      expect(await canRead(sandbox, at('ws/vault.d/file'))).toBe(false)
      expect(await canRead(sandbox, at('ws/vault.d/open/file'))).toBe(true)
    })

    it('hold under a whole disk that is writable', async () => {
      make({ 'ws/whole/x.env': 'secret', 'ws/whole/x': 'secret' })
      const policy = split(special('root', 'write'), glob(`${at('ws/whole')}/*.env`))
      const sandbox = await sandboxWith(engine, policy, at('ws'))
      expect(await canRead(sandbox, at('ws/whole/x.env'))).toBe(false)
      expect(await canRead(sandbox, at('ws/whole/x'))).toBe(true)
    })
  })

  it('are refused where a plan with limits is', async () => {
    const policy = split(special('root', 'read'), glob(`${world.base}/*.env`))
    const made = createSandbox({ policy, cwd: world.base, strict: true })
    await expect(made).rejects.toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE', entry: `${world.base}/*.env` })
  })

  it('are refused by name when they would open something', async () => {
    const policy = split(special('root', 'read'), glob(`${world.base}/*`, 'write'))
    await expect(createSandbox({ policy, cwd: world.base })).rejects.toMatchObject({
      code: 'ERR_POLICY_NOT_ENFORCEABLE',
      entry: `${world.base}/*`,
      mechanism: 'glob snapshot',
    })
  })
})
