/** A patch gets what a sandboxed command would get: real policies, real links, and a thread that swaps directories. */

import { closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'

import {
  type ApplyOptions,
  applyPatch,
  type FileAccess,
  nodeFileAccess,
  PatchRefusedError,
  planPatch,
} from '../../lib/apply-patch/index.ts'
import { BackendError, createSandbox, OptionError, PolicyError, policies } from '../../lib/index.ts'
import { loadLinuxBinding } from '../../lib/native/binding.ts'
import { files, patchOf, rejection, tree, workspace } from './support.ts'

const raceFree = nodeFileAccess().raceFree
/** The test's own directories lie in the temporary one, which is writable otherwise. */
const workspaceWrite = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })

/** `outer/ws` is the workspace; `outer/secret` is none of its business. */
function guarded(): { outer: string; cwd: string } {
  const outer = workspace({
    'ws/a': 'a\n',
    'ws/sub/b': 'b\n',
    'ws/.git/config': 'a\n',
    'ws/.codex/config.toml': 'a\n',
    'secret/s': 'a\n',
  })
  const cwd = join(outer, 'ws')
  symlinkSync('../secret', join(cwd, 'way-out'))
  symlinkSync('../secret/s', join(cwd, 'link-out'))
  symlinkSync(join(outer, 'secret'), join(cwd, 'sub/absolute-way-out'))
  symlinkSync('.git', join(cwd, 'alias'))
  symlinkSync('ws', join(outer, 'also-ws'))
  return { outer, cwd }
}

const update = (path: string): string[] => [`*** Update File: ${path}`, '@@', '-a', '+b']

