/**
 * Reading: with restricted reads only what the policy and the platform defaults name is there, in every engine.
 */
import { symlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { allEngines, eachEngine, mountEngines, sandboxWith } from './support/engines.ts'
import { entry, special, split } from './support/policies.ts'
import { check, compileProbe, compilerMissing, type Rows } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

const hidden = /^(EACCES|ENOENT)$/

describe.skipIf(compilerMissing !== null)(`reading${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  beforeAll(() => {
    world = makeWorld('reads')
    world.make({
      tools: null,
      'open/file': 'public',
      'shut/file': 'secret',
      'shut/deep/file': 'secret',
      'ws/file': 'text',
    })
    probe = compileProbe(world.at('tools'))
    symlinkSync(world.at('shut'), world.at('open/to-shut'))
  })
  afterAll(() => world.remove())

  eachEngine(allEngines, 'restricted reads', engine => {
    const policy = (readable: readonly string[]) => ({
      type: 'read-only',
      access: { type: 'restricted', include_platform_defaults: true, readable_roots: readable },
    })

    it('shows the roots and the platform, and nothing else', async () => {
      const sandbox = await sandboxWith(engine, policy([world.at('tools'), world.at('open')]), world.at('ws'))
      const rows: Rows = [
        [`read|${world.at('open/file')}`, 'allow'],
        [`list|${world.at('open')}`, 'allow'],
        [`write|${world.at('open/file')}`, 'deny'],
        [`create|${world.at('open/new')}`, 'deny'],
        ['list|/usr', 'allow'],
        ['list|/usr/bin', 'allow'],
        ['write|/dev/null', 'allow'],
        ['read|/dev/zero', 'allow'],
        // A mount namespace always has a /proc; Landlock alone opens only what the policy names.
        ['read|/proc/self/status', engine === 'landlock' ? 'deny' : 'allow'],
        // The working directory is always readable under a restricted legacy policy.
        [`read|${world.at('ws/file')}`, 'allow'],
        [`read|${world.at('shut/file')}`, hidden],
        [`read|${world.at('shut/deep/file')}`, hidden],
        [`list|${world.at('shut')}`, hidden],
        [`read|${world.at('open/to-shut/file')}`, hidden],
        [`list|${world.base}`, 'deny'],
        ['list|/', 'deny'],
        ['list|/root', hidden],
        [`create|${world.at('shut/new')}`, /^(EACCES|ENOENT|EROFS)$/],
        ['create|/new', 'deny'],
        ['mkdir|/tmp/castellan-probe-folder', /^(EACCES|ENOENT|EROFS)$/],
      ]
      await check(sandbox, probe, rows)
    })

    it('runs ordinary programs with the platform defaults alone', async () => {
      const sandbox = await sandboxWith(engine, policy([]), world.at('ws'))
      const shell = await sandbox.run('sh', ['-c', 'echo "$(cat file)" && ls / >/dev/null; echo $?'])
      expect(shell.stdout).toMatch(/^text\n[12]\n$/)
    })

    it('does not show a program that lies outside', async () => {
      const sandbox = await sandboxWith(engine, policy([]), world.at('ws'))
      await expect(sandbox.run(probe)).rejects.toMatchObject({ code: expect.stringMatching(/^(ENOENT|EACCES)$/) })
    })
  })

  eachEngine(mountEngines, 'denied reads', engine => {
    it('re-opens what is named below a denied place, several levels deep', async () => {
      const place = `home-${engine}`
      world.make({
        [`${place}/file`]: 'secret',
        [`${place}/.config/file`]: 'secret',
        [`${place}/.config/app/settings`]: 'public',
        [`${place}/.config/app/tokens/key`]: 'secret',
        [`${place}/.config/app/tokens/public/key`]: 'public',
        [`${place}/.cache/file`]: 'text',
      })
      const at = (...names: string[]) => world.at(place, ...names)
      const sandbox = await sandboxWith(
        engine,
        split(
          special('root', 'read'),
          entry(at(), 'none'),
          entry(at('.config/app'), 'read'),
          entry(at('.config/app/tokens'), 'none'),
          entry(at('.config/app/tokens/public/key'), 'read'),
          entry(at('.cache'), 'write'),
        ),
        world.at('ws'),
      )
      await check(sandbox, probe, [
        [`read|${at('file')}`, hidden],
        [`list|${at()}`, 'deny'],
        [`stat|${at()}`, 'allow'],
        [`read|${at('.config/file')}`, hidden],
        [`list|${at('.config')}`, 'deny'],
        [`read|${at('.config/app/settings')}`, 'allow'],
        [`write|${at('.config/app/settings')}`, 'deny'],
        [`read|${at('.config/app/tokens/key')}`, hidden],
        [`list|${at('.config/app/tokens')}`, 'deny'],
        [`read|${at('.config/app/tokens/public/key')}`, /^ok:public/],
        [`write|${at('.config/app/tokens/public/key')}`, 'deny'],
        [`list|${at('.config/app/tokens/public')}`, 'deny'],
        [`create|${at('.cache/new')}`, 'allow'],
        [`create|${at('new')}`, 'deny'],
        [`mkdir|${at('.config/new')}`, 'deny'],
        [`chmod|${at()}|755`, 'deny'],
        [`rename|${at('.config')}|${at('.config-2')}`, 'deny'],
      ])
    })

    it('denies a file, and a folder by a link to it', async () => {
      const place = `links-${engine}`
      world.make({ [`${place}/real/file`]: 'secret', [`${place}/key`]: 'secret', [`${place}/free`]: 'text' })
      symlinkSync(world.at(place, 'real'), world.at(place, 'alias'))
      const sandbox = await sandboxWith(
        engine,
        split(special('root', 'read'), entry(world.at(place, 'alias'), 'none'), entry(world.at(place, 'key'), 'none')),
        world.at('ws'),
      ).catch((error: unknown) => error as Error)
      // Whether a link's own name can be held is the mount plan's decision; either way the place it leads to stays shut.
      if (sandbox instanceof Error) {
        expect(sandbox).toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE', entry: world.at(place, 'alias') })
        return
      }
      await check(sandbox, probe, [
        [`read|${world.at(place, 'real/file')}`, hidden],
        [`read|${world.at(place, 'alias/file')}`, hidden],
        [`read|${world.at(place, 'key')}`, 'deny'],
        [`execute|${world.at(place, 'key')}`, 'deny'],
        [`read|${world.at(place, 'free')}`, 'allow'],
      ])
    })

    it('writes only where the policy says although nothing else can be read', async () => {
      const sandbox = await sandboxWith(
        engine,
        split(special('minimal', 'read'), entry(world.at('tools'), 'read'), entry(world.at('ws'), 'write')),
        world.at('ws'),
      )
      await check(sandbox, probe, [
        [`create|${world.at('ws/made')}`, 'allow'],
        [`unlink|${world.at('ws/made')}`, 'allow'],
        [`read|${world.at('open/file')}`, hidden],
        [`create|${world.at('tools/made')}`, 'deny'],
        ['create|/usr/made', 'deny'],
        [`rename|${world.at('ws')}|${world.at('ws-2')}`, 'deny'],
      ])
    })
  })
})
