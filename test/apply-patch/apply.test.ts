import { Buffer } from 'node:buffer'
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import {
  type ApplyOptions,
  applyPatch,
  type FileAccess,
  nodeFileAccess,
  PatchConflictError,
  PatchRefusedError,
  planPatch,
} from '../../lib/apply-patch/index.ts'
import { files, patchOf, rejection, tree, workspace } from './support.ts'

const accesses: [name: string, access: FileAccess][] = [
  ['by descriptor where the system can', nodeFileAccess()],
  ['by path', nodeFileAccess({ byPath: true })],
]

describe.each(accesses)('applyPatch, %s', (_, access) => {
  const apply = (cwd: string, lines: string[], options: Partial<ApplyOptions> = {}) =>
    applyPatch(patchOf(...lines), { cwd, access, ...options })

  it('adds, changes, moves and deletes in one patch', async () => {
    const cwd = workspace({ 'modify.txt': 'one\ntwo\n', 'delete.txt': 'x\n', 'old/name.txt': 'a\nb\n' })
    const result = await apply(cwd, [
      '*** Add File: nested/deep/new.txt',
      '+created',
      '*** Delete File: delete.txt',
      '*** Update File: modify.txt',
      '@@',
      '-two',
      '+2',
      '*** Update File: old/name.txt',
      '*** Move to: renamed/dir/name.txt',
      '@@',
      '-a',
      '+A',
    ])
    expect(result.summary).toBe(
      'Success. Updated the following files:\nA nested/deep/new.txt\nM modify.txt\nM renamed/dir/name.txt\nD delete.txt\n',
    )
    expect(result.notes).toEqual([])
    expect(files(cwd)).toEqual({
      'modify.txt': 'one\n2\n',
      'nested/deep/new.txt': 'created\n',
      'renamed/dir/name.txt': 'A\nb\n',
    })
  })

  it('lets a later section see what an earlier one did', async () => {
    const cwd = workspace({ a: '1\n2\n', gone: 'x\n' })
    await apply(cwd, [
      '*** Update File: a',
      '@@',
      '-1',
      '+one',
      '*** Update File: a',
      '*** Move to: b',
      '@@',
      ' one',
      '-2',
      '+two',
      '*** Update File: b',
      '@@',
      '+three',
      '*** Add File: c',
      '+c',
      '*** Delete File: c',
      '*** Delete File: gone',
      '*** Add File: gone',
      '+new',
    ])
    expect(files(cwd)).toEqual({ b: 'one\ntwo\nthree\n', gone: 'new\n' })
  })

  it('takes absolute paths and paths with ..', async () => {
    const cwd = workspace({ 'in/a': 'a\n', b: 'b\n' })
    await apply(join(cwd, 'in'), [
      `*** Update File: ${cwd}/in/a`,
      '@@',
      '-a',
      '+A',
      '*** Update File: ../b',
      '@@',
      '-b',
      '+B',
    ])
    expect(files(cwd)).toEqual({ 'in/a': 'A\n', b: 'B\n' })
  })

  it('keeps the mode of a changed and of a moved file, and gives a new file the usual one', async () => {
    const cwd = workspace({ run: '#!/bin/sh\n', tool: 'x\n' })
    chmodSync(join(cwd, 'run'), 0o750)
    chmodSync(join(cwd, 'tool'), 0o711)
    await apply(cwd, [
      '*** Update File: run',
      '@@',
      '+true',
      '*** Update File: tool',
      '*** Move to: bin/tool',
      '*** Add File: n',
    ])
    const modeOf = (name: string): number => statSync(join(cwd, name)).mode & 0o7777
    expect([modeOf('run'), modeOf('bin/tool'), modeOf('n')]).toEqual([0o750, 0o711, 0o666 & ~process.umask()])
  })

  it('changes the file behind a link and keeps the link', async () => {
    const cwd = workspace({ 'real/file': 'a\n' })
    symlinkSync('real/file', join(cwd, 'link'))
    symlinkSync('real', join(cwd, 'directory'))
    await apply(cwd, ['*** Update File: link', '@@', '-a', '+b', '*** Update File: directory/file', '@@', '-b', '+c'])
    expect(files(cwd)).toEqual({ 'real/file': 'c\n', link: '-> real/file', directory: '-> real' })
  })

  it('deletes and moves a link, not what it leads to', async () => {
    const cwd = workspace({ real: 'a\n' })
    symlinkSync('real', join(cwd, 'one'))
    symlinkSync('real', join(cwd, 'two'))
    await apply(cwd, ['*** Delete File: one', '*** Update File: two', '*** Move to: three', '@@', '-a', '+b'])
    expect(files(cwd)).toEqual({ real: 'a\n', three: 'b\n' })
  })

  it('leaves the other names of a hard-linked file alone and says so', async () => {
    const cwd = workspace({ a: 'a\n', 'elsewhere/x': '' })
    linkSync(join(cwd, 'a'), join(cwd, 'elsewhere/b'))
    const result = await apply(cwd, ['*** Update File: a', '@@', '-a', '+b'])
    expect(result.notes).toEqual([{ kind: 'hard-link-broken', path: join(cwd, 'a') }])
    expect(files(cwd)).toMatchObject({ a: 'b\n', 'elsewhere/b': 'a\n' })
  })

  it('opens no more descriptors than it may, and leaves none open', async () => {
    const cwd = workspace()
    const open = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)
    const names = Array.from({ length: 100 }, (_, index) => `d${index}/e/f`)
    await apply(cwd, ['*** Add File: warm-up'])
    const before = open()
    await apply(
      cwd,
      names.flatMap(name => [`*** Add File: ${name}`, `+${name}`]),
    )
    await rejection(
      apply(cwd, [...names.flatMap(name => [`*** Update File: ${name}`, '@@', '+x']), '*** Delete File: no']),
    )
    expect(open()).toBe(before)
    expect(files(cwd)).toEqual({ 'warm-up': '', ...Object.fromEntries(names.map(name => [name, `${name}\n`])) })
  })

  it.runIf(process.getuid?.() === 0)('keeps the owner and the special bits of a file', async () => {
    const cwd = workspace({ a: 'a\n' })
    chownSync(join(cwd, 'a'), 1234, 4321)
    chmodSync(join(cwd, 'a'), 0o6755)
    expect((await apply(cwd, ['*** Update File: a', '@@', '+b'])).notes).toEqual([])
    const { uid, gid, mode } = statSync(join(cwd, 'a'))
    expect([uid, gid, mode & 0o7777]).toEqual([1234, 4321, 0o6755])
  })

  it('does not touch a file whose content stays the same', async () => {
    const cwd = workspace({ a: 'a\n' })
    const identity = () => {
      const { ino, mtimeNs, ctimeNs } = lstatSync(join(cwd, 'a'), { bigint: true })
      return { ino, mtimeNs, ctimeNs }
    }
    const before = identity()
    expect((await apply(cwd, ['*** Update File: a', '@@', ' a'])).modified).toEqual(['a'])
    expect(identity()).toEqual(before)
  })

  const conflicts: [name: string, lines: string[], reason: string][] = [
    ['adding a file that exists', ['*** Add File: file', '+x'], 'exists'],
    ['adding a file twice', ['*** Add File: new', '+x', '*** Add File: new', '+y'], 'exists'],
    ['adding a file where a link is', ['*** Add File: dangling', '+x'], 'exists'],
    ['adding a file where a directory is', ['*** Add File: directory', '+x'], 'directory'],
    ['adding a file where the patch makes a directory', ['*** Add File: new/a', '*** Add File: new'], 'directory'],
    ['adding a file below a file', ['*** Add File: file/below', '+x'], 'not-a-directory'],
    ['adding a file below a file that the patch adds', ['*** Add File: n', '*** Add File: n/x'], 'not-a-directory'],
    ['adding a file below a link to nothing', ['*** Add File: dangling/x', '+x'], 'dangling-link'],
    ['moving to a file that exists', ['*** Update File: file', '*** Move to: other', '@@', '-a', '+b'], 'exists'],
    ['changing a file that is missing', ['*** Update File: missing', '@@', '-a'], 'missing'],
    [
      'changing a file that the patch deleted',
      ['*** Delete File: file', '*** Update File: file', '@@', '-a'],
      'missing',
    ],
    ['changing a directory', ['*** Update File: directory', '@@', '-a'], 'directory'],
    ['changing the root', ['*** Update File: /', '@@', '-a'], 'directory'],
    ['changing a link to nothing', ['*** Update File: dangling', '@@', '-a'], 'dangling-link'],
    ['changing a read-only file', ['*** Update File: readonly', '@@', '-a', '+b'], 'read-only'],
    ['changing a UTF-16 file', ['*** Update File: utf16', '@@', '+b'], 'encoding'],
    ['deleting a file that is missing', ['*** Delete File: missing'], 'missing'],
    ['deleting a file twice', ['*** Delete File: file', '*** Delete File: file'], 'missing'],
    ['deleting a directory', ['*** Delete File: directory'], 'directory'],
    ['replacing a link by a file', ['*** Delete File: dangling', '*** Add File: dangling', '+x'], 'not-a-file'],
  ]
  it.each(conflicts)('refuses %s and writes nothing', async (_name, lines, reason) => {
    const cwd = workspace({ file: 'a\n', other: 'o\n', 'directory/x': 'x', readonly: 'a\n' })
    writeFileSync(join(cwd, 'utf16'), Buffer.from('\ufeffa\n', 'utf16le'))
    chmodSync(join(cwd, 'readonly'), 0o444)
    symlinkSync('nothing', join(cwd, 'dangling'))
    const before = tree(cwd)
    const error = await rejection(apply(cwd, ['*** Add File: first/written', '+x', ...lines]))
    expect(error).toBeInstanceOf(PatchConflictError)
    expect(error).toMatchObject({ code: 'ERR_PATCH_CONFLICT', reason })
    expect(tree(cwd)).toEqual(before)
  })

  it('replaces files that are in the way when it is told to', async () => {
    const cwd = workspace({ a: 'a\n', b: 'b\n', c: 'c\n' })
    symlinkSync('c', join(cwd, 'link'))
    const lines = ['*** Add File: b', '+B', '*** Update File: a', '*** Move to: link']
    expect(await rejection(apply(cwd, lines))).toMatchObject({ reason: 'exists' })
    await apply(cwd, lines, { overwrite: true })
    expect(files(cwd)).toEqual({ b: 'B\n', c: 'a\n', link: '-> c' })
  })

  it('writes nothing when the last hunk does not fit', async () => {
    const cwd = workspace({ a: 'a\n', b: 'b\n' })
    const before = tree(cwd)
    const lines = ['*** Add File: new/c', '+c', '*** Delete File: b', '*** Update File: a', '@@', '-z']
    expect(await rejection(apply(cwd, lines))).toMatchObject({
      code: 'ERR_PATCH_NO_MATCH',
      path: 'a',
      hunk: 1,
      line: 6,
    })
    expect(tree(cwd)).toEqual(before)
  })

  it('refuses a patch for another environment, and takes it in its own', async () => {
    const cwd = workspace()
    const lines = ['*** Environment ID: remote', '*** Add File: a', '+a']
    expect(await rejection(apply(cwd, lines))).toMatchObject({ code: 'ERR_PATCH_INVALID' })
    expect(await rejection(apply(cwd, lines, { environment: 'other' }))).toMatchObject({ code: 'ERR_PATCH_INVALID' })
    await apply(cwd, lines, { environment: 'remote' })
    expect(files(cwd)).toEqual({ a: 'a\n' })
  })

  it('refuses a working directory that is not absolute', async () => {
    expect(await rejection(apply('relative', ['*** Add File: a']))).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      option: 'cwd',
    })
  })

  it('stops for an aborted signal and writes nothing', async () => {
    const cwd = workspace()
    const signal = AbortSignal.abort(new Error('enough'))
    expect(await rejection(apply(cwd, ['*** Add File: a'], { signal }))).toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
    })
    expect(tree(cwd)).toEqual({})
  })

  it('applies exactly what was approved, or nothing', async () => {
    const cwd = workspace({ a: 'a\nb\n' })
    const lines = ['*** Update File: a', '@@', '-a', '+A']
    const approved = await planPatch(patchOf(...lines), { cwd, access })
    writeFileSync(join(cwd, 'a'), 'a\nc\n')
    expect(await rejection(apply(cwd, lines, { approved }))).toMatchObject({ reason: 'changed' })
    expect(await rejection(apply(cwd, [...lines, '*** Add File: b'], { approved }))).toMatchObject({
      reason: 'changed',
    })
    writeFileSync(join(cwd, 'a'), 'a\nb\n')
    await apply(cwd, lines, { approved })
    expect(files(cwd)).toEqual({ a: 'A\nb\n' })
  })

  it('does not overwrite a file that changed after it was read', async () => {
    const cwd = workspace({ a: 'a\n', b: 'b\n' })
    const meddling = meddle(access, () => writeFileSync(join(cwd, 'b'), 'theirs\n'))
    const lines = ['*** Update File: a', '@@', '-a', '+A', '*** Update File: b', '@@', '-b', '+B']
    expect(await rejection(apply(cwd, lines, { access: meddling }))).toMatchObject({ reason: 'changed', path: 'b' })
    expect(files(cwd)).toEqual({ a: 'a\n', b: 'theirs\n' })
  })

  it('does not overwrite a file that appeared after the check', async () => {
    const cwd = workspace()
    const meddling = meddle(access, () => writeFileSync(join(cwd, 'a'), 'theirs\n'))
    expect(await rejection(apply(cwd, ['*** Add File: a', '+a'], { access: meddling }))).toMatchObject({
      reason: 'changed',
    })
    expect(tree(cwd)).toEqual({ a: 'theirs\n' })
  })
})