describe.runIf(raceFree)('applyPatch under a policy', () => {
  const refused: [name: string, lines: string[], access: string][] = [
    ['..', update('../secret/s'), 'read'],
    ['.. out of a directory and back', update('sub/../../secret/s'), 'read'],
    ['a new file by ..', ['*** Add File: ../new', '+b'], 'read'],
    ['new directories by ..', ['*** Add File: ../new/deep/er', '+b'], 'read'],
    ['an absolute path', ['*** Add File: OUTER/new', '+b'], 'read'],
    ['a directory that is a link', update('way-out/s'), 'read'],
    ['a directory that is an absolute link', update('sub/absolute-way-out/s'), 'read'],
    ['a new file behind a link', ['*** Add File: way-out/new', '+b'], 'read'],
    ['a file that is a link', update('link-out'), 'read'],
    ['deleting outside', ['*** Delete File: ../secret/s'], 'read'],
    ['deleting behind a link', ['*** Delete File: way-out/s'], 'read'],
    ['moving out', ['*** Update File: a', '*** Move to: ../secret/a'], 'read'],
    ['moving out through a link', ['*** Update File: a', '*** Move to: way-out/a'], 'read'],
    ['moving in from outside', ['*** Update File: ../secret/s', '*** Move to: mine'], 'read'],
    ['.git', update('.git/config'), 'read'],
    ['.git by an alias', update('alias/config'), 'read'],
    ['.git through ..', update('sub/../.git/config'), 'read'],
    ['a hook that is not there', ['*** Add File: .git/hooks/post-checkout', '+b'], 'read'],
    ['deleting in .git', ['*** Delete File: .git/config'], 'read'],
    ['moving into .git', ['*** Update File: a', '*** Move to: .git/hooks/pre-commit'], 'read'],
    ['moving out of .git', ['*** Update File: .git/config', '*** Move to: config'], 'read'],
    ['.codex', update('.codex/config.toml'), 'read'],
    ['.agents, which is not there', ['*** Add File: .agents/skills/x', '+b'], 'read'],
    ['.agents as a file', ['*** Add File: .agents', '+b'], 'read'],
  ]
  it.each(refused)('refuses %s, whatever stands before it, and writes nothing', async (_, lines, access) => {
    const { outer, cwd } = guarded()
    const before = tree(outer)
    const text = patchOf(...update('a'), '*** Add File: made/x', '+x', ...lines).replaceAll('OUTER', outer)
    const options = { cwd, policy: workspaceWrite }
    const error = await rejection(applyPatch(text, options))
    expect(error).toBeInstanceOf(PatchRefusedError)
    expect(error).toMatchObject({ code: 'ERR_PATCH_REFUSED', access })
    expect(await rejection(planPatch(text, options))).toBeInstanceOf(PatchRefusedError)
    expect(tree(outer)).toEqual(before)
  })

  it('allows what lies inside, however it is spelled', async () => {
    const { outer, cwd } = guarded()
    const lines = [
      ...update('a'),
      '*** Add File: new/deep/x',
      '+x',
      '*** Update File: sub/b',
      '*** Move to: moved/b',
      '*** Delete File: link-out',
      `*** Add File: ${outer}/also-ws/y`,
      '*** Add File: way-out/../z',
    ]
    await applyPatch(patchOf(...lines), { cwd: join(outer, 'also-ws'), policy: workspaceWrite })
    expect(files(cwd)).toMatchObject({ a: 'b\n', 'new/deep/x': 'x\n', 'moved/b': 'b\n', y: '', z: '' })
    expect(files(outer)).toMatchObject({ 'secret/s': 'a\n' })
  })

  it('gives every place what a sandbox under the same policy gives it', async () => {
    const { outer, cwd } = guarded()
    mkdirSync(join(cwd, 'closed'))
    const policy = {
      kind: 'restricted',
      entries: [
        { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
        { path: { type: 'path', path: cwd }, access: 'write' },
        { path: { type: 'path', path: join(cwd, 'sub') }, access: 'read' },
        { path: { type: 'path', path: join(cwd, 'closed') }, access: 'none' },
        { path: { type: 'path', path: join(outer, 'secret') }, access: 'none' },
      ],
    }
    const sandbox = await createSandbox({ policy, cwd })
    const asked: string[] = []
    for (const name of ['n', 'sub/n', 'closed/n', '../n', '../secret/n', '.git/n', '.agents/n', 'way-out/n', 'x/y/n']) {
      const { policyAccess } = sandbox.explain(name)
      const outcome = await applyPatch(patchOf(`*** Add File: ${name}`), { cwd, policy }).catch(
        (error: unknown) => error,
      )
      const got =
        outcome instanceof PatchRefusedError ? outcome.access : (outcome as { added: string[] }).added && 'write'
      expect(got, name).toBe(policyAccess)
      asked.push(policyAccess)
    }
    expect(new Set(asked)).toEqual(new Set(['read', 'write', 'none']))
    sandbox[Symbol.dispose]()
  })

  it('holds denials by pattern, also for files and directories that the patch would make', async () => {
    const { cwd } = guarded()
    writeFileSync(join(cwd, 'sub/.env'), 'a\n')
    const policy = {
      kind: 'restricted',
      entries: [
        { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
        { path: { type: 'path', path: cwd }, access: 'write' },
        { path: { type: 'glob_pattern', pattern: `${cwd}/**/*.env` }, access: 'none' },
      ],
    }
    const denied = [
      update('sub/.env'),
      ['*** Add File: new.env'],
      ['*** Add File: x.env/y'],
      ['*** Delete File: sub/.env'],
    ]
    for (const lines of [...denied, ['*** Update File: a', '*** Move to: sub/b.env']]) {
      const error = await rejection(applyPatch(patchOf(...lines), { cwd, policy }))
      expect(error, lines[0]).toMatchObject({ code: 'ERR_PATCH_REFUSED', access: 'none' })
    }
    await applyPatch(patchOf('*** Add File: env'), { cwd, policy })
  })

  it('does not read what may not be read', async () => {
    const { outer, cwd } = guarded()
    const policy = {
      kind: 'restricted',
      entries: [
        { path: { type: 'path', path: cwd }, access: 'write' },
        { path: { type: 'path', path: join(outer, 'secret') }, access: 'none' },
      ],
    }
    // A hunk that fits and one that does not, a file that exists and one that does not: the answers are the same.
    for (const lines of [update('link-out'), ['*** Update File: link-out', '@@', '-zzz'], update('way-out/missing')]) {
      expect(await rejection(planPatch(patchOf(...lines), { cwd, policy }))).toMatchObject({ access: 'none' })
    }
    const stolen = patchOf('*** Update File: link-out', '*** Move to: mine')
    expect(await rejection(applyPatch(stolen, { cwd, policy }))).toMatchObject({ access: 'none' })
  })

  it('is about policyCwd when the patch starts from a directory in it, or outside of it', async () => {
    const { outer, cwd } = guarded()
    await applyPatch(patchOf(...update('../a')), { cwd: join(cwd, 'sub'), policy: workspaceWrite, policyCwd: cwd })
    expect(files(cwd)['a']).toBe('b\n')
    const text = patchOf('*** Add File: n')
    expect(await rejection(applyPatch(text, { cwd: outer, policy: workspaceWrite, policyCwd: cwd }))).toMatchObject({
      code: 'ERR_PATCH_REFUSED',
      target: join(outer, 'n'),
    })
  })

  it('takes presets by name and open policies, and lets check refuse more', async () => {
    const { outer, cwd } = guarded()
    const text = patchOf('*** Add File: ../n')
    for (const policy of ['read-only', 'workspace-write', policies.readOnly()]) {
      if (policy === 'workspace-write' && outer.startsWith('/tmp')) continue
      expect(await rejection(applyPatch(text, { cwd, policy })), String(policy)).toBeInstanceOf(PatchRefusedError)
    }
    const open = { cwd, policy: 'danger-full-access' }
    expect(await rejection(applyPatch(text, { ...open, check: () => 'read' }))).toMatchObject({ access: 'read' })
    await applyPatch(text, open)
    expect(files(outer)).toHaveProperty('n')
  })

  const misused: [name: string, options: object, error: unknown][] = [
    ['a policy that is undefined', { policy: undefined }, OptionError],
    ['a check that is undefined', { check: undefined }, OptionError],
    ['a policy that is none', { policy: null }, PolicyError],
    ['a misspelt preset', { policy: 'workspace-wrote' }, PolicyError],
    ['a misspelt option', { polcy: workspaceWrite }, OptionError],
    ['policyCwd without a policy', { policyCwd: '/' }, OptionError],
    ['an unknown answer to races', { policy: workspaceWrite, races: 'maybe' }, OptionError],
  ]
  it.each(misused)('refuses %s instead of applying without one', async (_, options, expected) => {
    const { cwd } = guarded()
    const before = tree(cwd)
    expect(await rejection(applyPatch(patchOf(...update('a')), { cwd, ...options } as ApplyOptions))).toBeInstanceOf(
      expected,
    )
    expect(tree(cwd)).toEqual(before)
  })
})

describe('where the disk cannot be reached without a race', () => {
  const byPath = nodeFileAccess({ byPath: true })

  it('refuses a patch under a policy, and says what can be done', async () => {
    const { cwd } = guarded()
    for (const options of [{ policy: workspaceWrite }, { check: () => 'write' as const }]) {
      const error = await rejection(applyPatch(patchOf(...update('a')), { cwd, access: byPath, ...options }))
      expect(error).toBeInstanceOf(BackendError)
      expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', capability: 'race-free-files' })
      expect((error as BackendError).hint).toContain("races: 'accept'")
    }
    expect(files(cwd)['a']).toBe('a\n')
  })

  it('applies when the host accepts that, still under the policy', async () => {
    const { cwd } = guarded()
    const options = { cwd, access: byPath, policy: workspaceWrite, races: 'accept' as const }
    await applyPatch(patchOf(...update('a')), options)
    expect(await rejection(applyPatch(patchOf('*** Add File: ../n'), options))).toBeInstanceOf(PatchRefusedError)
    expect(files(cwd)['a']).toBe('b\n')
  })
})

describe.runIf(process.platform === 'linux')("the addon's openat2", () => {
  const binding = loadLinuxBinding()

  it('opens directories, and nothing on whose path a link is', () => {
    const { outer, cwd } = guarded()
    const before = readdirSync('/proc/self/fd').length
    for (const path of ['/', '//', outer, cwd, join(cwd, 'sub')]) {
      const fd = binding.openBeneath(path)
      expect(fd, path).toBeGreaterThanOrEqual(0)
      expect(readdirSync(`/proc/self/fd/${fd}/`)).toEqual(readdirSync(path))
      binding.closeFile(fd)
    }
    expect(binding.openBeneath(join(cwd, 'way-out'))).toBe(-40)
    expect(binding.openBeneath(join(outer, 'also-ws/sub'))).toBe(-40)
    expect(binding.openBeneath('/proc/self/cwd')).toBe(-40)
    expect(binding.openBeneath('/..')).toBe(-18)
    expect(binding.openBeneath(join(cwd, 'a'))).toBe(-20)
    expect(binding.openBeneath(join(cwd, 'missing'))).toBe(-2)
    expect(readdirSync('/proc/self/fd')).toHaveLength(before)
  })

  it('is not asked for paths that are no paths', () => {
    for (const path of ['', 'relative', '/a\0b']) expect(() => binding.openBeneath(path)).toThrow(TypeError)
  })

  it('is done without where the kernel does not have it or a filter hides it', async () => {
    for (const errno of [38, 1]) {
      let asked = 0
      const openBeneath = () => {
        asked++
        return -errno
      }
      const access = nodeFileAccess({ beneath: { openBeneath, closeFile: () => {} } })
      expect(access.raceFree).toBe(true)
      const { cwd } = guarded()
      await applyPatch(patchOf(...update('a')), { cwd, access, policy: workspaceWrite })
      expect(files(cwd)['a']).toBe('b\n')
      expect(asked).toBe(1)
      expect(await rejection(access.openDirectory(join(cwd, 'way-out')))).toMatchObject({ code: 'ENOTDIR' })
    }
  })

  it('is what applyPatch under a policy uses', async () => {
    const { cwd } = guarded()
    const before = readdirSync('/proc/self/fd').length
    await applyPatch(patchOf(...update('a')), { cwd, policy: workspaceWrite })
    expect(readdirSync('/proc/self/fd')).toHaveLength(before)
  })
})

/** A thread that makes `ws/d` a directory and a link to `secret` in turns, as fast as it can, until it is stopped. */
const swapping = `
  const { workerData } = require('node:worker_threads')
  const fs = require('node:fs')
  const { directory, aside, target, stop } = workerData
  const flag = new Int32Array(stop)
  for (let round = 0; Atomics.load(flag, 0) === 0; round++) {
    fs.renameSync(directory, aside)
    try {
      fs.symlinkSync(target, directory)
      fs.unlinkSync(directory)
    } catch {
      // The patch found nothing there and made a directory of its own.
      fs.rmSync(directory, { recursive: true, force: true })
    }
    try {
      fs.renameSync(aside, directory)
      Atomics.store(flag, 1, round)
    } catch {
      fs.rmSync(directory, { recursive: true, force: true })
      fs.renameSync(aside, directory)
    }
  }
`

/** Applies patches to `ws/d` while it is swapped, until `enough` is. */
async function attack(access: FileAccess | undefined, enough: (round: number, outer: string) => boolean) {
  const outer = workspace({ 'ws/d/a': '0\n', 'secret/a': '0\n' })
  const cwd = join(outer, 'ws')
  const flag = new Int32Array(new SharedArrayBuffer(8))
  const directory = join(cwd, 'd')
  const worker = new Worker(swapping, {
    eval: true,
    workerData: { directory, aside: join(cwd, 'aside'), target: '../secret', stop: flag.buffer },
  })
  const counts = { applied: 0, refused: 0 }
  try {
    for (let round = 0; !enough(round, outer); round++) {
      // A new directory, a new file, a changed and a deleted one: every kind of step has its turn.
      const lines = [`*** Add File: d/n${round}/x`, '*** Add File: d/new', '+n', '*** Update File: d/a', '@@', '+1']
      const others = round % 2 === 0 ? lines : ['*** Delete File: d/new', '*** Update File: d/a', '*** Move to: d/b']
      const options = { cwd, policy: workspaceWrite, overwrite: true, ...(access && { access }) }
      const outcome = await applyPatch(patchOf(...others), options).catch((error: unknown) => error)
      if (outcome instanceof Error) counts.refused++
      else counts.applied++
      if (outcome instanceof Error && !('code' in outcome)) throw outcome
      for (const name of ['a', 'b']) writeFileIfDirectory(directory, name)
    }
  } finally {
    Atomics.store(flag, 0, 1)
    await worker.terminate()
  }
  return { ...counts, swaps: Atomics.load(flag, 1), secret: tree(join(outer, 'secret')) }
}

/** Keeps the next round busy; itself by descriptor, so that the test does not fall for its own attack. */
function writeFileIfDirectory(directory: string, name: string): void {
  try {
    const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      writeFileSync(`/proc/self/fd/${fd}/${name}`, '0\n')
    } finally {
      closeSync(fd)
    }
  } catch {
    // It is a link, or away, just now.
  }
}

describe.runIf(raceFree && process.platform === 'linux')('a directory that is swapped for a link all the time', () => {
  const untouched = { a: '0\n' }
  const rounds = 2000

  const ways: [name: string, access: FileAccess | undefined][] = [
    ['with openat2', undefined],
    ['part by part', nodeFileAccess()],
  ]
  it.each(ways)('never leads a write outside, %s', { timeout: 300_000 }, async (_, access) => {
    const seen = await attack(access, round => round >= rounds)
    expect(seen.secret).toEqual(untouched)
    expect(seen.applied + seen.refused).toBe(rounds)
    expect(seen.applied).toBeGreaterThan(0)
    expect(seen.refused).toBeGreaterThan(0)
    expect(seen.swaps).toBeGreaterThan(rounds / 10)
  })

  // Shows that the attack works: the same rounds against the one call that must not follow links, following them.
  it('would lead one outside if directories were opened as usual', { timeout: 300_000 }, async () => {
    const following = {
      openBeneath: (path: string): number => {
        try {
          return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
        } catch {
          return -2
        }
      },
      closeFile: closeSync,
    }
    const escaped = (outer: string) => Object.keys(tree(join(outer, 'secret'))).length > 1 || changed(outer)
    const changed = (outer: string) => lstatSync(join(outer, 'secret/a')).size !== 2
    const seen = await attack(
      nodeFileAccess({ beneath: following }),
      (round, outer) => round >= 20_000 || escaped(outer),
    )
    expect(seen.secret).not.toEqual(untouched)
  })
})
