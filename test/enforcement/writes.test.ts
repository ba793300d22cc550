/**
 * Writing: every operation on files is tried inside the writable roots and outside, and what is protected inside them.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { policies, type Sandbox } from '../../lib/index.ts'
import { allEngines, eachEngine, mountEngines, sandboxWith } from './support/engines.ts'
import { entry, special, split, workspaceWrite } from './support/policies.ts'
import { check, compileProbe, compilerMissing, type Expectation, type Rows } from './support/probe.ts'
import { makeWorld, snapshot, type World } from './support/world.ts'

/** Every way to change something in a folder that holds `file`, `other` and `folder/`. */
function changesIn(folder: string, contents: Expectation, metadata: Expectation = contents): Rows {
  const at = (name: string) => `${folder}/${name}`
  return [
    [`lease|${at('file')}`, 'deny'],
    [`write|${at('file')}`, contents],
    [`append|${at('file')}`, contents],
    [`create|${at('new')}`, contents],
    [`mkdir|${at('new-folder')}`, contents],
    [`symlink|target|${at('new-link')}`, contents],
    [`mkfifo|${at('new-pipe')}`, contents],
    [`link|${at('file')}|${at('new-name')}`, contents],
    [`rename|${at('other')}|${at('renamed')}`, contents],
    [`truncate|${at('file')}`, contents],
    [`open-truncate|${at('file')}`, contents],
    [`chmod|${at('file')}|600`, metadata],
    [`chown|${at('file')}`, metadata],
    [`utimes|${at('file')}`, metadata],
    [`rmdir|${at('folder')}`, contents],
    [`unlink|${at('file')}`, contents],
    [`mknod-device|${at('device')}`, 'deny'],
  ]
}

const populated = (folder: string) => ({
  [`${folder}/file`]: 'text',
  [`${folder}/other`]: 'text',
  [`${folder}/folder`]: null,
})