/** Does something behind the patch's back once its first new content lies on the disk. */
function meddle(access: FileAccess, act: () => void): FileAccess {
  let acted = false
  return {
    ...access,
    openDirectory: async path => {
      const directory = await access.openDirectory(path)
      return {
        ...directory,
        create: async (name, content, attributes) => {
          const created = await directory.create(name, content, attributes)
          if (!acted) act()
          acted = true
          return created
        },
      }
    },
  }
}

describe('the policy', () => {
  const inside = (root: string) => (path: string) => {
    if (path.startsWith(`${root}/.git/`) || path === `${root}/.git`) return 'read'
    return path === root || path.startsWith(`${root}/`) ? 'write' : 'none'
  }

  function guarded(): { outer: string; cwd: string } {
    const outer = workspace({ 'ws/a': 'a\n', 'ws/.git/config': 'a\n', 'secret/s': 'a\n' })
    const cwd = join(outer, 'ws')
    symlinkSync('../secret', join(cwd, 'way-out'))
    symlinkSync('../secret/s', join(cwd, 'link-out'))
    symlinkSync('.git', join(cwd, 'alias'))
    symlinkSync('ws', join(outer, 'also-ws'))
    return { outer, cwd }
  }

  const refused: [name: string, lines: string[], access: string][] = [
    ['..', ['*** Update File: ../secret/s', '@@', '-a', '+b'], 'none'],
    ['.. to a new file', ['*** Add File: ../new', '+b'], 'none'],
    ['.. to a new directory', ['*** Add File: ../new/new', '+b'], 'none'],
    ['an absolute path', ['*** Add File: OUTER/new', '+b'], 'none'],
    ['a linked directory', ['*** Update File: way-out/s', '@@', '-a', '+b'], 'none'],
    ['a new file in a linked directory', ['*** Add File: way-out/new', '+b'], 'none'],
    ['a link to a file', ['*** Update File: link-out', '@@', '-a', '+b'], 'none'],
    ['moving what a link leads to', ['*** Update File: link-out', '*** Move to: mine'], 'none'],
    ['deleting outside', ['*** Delete File: way-out/s'], 'none'],
    ['moving out', ['*** Update File: a', '*** Move to: ../secret/a'], 'none'],
    ['a protected file', ['*** Update File: .git/config', '@@', '-a', '+b'], 'read'],
    ['a protected file by its alias', ['*** Update File: alias/config', '@@', '-a', '+b'], 'read'],
    ['a new protected file', ['*** Add File: .git/hooks/post-checkout', '+b'], 'read'],
    ['moving a protected file', ['*** Update File: .git/config', '*** Move to: config'], 'read'],
    ['a missing file, without telling', ['*** Delete File: way-out/missing'], 'none'],
  ]
  it.each(refused)('refuses %s before anything is written', async (_, lines, access) => {
    const { outer, cwd } = guarded()
    const before = tree(outer)
    const text = patchOf('*** Update File: a', '@@', '-a', '+b', ...lines).replace('OUTER', outer)
    const error = await rejection(applyPatch(text, { cwd, check: inside(cwd) }))
    expect(error).toBeInstanceOf(PatchRefusedError)
    expect(error).toMatchObject({ code: 'ERR_PATCH_REFUSED', access })
    expect(tree(outer)).toEqual(before)
  })

  it('allows the same inside, also by a linked spelling', async () => {
    const { outer, cwd } = guarded()
    const text = patchOf(
      '*** Update File: a',
      '@@',
      '-a',
      '+b',
      '*** Add File: new/x',
      '+x',
      `*** Add File: ${outer}/also-ws/y`,
    )
    await applyPatch(text, { cwd: join(outer, 'also-ws'), check: inside(cwd) })
    expect(files(cwd)).toMatchObject({ a: 'b\n', 'new/x': 'x\n', y: '' })
  })

  it('lets a link out of the workspace be deleted, which is a change inside it', async () => {
    const { outer, cwd } = guarded()
    await applyPatch(patchOf('*** Delete File: link-out'), { cwd, check: inside(cwd) })
    expect(files(outer)).toMatchObject({ 'secret/s': 'a\n' })
    expect(files(cwd)).not.toHaveProperty('link-out')
  })

  it('does not take an unknown answer for a yes', async () => {
    const { cwd } = guarded()
    const check = (() => undefined) as unknown as () => 'none'
    expect(await rejection(applyPatch(patchOf('*** Add File: n'), { cwd, check }))).toBeInstanceOf(PatchRefusedError)
  })

  it.runIf(nodeFileAccess().raceFree)('is not led out by a directory that is swapped for a link', async () => {
    const outer = workspace({ 'ws/d/a': 'a\n', 'secret/a': 'a\n' })
    const cwd = join(outer, 'ws')
    const access = meddle(nodeFileAccess(), () => {
      renameSync(join(cwd, 'd'), join(cwd, 'moved'))
      symlinkSync('../secret', join(cwd, 'd'))
    })
    const text = patchOf('*** Add File: b', '+b', '*** Update File: d/a', '@@', '-a', '+b', '*** Add File: d/new', '+n')
    await rejection(
      applyPatch(text, { cwd, access, check: inside(cwd) }).then(() => Promise.reject(new Error('applied'))),
    )
    expect(readFileSync(join(outer, 'secret/a'), 'utf8')).toBe('a\n')
    expect(Object.keys(files(join(outer, 'secret')))).toEqual(['a'])
  })

  it.runIf(nodeFileAccess().raceFree)('opens no directory through a link', async () => {
    const cwd = workspace({ 'd/a': 'a\n' })
    symlinkSync('d', join(cwd, 'link'))
    mkdirSync(join(cwd, 'e'))
    for (const access of [nodeFileAccess(), nodeFileAccess({ byPath: true })]) {
      await (await access.openDirectory(join(cwd, 'e'))).close()
      expect(await rejection(access.openDirectory(join(cwd, 'link')))).toMatchObject({ code: 'ENOTDIR' })
    }
  })
})
