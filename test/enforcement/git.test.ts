/**
 * The option `git` against git itself: in a plain repository, a linked worktree and a submodule, who can commit, and who can
 * plant what git runs later.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createSandbox, type GitAccess, type Sandbox } from '../../lib/index.ts'
import { type EngineName, eachEngine, mountEngines, only } from './support/engines.ts'
import { entry, special, split, workspaceWrite } from './support/policies.ts'
import { makeWorld } from './support/world.ts'

const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
}

function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

const gitMissing = (() => {
  try {
    execFileSync('git', ['--version'])
    return false
  } catch {
    return true
  }
})()

const places = ['plain', 'worktree', 'submodule'] as const

describe.skipIf(gitMissing)('git in a sandbox (needs git)', () => {
  const world = makeWorld('git')
  afterAll(() => world.remove())

  /** A directory with its repository, new for every test. */
  function repository(place: (typeof places)[number]): { cwd: string; common: string; directory: string } {
    rmSync(world.at('host'), { recursive: true, force: true })
    mkdirSync(world.at('host/main'), { recursive: true })
    const main = world.at('host/main')
    git(main, 'init', '-q', '-b', 'main', '.')
    writeFileSync(path.join(main, 'file'), 'x')
    git(main, 'add', 'file')
    git(main, 'commit', '-q', '-m', 'first')
    const common = path.join(main, '.git')
    if (place === 'plain') return { cwd: main, common, directory: common }
    if (place === 'worktree') {
      git(main, 'worktree', 'add', '-q', world.at('host/tree'))
      return { cwd: world.at('host/tree'), common, directory: path.join(common, 'worktrees/tree') }
    }
    mkdirSync(world.at('host/super'))
    git(world.at('host/super'), 'init', '-q', '.')
    git(world.at('host/super'), 'submodule', '--quiet', 'add', main, 'sub')
    const directory = world.at('host/super/.git/modules/sub')
    return { cwd: world.at('host/super/sub'), common: directory, directory }
  }

  async function sandbox(
    engine: EngineName,
    cwd: string,
    access: GitAccess | undefined,
    policy: unknown = workspaceWrite(),
  ) {
    return createSandbox({ policy, cwd, env, linux: only[engine], ...(access === undefined ? {} : { git: access }) })
  }

  async function commits(sandbox: Sandbox): Promise<boolean> {
    const script = 'echo y >> file && git add file && git commit -q -m second'
    const { exitCode } = await sandbox.run('sh', ['-c', script], { timeout: 60_000 })
    const message = git(sandbox.cwd, 'log', '-1', '--format=%s').trim()
    expect(exitCode === 0).toBe(message === 'second')
    return exitCode === 0
  }

  /** Which of these a command could write, create, or put something else in the place of. */
  async function plantable(sandbox: Sandbox, targets: readonly string[]): Promise<string[]> {
    const script = `for one in "$@"; do
      if { echo '#evil' >> "$one"; } 2>/dev/null || { echo x > "$one.new" && mv -f "$one.new" "$one"; } 2>/dev/null ||
        { mv "$one" "$one.old"; } 2>/dev/null || { mkdir -p "$one"; } 2>/dev/null && [ ! -d "$one" ]; then echo "$one"; fi
    done`
    const { stdout } = await sandbox.run('sh', ['-c', script, 'sh', ...targets], { timeout: 60_000 })
    return stdout.split('\n').slice(0, -1)
  }

  const metadata = ({ cwd, common, directory }: ReturnType<typeof repository>) => [
    path.join(common, 'hooks/pre-commit'),
    path.join(common, 'config'),
    path.join(common, 'config.worktree'),
    path.join(directory, 'config.worktree'),
    ...(common === directory ? [] : ['commondir', 'gitdir'].map(name => path.join(directory, name))),
    ...(cwd === path.dirname(common) ? [] : [path.join(cwd, '.git')]),
  ]

  eachEngine(mountEngines, 'git directories', engine => {
    describe.each(places)('of a %s', place => {
      let repo: ReturnType<typeof repository>
      beforeAll(() => {
        repo = repository(place)
      })

      it('are read-only by default', { timeout: 120_000 }, async () => {
        await using box = await sandbox(engine, repo.cwd, undefined)
        expect(await commits(box)).toBe(false)
        const targets = [...metadata(repo), path.join(repo.directory, 'HEAD')]
        expect(await plantable(box, targets)).toEqual([])
      })

      it('take a commit with hooks-and-config-protected, and no hook or setting', { timeout: 120_000 }, async () => {
        await using box = await sandbox(engine, repo.cwd, 'hooks-and-config-protected')
        const before = readFileSync(path.join(repo.common, 'config'), 'utf8')
        expect(await plantable(box, metadata(repo))).toEqual([])
        expect(await commits(box)).toBe(true)
        const { exitCode } = await box.run('git', ['config', 'core.fsmonitor', 'evil'], { timeout: 60_000 })
        expect(exitCode).not.toBe(0)
        expect(readFileSync(path.join(repo.common, 'config'), 'utf8')).toBe(before)
        expect(existsSync(path.join(repo.common, 'hooks/pre-commit'))).toBe(false)
        expect(box.plan.limits.map(({ code }) => code)).toContain('git-commondir')
        expect(box.explain(path.join(repo.common, 'config'))).toMatchObject({
          access: 'read',
          decidedBy: { kind: 'protection', name: 'git-metadata' },
        })
        git(repo.cwd, 'reset', '-q', '--hard', 'HEAD~1')
      })

      it('can be written with writable, but for the pointer', { timeout: 120_000 }, async () => {
        await using box = await sandbox(engine, repo.cwd, 'writable')
        expect(await commits(box)).toBe(true)
        const { exitCode } = await box.run('git', ['config', 'user.name', 'b'], { timeout: 60_000 })
        expect(exitCode).toBe(0)
        const config = path.join(repo.common, 'config')
        expect(await plantable(box, [config])).toEqual([config])
        if (place !== 'plain') expect(await plantable(box, [path.join(repo.cwd, '.git')])).toEqual([])
        git(repo.cwd, 'reset', '-q', '--hard', 'HEAD~1')
      })
    })

    it('of another work tree stay closed beside the own one', { timeout: 120_000 }, async () => {
      const { cwd, common } = repository('worktree')
      git(path.dirname(common), 'worktree', 'add', '-q', world.at('host/other'))
      await using box = await sandbox(engine, cwd, 'hooks-and-config-protected')
      const other = path.join(common, 'worktrees/other')
      expect(
        await plantable(
          box,
          ['commondir', 'gitdir', 'HEAD'].map(name => path.join(other, name)),
        ),
      ).toEqual([])
    })

    it('are not opened for a pointer that they do not return', { timeout: 120_000 }, async () => {
      repository('plain')
      world.make({ 'host/victim/config': '[core]\n', 'host/victim/HEAD': 'ref: refs/heads/main\n' })
      world.make({ 'host/trap/.git': `gitdir: ${world.at('host/victim')}\n` })
      await using box = await sandbox(engine, world.at('host/trap'), 'writable')
      expect(await plantable(box, [world.at('host/victim/config'), world.at('host/trap/.git')])).toEqual([])
      expect(box.notices.map(({ code }) => code)).toContain('git-protected')
    })

    it('that an entry denies stay denied', { timeout: 120_000 }, async () => {
      const { cwd, common } = repository('worktree')
      const policy = split(
        special('root', 'read'),
        special('project_roots', 'write'),
        entry(path.dirname(common), 'none'),
      )
      await using box = await sandbox(engine, cwd, 'writable', policy)
      expect(box.explain(path.join(common, 'config')).access).toBe('none')
      expect(await plantable(box, [path.join(common, 'config')])).toEqual([])
    })

    it('follow an entry for exactly them, hooks and configuration excepted', { timeout: 120_000 }, async () => {
      const { cwd, common } = repository('plain')
      const policy = split(special('root', 'read'), special('project_roots', 'write'), entry(common, 'write'))
      await using open = await sandbox(engine, cwd, undefined, policy)
      expect(await commits(open)).toBe(true)
      await using guarded = await sandbox(engine, cwd, 'hooks-and-config-protected', policy)
      expect(await plantable(guarded, [path.join(common, 'config'), path.join(common, 'hooks/pre-commit')])).toEqual([])
      const closed = split(special('root', 'read'), special('project_roots', 'write'), entry(common, 'read'))
      await using kept = await sandbox(engine, cwd, 'writable', closed)
      expect(await plantable(kept, [path.join(common, 'HEAD')])).toEqual([])
    })

    it('can be read where hardly anything can', { timeout: 120_000 }, async () => {
      const { cwd } = repository('worktree')
      const policy = split(special('minimal', 'read'), special('project_roots', 'write'))
      await using box = await sandbox(engine, cwd, 'hooks-and-config-protected', policy)
      expect(await commits(box)).toBe(true)
    })
  })
})
