/**
 * What changes on the disk between two commands of one sandbox: protection follows, and what was moved is refused.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { allEngines, eachEngine, mountEngines, sandboxWith } from './support/engines.ts'
import { entry, special, split, workspaceWrite } from './support/policies.ts'
import { check, compileProbe, compilerMissing, type Expectation } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

const holds: Expectation = { limit: 'protected-paths' }

describe.skipIf(compilerMissing !== null)(`changes${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  beforeAll(() => {
    world = makeWorld('changes')
    probe = compileProbe(world.base)
  })
  afterAll(() => world.remove())

  eachEngine(allEngines, 'protection', engine => {
    const place = `protection-${engine}`
    const at = (...names: string[]) => world.at(place, ...names)

    it('begins with the next command when the host makes .git, .codex or .agents', async () => {
      world.make({ [`${place}/later/file`]: 'text' })
      const sandbox = await sandboxWith(engine, workspaceWrite(), at('later'))
      await check(sandbox, probe, [[`write|${at('later/file')}`, 'allow']])
      for (const name of ['.git', '.codex', '.agents']) {
        world.make({ [`${place}/later/${name}/config`]: 'text' })
        await check(sandbox, probe, [
          [`write|${at('later', name, 'config')}`, holds],
          [`create|${at('later', name, 'new')}`, holds],
        ])
      }
    })

    it('holds for a directory that was deleted and made again', async () => {
      world.make({ [`${place}/again/.git/config`]: 'text' })
      const sandbox = await sandboxWith(engine, workspaceWrite(), at('again'))
      await check(sandbox, probe, [[`append|${at('again/.git/config')}`, holds]])
      rmSync(at('again/.git'), { recursive: true })
      world.make({ [`${place}/again/.git/config`]: 'text' })
      await check(sandbox, probe, [[`append|${at('again/.git/config')}`, holds]])
      rmSync(at('again'), { recursive: true })
      world.make({ [`${place}/again/.git/config`]: 'text', [`${place}/again/file`]: 'text' })
      await check(sandbox, probe, [
        [`append|${at('again/.git/config')}`, holds],
        [`append|${at('again/file')}`, 'allow'],
      ])
    })

    it('holds for what a command itself made a git directory of, where it can make one', async () => {
      world.make({ [`${place}/made`]: null })
      const sandbox = await sandboxWith(engine, workspaceWrite(), at('made'))
      await check(sandbox, probe, [[`mkdir|${at('made/.git')}`, engine === 'landlock' ? 'allow' : /^EEXIST$/]])
      if (engine !== 'landlock') mkdirSync(at('made/.git'))
      await check(sandbox, probe, [[`create|${at('made/.git/config')}`, holds]])
    })

    it('follows a pointer file that is rewritten', async () => {
      world.make({
        [`${place}/pointer/one/config`]: 'text',
        [`${place}/pointer/two/config`]: 'text',
        [`${place}/pointer/.git`]: 'gitdir: one\n',
      })
      const sandbox = await sandboxWith(engine, workspaceWrite(), at('pointer'))
      await check(sandbox, probe, [
        [`append|${at('pointer/one/config')}`, holds],
        [`append|${at('pointer/two/config')}`, 'allow'],
      ])
      writeFileSync(at('pointer/.git'), 'gitdir: ./two/.\n')
      await check(sandbox, probe, [
        [`append|${at('pointer/two/config')}`, holds],
        [`append|${at('pointer/one/config')}`, 'allow'],
      ])
    })

    it('holds for a git directory that appears behind its pointer file', async () => {
      world.make({ [`${place}/early/.git`]: 'gitdir: real\n', [`${place}/early/file`]: 'text' })
      const sandbox = await sandboxWith(engine, workspaceWrite(), at('early'))
      await check(sandbox, probe, [[`append|${at('early/.git')}`, holds]])
      world.make({ [`${place}/early/real/config`]: 'text' })
      await check(sandbox, probe, [[`append|${at('early/real/config')}`, holds]])
    })
  })

  eachEngine(allEngines, 'moved roots', engine => {
    const place = `moved-${engine}`
    const at = (...names: string[]) => world.at(place, ...names)

    it('refuses a writable root in whose place a command put a link', async () => {
      world.make({ [`${place}/swap/outer/mid/inner/file`]: 'text', [`${place}/swap/target/file`]: 'text' })
      const inner = at('swap/outer/mid/inner')
      const sandbox = await sandboxWith(engine, workspaceWrite([inner]), at('swap/outer'))
      await check(sandbox, probe, [[`write|${inner}/file`, 'allow']])
      // By the command where it can, otherwise by the host on its behalf.
      const moved = await sandbox.run('sh', [
        '-c',
        'mv mid gone && mkdir mid && ln -s "$1" mid/inner',
        'sh',
        at('swap/target'),
      ])
      if (moved.exitCode !== 0) {
        execFileSync('sh', ['-c', 'mv mid gone && mkdir mid && ln -s "$1" mid/inner', 'sh', at('swap/target')], {
          cwd: at('swap/outer'),
        })
      }
      await expect(sandbox.run('true')).rejects.toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE', entry: inner })
      expect(() => sandbox.spawn('true')).toThrow(expect.objectContaining({ code: 'ERR_POLICY_NOT_ENFORCEABLE' }))
      expect(() => sandbox.runSync('true')).toThrow(expect.objectContaining({ code: 'ERR_POLICY_NOT_ENFORCEABLE' }))
      // It stays refused: asking again must not make it true.
      await expect(sandbox.run('true')).rejects.toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE' })
    })

    it('refuses a root that did not exist and is a link now', async () => {
      world.make({ [`${place}/absent/outer`]: null, [`${place}/absent/target/file`]: 'text' })
      const inner = at('absent/outer/inner')
      const sandbox = await sandboxWith(engine, workspaceWrite([inner]), at('absent/outer'))
      await check(sandbox, probe, [[`symlink|${at('absent/target')}|${inner}`, 'allow']])
      await expect(sandbox.run('true')).rejects.toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE' })
    })

    it('refuses to be made with a root that is a link below another root', async () => {
      world.make({ [`${place}/linked/outer`]: null, [`${place}/linked/target/file`]: 'text' })
      symlinkSync(at('linked/target'), at('linked/outer/inner'))
      await expect(
        sandboxWith(engine, workspaceWrite([at('linked/outer/inner')]), at('linked/outer')),
      ).rejects.toMatchObject({
        code: 'ERR_POLICY_NOT_ENFORCEABLE',
        entry: at('linked/outer/inner'),
      })
    })

    it('refuses a working directory that leads elsewhere now', async () => {
      world.make({ [`${place}/cwd/one/file`]: 'text', [`${place}/cwd/two/file`]: 'text' })
      symlinkSync(at('cwd/one'), at('cwd/link'))
      const sandbox = await sandboxWith(engine, workspaceWrite(), at('cwd/link'))
      await check(sandbox, probe, [[`append|${at('cwd/one/file')}`, 'allow']])
      rmSync(at('cwd/link'))
      symlinkSync(at('cwd/two'), at('cwd/link'))
      await expect(sandbox.run('true')).rejects.toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE' })
    })
  })

  eachEngine(mountEngines, 'carve-outs', engine => {
    const place = `carved-${engine}`
    const at = (...names: string[]) => world.at(place, ...names)

    it('cannot be evaded by moving their parents', async () => {
      world.make({
        [`${place}/ws/a/b/secret/file`]: 'secret',
        [`${place}/ws/a/b/kept`]: 'text',
        [`${place}/ws/free/deep`]: null,
      })
      const sandbox = await sandboxWith(
        engine,
        split(
          special('root', 'read'),
          entry(at('ws'), 'write'),
          entry(at('ws/a/b/secret'), 'none'),
          entry(at('ws/a/b/kept'), 'read'),
        ),
        at('ws'),
      )
      const rows = [
        [`rename|${at('ws/a')}|${at('ws/c')}`, 'deny'],
        [`rename|${at('ws/a/b')}|${at('ws/b')}`, 'deny'],
        [`exchange|${at('ws/a')}|${at('ws/free')}`, 'deny'],
        [`rename|${at('ws/free/deep')}|${at('ws/a/b/secret')}`, 'deny'],
        [`read|${at('ws/a/b/secret/file')}`, /^(EACCES|ENOENT)$/],
        [`write|${at('ws/a/b/kept')}`, 'deny'],
        [`create|${at('ws/a/b/new')}`, 'allow'],
        [`unlink|${at('ws/a/b/new')}`, 'allow'],
      ] as const
      await check(sandbox, probe, rows)
      // The host may do what the command may not; then the policy's words are about something that is missing.
      renameSync(at('ws/a'), at('ws/c'))
      await check(sandbox, probe, [
        [`create|${at('ws/a/b')}`, 'deny'],
        [`mkdir|${at('ws/a')}`, /^EEXIST$/],
        [`create|${at('ws/c/new')}`, 'allow'],
        [`unlink|${at('ws/c/new')}`, 'allow'],
      ])
      renameSync(at('ws/c'), at('ws/a'))
      await check(sandbox, probe, rows)
    })

    it('follow a denied file that is replaced between two commands', async () => {
      world.make({ [`${place}/file/key`]: 'secret', [`${place}/file/other`]: 'text' })
      const sandbox = await sandboxWith(
        engine,
        split(special('root', 'read'), entry(at('file'), 'write'), entry(at('file/key'), 'none')),
        at('file'),
      )
      await check(sandbox, probe, [[`read|${at('file/key')}`, 'deny']])
      writeFileSync(at('file/key.new'), 'secret 2')
      renameSync(at('file/key.new'), at('file/key'))
      await check(sandbox, probe, [
        [`read|${at('file/key')}`, 'deny'],
        [`read|${at('file/other')}`, 'allow'],
      ])
      rmSync(at('file/key'))
      mkdirSync(at('file/key'))
      await check(sandbox, probe, [[`list|${at('file/key')}`, 'deny']])
    })

    it('follow a denied entry through a chain of links', async () => {
      world.make({
        [`${place}/chain/one/file`]: 'secret',
        [`${place}/chain/two/file`]: 'secret',
        [`${place}/ws2`]: null,
      })
      symlinkSync(at('chain/second'), at('chain/first'))
      symlinkSync(at('chain/one'), at('chain/second'))
      const made = await sandboxWith(
        engine,
        split(special('root', 'read'), entry(at('ws2'), 'write'), entry(at('chain/first'), 'none')),
        at('ws2'),
      ).catch((error: unknown) => error as Error)
      if (made instanceof Error) {
        expect(made).toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE' })
        return
      }
      await check(made, probe, [[`read|${at('chain/one/file')}`, /^(EACCES|ENOENT)$/]])
      rmSync(at('chain/second'))
      symlinkSync(at('chain/two'), at('chain/second'))
      await check(made, probe, [[`read|${at('chain/two/file')}`, /^(EACCES|ENOENT)$/]])
    })
  })
})