describe.skipIf(compilerMissing !== null)(`writing${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  beforeAll(() => {
    world = makeWorld('writes')
    probe = compileProbe(world.base)
  })
  afterAll(() => world.remove())

  const asked = (sandbox: Sandbox, rows: Rows) => check(sandbox, probe, rows)

  eachEngine(allEngines, 'workspace-write', engine => {
    const place = `workspace-${engine}`
    beforeAll(() => {
      world.make({ ...populated(`${place}/ws`), ...populated(`${place}/out`), ...populated(`${place}/extra`) })
      world.make({ [`${place}/single`]: 'text', [`${place}/ws/.hidden/file`]: 'text' })
    })

    it('changes everything inside the roots and nothing outside', async () => {
      const sandbox = await sandboxWith(engine, workspaceWrite([world.at(place, 'extra')]), world.at(place, 'ws'))
      const before = snapshot(world.at(place, 'out'))
      await asked(sandbox, [
        ...changesIn(world.at(place, 'ws'), 'allow'),
        ...changesIn(world.at(place, 'extra'), 'allow'),
        ...changesIn(world.at(place, 'out'), 'deny', { limit: 'metadata-outside-roots' }),
        [`rename|${world.at(place, 'ws/renamed')}|${world.at(place, 'out/stolen')}`, 'deny'],
        [`rename|${world.at(place, 'out/other')}|${world.at(place, 'ws/stolen')}`, 'deny'],
        [`link|${world.at(place, 'out/other')}|${world.at(place, 'ws/linked')}`, 'deny'],
        [`create|${world.at(place, 'ws/.hidden/new')}`, 'allow'],
        [`create|${world.at(place, 'sibling')}`, 'deny'],
        [`rename|${world.at(place, 'ws')}|${world.at(place, 'moved')}`, 'deny'],
        [`rmdir|${world.at(place, 'out/folder')}`, 'deny'],
      ])
      const after = snapshot(world.at(place, 'out'))
      if (sandbox.plan.limits.some(({ code }) => code === 'metadata-outside-roots')) {
        expect(Object.keys(after)).toEqual(Object.keys(before))
      } else {
        expect(after).toEqual(before)
      }
    })

    it('writes to a link only as far as the place it leads to is writable', async () => {
      const sandbox = await sandboxWith(engine, workspaceWrite(), world.at(place, 'ws'))
      symlinkSync(world.at(place, 'out/file'), world.at(place, 'ws/to-outside'))
      symlinkSync(world.at(place, 'out'), world.at(place, 'ws/to-folder'))
      await asked(sandbox, [
        [`write|${world.at(place, 'ws/to-outside')}`, 'deny'],
        [`create|${world.at(place, 'ws/to-folder/new')}`, 'deny'],
        [`read|${world.at(place, 'ws/to-outside')}`, 'allow'],
        [`unlink|${world.at(place, 'ws/to-outside')}`, 'allow'],
        [`unlink|${world.at(place, 'ws/to-folder')}`, 'allow'],
      ])
    })

    it('writes nothing at all under read-only', async () => {
      const sandbox = await sandboxWith(engine, 'read-only', world.at(place, 'out'))
      await asked(sandbox, [
        ...changesIn(world.at(place, 'out'), 'deny', { limit: 'metadata-outside-roots' }),
        ['write|/dev/null', 'allow'],
        ['create|/tmp/castellan-probe-file', 'deny'],
      ])
    })

    it('opens /tmp and $TMPDIR when the policy does', async () => {
      const given = process.env['TMPDIR']
      world.make({ [`${place}/temporary`]: null })
      process.env['TMPDIR'] = world.at(place, 'temporary')
      try {
        const sandbox = await sandboxWith(
          engine,
          policies.workspaceWrite({ excludeSlashTmp: true }),
          world.at(place, 'ws'),
        )
        await asked(sandbox, [
          [`create|${world.at(place, 'temporary/new')}`, 'allow'],
          [`create|${world.at(place, 'out/new')}`, 'deny'],
        ])
      } finally {
        if (given === undefined) delete process.env['TMPDIR']
        else process.env['TMPDIR'] = given
      }
    })

    it('takes a working directory that is a link for the place it leads to', async () => {
      symlinkSync(world.at(place, 'ws'), world.at(place, 'linked-ws'))
      const sandbox = await sandboxWith(engine, workspaceWrite(), world.at(place, 'linked-ws'))
      await asked(sandbox, [
        [`create|${world.at(place, 'linked-ws/through-link')}`, 'allow'],
        [`unlink|${world.at(place, 'ws/through-link')}`, 'allow'],
        ['create|relative', 'allow'],
        [`unlink|${world.at(place, 'ws/relative')}`, 'allow'],
        [`create|${world.at(place, 'out/new')}`, 'deny'],
      ])
    })

    it('opens single files that are roots, and not the folder around them', async () => {
      const sandbox = await sandboxWith(engine, workspaceWrite([world.at(place, 'single')]), world.at(place, 'ws'))
      await asked(sandbox, [
        [`write|${world.at(place, 'single')}`, 'allow'],
        [`truncate|${world.at(place, 'single')}`, 'allow'],
        [`create|${world.at(place, 'single-2')}`, 'deny'],
        [`unlink|${world.at(place, 'single')}`, 'deny'],
        [`rename|${world.at(place, 'single')}|${world.at(place, 'single-3')}`, 'deny'],
      ])
    })
  })

  eachEngine(allEngines, 'protected metadata', engine => {
    const place = `protected-${engine}`
    const holds: Expectation = { limit: 'protected-paths' }

    it('keeps .git, .codex and .agents of every root as they are', async () => {
      for (const root of ['ws', 'extra']) {
        for (const name of ['.git', '.codex', '.agents']) {
          world.make({ [`${place}/${root}/${name}/config`]: 'text', [`${place}/${root}/${name}/hooks/hook`]: 'text' })
        }
        world.make({ [`${place}/${root}/free/.git/config`]: 'text' })
      }
      const before = ['ws', 'extra'].map(root => snapshot(world.at(place, root)))
      const sandbox = await sandboxWith(engine, workspaceWrite([world.at(place, 'extra')]), world.at(place, 'ws'))
      const rows: (readonly [string, Expectation])[] = []
      for (const root of ['ws', 'extra']) {
        for (const name of ['.git', '.codex', '.agents']) {
          const at = (...names: string[]) => world.at(place, root, name, ...names)
          rows.push(
            [`read|${at('config')}`, 'allow'],
            [`list|${at()}`, 'allow'],
            [`chmod|${at('config')}|640`, holds],
            [`utimes|${at('config')}`, holds],
            [`write|${at('config')}`, holds],
            [`append|${at('hooks/hook')}`, holds],
            [`create|${at('hooks/post-checkout')}`, holds],
            [`rename|${at('config')}|${world.at(place, root, `${name}-config`)}`, holds],
            [`link|${at('hooks/hook')}|${at('hooks/hook-2')}`, holds],
            [`unlink|${at('hooks/hook')}`, holds],
            [`rename|${at()}|${world.at(place, root, `${name}-gone`)}`, holds],
          )
        }
        rows.push([`write|${world.at(place, root, 'free/.git/config')}`, 'allow'])
      }
      await asked(sandbox, rows)
      if (sandbox.plan.limits.length > 0) return
      const after = ['ws', 'extra'].map(root => snapshot(world.at(place, root)))
      const protectedOnly = (trees: Record<string, string>[]) =>
        trees.map(tree => Object.entries(tree).filter(([name]) => /^\.(git|codex|agents)/.test(name)))
      expect(protectedOnly(after)).toEqual(protectedOnly(before))
    })

    it('follows a .git pointer file to the directory it names', async () => {
      world.make({ [`${place}/main/.git/worktrees/tree/HEAD`]: 'ref', [`${place}/main/.git/config`]: 'text' })
      world.make({
        [`${place}/tree/.git`]: `gitdir: ${world.at(place, 'main/.git/worktrees/tree')}\n`,
        [`${place}/tree/file`]: 'x',
      })
      const sandbox = await sandboxWith(engine, workspaceWrite([world.at(place, 'main')]), world.at(place, 'tree'))
      await asked(sandbox, [
        [`write|${world.at(place, 'tree/file')}`, 'allow'],
        [`write|${world.at(place, 'tree/.git')}`, holds],
        [`write|${world.at(place, 'main/.git/worktrees/tree/HEAD')}`, holds],
        [`write|${world.at(place, 'main/.git/config')}`, holds],
        [`unlink|${world.at(place, 'tree/.git')}`, holds],
      ])
    })

    it('protects a git directory beside its pointer file, inside the same root', async () => {
      world.make({ [`${place}/beside/.git`]: 'gitdir: ./real-git\n', [`${place}/beside/real-git/config`]: 'text' })
      const sandbox = await sandboxWith(engine, workspaceWrite(), world.at(place, 'beside'))
      await asked(sandbox, [
        [`write|${world.at(place, 'beside/real-git/config')}`, holds],
        [`create|${world.at(place, 'beside/real-git/hooks')}`, holds],
        [`create|${world.at(place, 'beside/free')}`, 'allow'],
      ])
    })
  })

  eachEngine(mountEngines, 'carve-outs', engine => {
    const place = `carve-${engine}`

    it('keeps read-only and denied entries inside a root, and re-opens below them', async () => {
      world.make({
        [`${place}/ws/keep/file`]: 'text',
        [`${place}/ws/keep/open/deep/file`]: 'text',
        [`${place}/ws/keep/open/deep/shut/file`]: 'secret',
        [`${place}/ws/keep/open/deep/shut/again/file`]: 'text',
        [`${place}/ws/keep/open/deep/shut/again/fixed/file`]: 'text',
        [`${place}/ws/secret/file`]: 'secret',
        [`${place}/ws/secret/public/file`]: 'text',
        [`${place}/ws/secret-file`]: 'secret',
        [`${place}/ws/fixed-file`]: 'text',
        [`${place}/ws/free`]: 'text',
      })
      const at = (...names: string[]) => world.at(place, 'ws', ...names)
      const sandbox = await sandboxWith(
        engine,
        split(
          special('root', 'read'),
          special('current_working_directory', 'write'),
          entry(at('keep'), 'read'),
          entry(at('keep/open/deep'), 'write'),
          entry(at('keep/open/deep/shut'), 'none'),
          entry(at('keep/open/deep/shut/again'), 'write'),
          entry(at('keep/open/deep/shut/again/fixed'), 'read'),
          entry(at('secret'), 'none'),
          entry(at('secret/public'), 'read'),
          entry(at('secret-file'), 'none'),
          entry(at('fixed-file'), 'read'),
        ),
        at(),
      )
      await asked(sandbox, [
        [`write|${at('free')}`, 'allow'],
        [`read|${at('keep/file')}`, 'allow'],
        [`write|${at('keep/file')}`, 'deny'],
        [`create|${at('keep/new')}`, 'deny'],
        [`create|${at('keep/open/new')}`, 'deny'],
        [`write|${at('keep/open/deep/file')}`, 'allow'],
        [`create|${at('keep/open/deep/new')}`, 'allow'],
        [`read|${at('keep/open/deep/shut/file')}`, /^(EACCES|ENOENT)$/],
        [`list|${at('keep/open/deep/shut')}`, 'deny'],
        [`create|${at('keep/open/deep/shut/new')}`, 'deny'],
        [`rename|${at('keep/open/deep/shut')}|${at('keep/open/deep/shut-2')}`, 'deny'],
        [`write|${at('keep/open/deep/shut/again/file')}`, 'allow'],
        [`create|${at('keep/open/deep/shut/again/new')}`, 'allow'],
        [`read|${at('keep/open/deep/shut/again/fixed/file')}`, 'allow'],
        [`write|${at('keep/open/deep/shut/again/fixed/file')}`, 'deny'],
        [`read|${at('secret/file')}`, /^(EACCES|ENOENT)$/],
        [`list|${at('secret')}`, 'deny'],
        [`write|${at('secret/file')}`, /^(EACCES|ENOENT|EROFS)$/],
        [`create|${at('secret/new')}`, 'deny'],
        [`chmod|${at('secret')}|755`, 'deny'],
        [`rename|${at('secret')}|${at('secret-2')}`, 'deny'],
        [`read|${at('secret/public/file')}`, 'allow'],
        [`write|${at('secret/public/file')}`, 'deny'],
        [`read|${at('secret-file')}`, 'deny'],
        [`write|${at('secret-file')}`, 'deny'],
        [`unlink|${at('secret-file')}`, 'deny'],
        [`rename|${at('free')}|${at('secret-file')}`, 'deny'],
        [`link|${at('secret-file')}|${at('copy')}`, 'deny'],
        [`chmod|${at('secret-file')}|666`, 'deny'],
        [`write|${at('fixed-file')}`, 'deny'],
        [`truncate|${at('fixed-file')}`, 'deny'],
        [`rename|${at('free')}|${at('fixed-file')}`, 'deny'],
        [`exchange|${at('free')}|${at('fixed-file')}`, 'deny'],
        [`read|${at('fixed-file')}`, 'allow'],
        // The parents of what is closed cannot be moved away either.
        [`rename|${at('keep')}|${at('keep-2')}`, 'deny'],
      ])
    })

    it('opens a root inside a root, and a folder inside a closed one', async () => {
      world.make({
        [`${place}/outer/inner/file`]: 'text',
        [`${place}/outer/inner/.git/config`]: 'text',
        [`${place}/outer/file`]: 'text',
      })
      const sandbox = await sandboxWith(
        engine,
        workspaceWrite([world.at(place, 'outer/inner')]),
        world.at(place, 'outer'),
      )
      await asked(sandbox, [
        [`write|${world.at(place, 'outer/inner/file')}`, 'allow'],
        [`write|${world.at(place, 'outer/inner/.git/config')}`, 'deny'],
        [`write|${world.at(place, 'outer/file')}`, 'allow'],
        [`rename|${world.at(place, 'outer/inner')}|${world.at(place, 'outer/moved')}`, 'deny'],
      ])
    })

    it('holds a carve-out spelled by its real path under a root spelled through a link', async () => {
      world.make({
        [`${place}/real/kept/file`]: 'text',
        [`${place}/real/hidden/file`]: 'secret',
        [`${place}/real/file`]: 'text',
      })
      symlinkSync(world.at(place, 'real'), world.at(place, 'alias'))
      const sandbox = await sandboxWith(
        engine,
        split(
          special('root', 'read'),
          entry(world.at(place, 'alias'), 'write'),
          entry(world.at(place, 'real/kept'), 'read'),
          entry(world.at(place, 'real/hidden'), 'none'),
        ),
        world.at(place, 'real'),
      )
      await asked(sandbox, [
        [`write|${world.at(place, 'alias/file')}`, 'allow'],
        [`write|${world.at(place, 'real/file')}`, 'allow'],
        [`write|${world.at(place, 'alias/kept/file')}`, 'deny'],
        [`write|${world.at(place, 'real/kept/file')}`, 'deny'],
        [`read|${world.at(place, 'alias/hidden/file')}`, /^(EACCES|ENOENT)$/],
        [`read|${world.at(place, 'real/hidden/file')}`, /^(EACCES|ENOENT)$/],
      ])
    })

    it('holds a carve-out spelled through a link under a root spelled by its real path', async () => {
      world.make({ [`${place}/real2/kept/file`]: 'text', [`${place}/real2/file`]: 'text' })
      symlinkSync(world.at(place, 'real2'), world.at(place, 'alias2'))
      const sandbox = await sandboxWith(
        engine,
        split(
          special('root', 'read'),
          entry(world.at(place, 'real2'), 'write'),
          entry(world.at(place, 'alias2/kept'), 'none'),
        ),
        world.at(place, 'real2'),
      )
      await asked(sandbox, [
        [`write|${world.at(place, 'real2/file')}`, 'allow'],
        [`read|${world.at(place, 'real2/kept/file')}`, /^(EACCES|ENOENT)$/],
        [`read|${world.at(place, 'alias2/kept/file')}`, /^(EACCES|ENOENT)$/],
      ])
    })

    it('closes single places of a disk that is writable as a whole', async () => {
      world.make({
        [`${place}/disk/denied/file`]: 'secret',
        [`${place}/disk/denied-file`]: 'secret',
        [`${place}/disk/fixed/file`]: 'text',
      })
      const at = (...names: string[]) => world.at(place, 'disk', ...names)
      const sandbox = await sandboxWith(
        engine,
        split(
          special('root', 'write'),
          entry(at('denied'), 'none'),
          entry(at('denied-file'), 'none'),
          entry(at('fixed'), 'read'),
        ),
        at(),
      )
      await asked(sandbox, [
        [`create|${at('new')}`, 'allow'],
        [`read|${at('denied/file')}`, /^(EACCES|ENOENT)$/],
        [`read|${at('denied-file')}`, 'deny'],
        [`write|${at('denied-file')}`, 'deny'],
        [`write|${at('fixed/file')}`, 'deny'],
        [`read|${at('fixed/file')}`, 'allow'],
        ['write|/dev/null', 'allow'],
        ['write|/proc/sys/kernel/core_pattern', 'deny'],
        [`rename|${at()}|${world.at(place, 'disk-2')}`, 'deny'],
      ])
    })
  })

  eachEngine(['landlock'], 'carve-outs', engine => {
    it('refuses a policy that takes away below a grant, naming the entry', async () => {
      world.make({ 'landlock-carve/ws/keep': null })
      const keep = world.at('landlock-carve/ws/keep')
      const policy = split(special('root', 'read'), special('current_working_directory', 'write'), entry(keep, 'read'))
      await expect(sandboxWith(engine, policy, world.at('landlock-carve/ws'))).rejects.toMatchObject({
        code: 'ERR_POLICY_NOT_ENFORCEABLE',
        entry: keep,
        mechanism: 'landlock',
      })
    })
  })

  it('leaves nothing of the sandbox on the disk', async () => {
    mkdirSync(world.at('clean'))
    writeFileSync(world.at('clean/file'), 'text')
    const before = snapshot(world.at('clean'))
    const sandbox = await sandboxWith('namespace', workspaceWrite(), world.at('clean'))
    await sandbox.run('true')
    const after = snapshot(world.at('clean'))
    // What stands in for missing protected names comes and goes, which the times of the directory tell.
    expect(Object.keys(after)).toEqual(Object.keys(before))
    expect(after['file']).toBe(before['file'])
  })
})
