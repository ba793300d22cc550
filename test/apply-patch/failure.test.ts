/** Every file is old or new after every failure: injected errors and SIGKILL at each step that writes. */

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  applyPatch,
  type FileAccess,
  inspectPlan,
  nodeFileAccess,
  type OpenDirectory,
  PatchConflictError,
  PatchIoError,
  planPatch,
} from '../../lib/apply-patch/index.ts'
import { files, patchOf, rejection, tree, workspace } from './support.ts'

const start = { a: 'a\n', b: 'b\r\n', 'old/c': 'c\n', d: 'd\n' }
const patch = patchOf(
  '*** Add File: new/deep/e',
  '+e',
  '*** Update File: a',
  '@@',
  '-a',
  '+A',
  '*** Update File: b',
  '@@',
  '-b',
  '+B',
  '*** Update File: old/c',
  '*** Move to: moved/c',
  '@@',
  '+C',
  '*** Delete File: d',
)
const finished: Record<string, string> = { a: 'A\n', b: 'B\r\n', 'new/deep/e': 'e\n', 'moved/c': 'c\nC\n' }
const paths = ['a', 'b', 'old/c', 'd', 'new/deep/e', 'moved/c']
const temporary = /(^|\/)\.castellan-[0-9a-f]{16}\.(new|old)$/

type Step = Exclude<keyof OpenDirectory, 'status' | 'read' | 'writable' | 'close'>
const steps: readonly Step[] = ['create', 'link', 'rename', 'unlink', 'makeDirectory', 'removeDirectory', 'sync']

/** Calls `before` ahead of each step that writes; what it throws is what the step fails with. */
function hooked(before: (step: Step, name: string) => void, inner: FileAccess = nodeFileAccess()): FileAccess {
  return {
    ...inner,
    openDirectory: async path => {
      const directory = await inner.openDirectory(path)
      const wrapped = steps.map(step => [
        step,
        async (...parameters: unknown[]) => {
          before(step, String(parameters[0]))
          return (directory[step] as (...all: unknown[]) => Promise<unknown>)(...parameters)
        },
      ])
      return { ...directory, ...Object.fromEntries(wrapped) }
    },
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function stateOf(cwd: string, path: string): 'old' | 'new' | 'broken' {
  const found = files(cwd)[path]
  if (found === finished[path]) return 'new'
  return found === (start as Record<string, string>)[path] ? 'old' : 'broken'
}

async function countSteps(): Promise<number> {
  let count = 0
  await applyPatch(patch, { cwd: workspace(start), access: hooked(() => count++) })
  return count
}

describe('a failing system call', () => {
  it('finishes when nothing fails', async () => {
    const cwd = workspace(start)
    await applyPatch(patch, { cwd, access: hooked(() => {}) })
    expect(files(cwd)).toEqual(finished)
  })

  it.each(['ENOSPC', 'EIO', 'EDQUOT'])('leaves all old or all new, whichever step fails with %s', async code => {
    const count = await countSteps()
    expect(count).toBeGreaterThan(20)
    for (let failing = 1; failing <= count; failing++) {
      const cwd = workspace(start)
      let step = 0
      const access = hooked(() => {
        if (++step === failing) throw systemError(code)
      })
      const outcome = await applyPatch(patch, { cwd, access }).catch((error: unknown) => error)
      const states = new Set(paths.map(path => stateOf(cwd, path)))
      expect([...states], `step ${failing}`).toHaveLength(1)
      if (states.has('old')) {
        expect(outcome, `step ${failing}`).toMatchObject({ code: 'ERR_PATCH_IO', errnoName: code })
        expect((outcome as PatchIoError).files.every(file => file.state === 'old')).toBe(true)
        expect(tree(cwd), `step ${failing}`).toEqual({ ...start, 'old/': '<directory>' })
      }
    }
  })

  it('says which files are new when even switching back fails', async () => {
    const cwd = workspace(start)
    let renames = 0
    const access = hooked((step, name) => {
      if (step === 'rename' && name.endsWith('.new') && ++renames > 1) throw systemError('EIO')
    })
    const error = await rejection(applyPatch(patch, { cwd, access }))
    expect(error).toBeInstanceOf(PatchIoError)
    const { files: outcomes } = error as PatchIoError
    expect(outcomes).toHaveLength(6)
    for (const { path, state } of outcomes) expect(stateOf(cwd, path.slice(cwd.length + 1))).toBe(state)
    expect(outcomes.filter(file => file.state === 'new')).toEqual([{ path: join(cwd, 'a'), state: 'new' }])
  })

  it('writes where there are no hard links', async () => {
    const cwd = workspace(start)
    const access = hooked(step => {
      if (step === 'link') throw systemError('EPERM')
    })
    await applyPatch(patch, { cwd, access })
    expect(files(cwd)).toEqual(finished)
  })

  it('tells of a temporary file that it could not remove', async () => {
    const cwd = workspace({ d: 'd\n' })
    const access = hooked(step => {
      if (step === 'unlink') throw systemError('EIO')
    })
    const { notes } = await applyPatch(patchOf('*** Delete File: d'), { cwd, access })
    expect(notes).toMatchObject([{ kind: 'leftover' }])
    expect(Object.keys(files(cwd))).toEqual([notes[0]!.path.slice(cwd.length + 1)])
  })

  it('shows a failed read as such, with nothing changed', async () => {
    const cwd = workspace({ a: 'a\n' })
    const inner = nodeFileAccess()
    const access: FileAccess = {
      ...inner,
      openDirectory: async path => ({
        ...(await inner.openDirectory(path)),
        read: () => Promise.reject(systemError('EIO')),
      }),
    }
    const error = await rejection(applyPatch(patchOf('*** Update File: a', '@@', '-a'), { cwd, access }))
    expect(error).toMatchObject({ code: 'ERR_PATCH_IO', errnoName: 'EIO', path: 'a', line: 2, files: [] })
  })

  it('keeps a file that appears while its deletion is taken back', async () => {
    const cwd = workspace({ a: 'a\n', d: 'd\n' })
    const access = hooked((step, name) => {
      if (step !== 'rename' || name !== 'd') return
      rmSync(join(cwd, 'd'))
      writeFileSync(join(cwd, 'd'), 'theirs\n')
    })
    const error = await rejection(
      applyPatch(patchOf('*** Delete File: d', '*** Update File: a', '@@', '+A'), { cwd, access }),
    )
    expect(error).toBeInstanceOf(PatchConflictError)
    expect(tree(cwd)).toEqual({ a: 'a\n', d: 'theirs\n' })
  })

  it('aborts between two files and takes away what it prepared', async () => {
    const cwd = workspace(start)
    const controller = new AbortController()
    let created = 0
    const access = hooked(step => {
      if (step === 'create' && ++created === 2) controller.abort()
    })
    const error = await rejection(applyPatch(patch, { cwd, access, signal: controller.signal }))
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
    expect(tree(cwd)).toEqual({ ...start, 'old/': '<directory>' })
  })

  it('is not stopped by a signal once files are being switched', async () => {
    const cwd = workspace(start)
    const controller = new AbortController()
    const access = hooked(step => {
      if (step === 'rename') controller.abort()
    })
    await applyPatch(patch, { cwd, access, signal: controller.signal })
    expect(files(cwd)).toEqual(finished)
  })
})

describe('SIGKILL', () => {
  let compiled = ''

  // The child runs plain JavaScript: Node 20 cannot strip types.
  beforeAll(() => {
    compiled = mkdtempSync(join(tmpdir(), 'castellan-patch-js-'))
    const lib = join(import.meta.dirname, '../../lib')
    const sources = [...Object.keys(tree(join(lib, 'apply-patch'))).map(name => `apply-patch/${name}`), 'errors.ts']
    mkdirSync(join(compiled, 'lib/apply-patch'), { recursive: true })
    writeFileSync(join(compiled, 'package.json'), '{"type":"module"}')
    for (const source of sources) {
      const { outputText } = ts.transpileModule(readFileSync(join(lib, source), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2022,
          rewriteRelativeImportExtensions: true,
          verbatimModuleSyntax: true,
        },
      })
      writeFileSync(join(compiled, 'lib', source.replace(/\.ts$/, '.js')), outputText)
    }
    writeFileSync(join(compiled, 'child.js'), childSource)
  })

  afterAll(() => rmSync(compiled, { recursive: true, force: true }))

  const childSource = `
    import { applyPatch } from './lib/apply-patch/apply.js'
    import { nodeFileAccess } from './lib/apply-patch/node-access.js'
    const [cwd, patch, when, order] = process.argv.slice(2)
    let step = 0
    const kill = () => process.kill(process.pid, 'SIGKILL')
    const inner = nodeFileAccess()
    const access = {
      ...inner,
      openDirectory: async path => {
        const directory = await inner.openDirectory(path)
        const wrapped = ${JSON.stringify(steps)}.map(name => [name, async (...all) => {
          const mine = ++step === Number(when)
          if (mine && order === 'before') kill()
          const result = await directory[name](...all)
          if (mine) kill()
          return result
        }])
        return { ...directory, ...Object.fromEntries(wrapped) }
      },
    }
    const { notes } = await applyPatch(patch, { cwd, access })
    process.stdout.write(JSON.stringify(notes))
  `

  const run = (cwd: string, step: number, order: string) =>
    spawnSync(process.execPath, [join(compiled, 'child.js'), cwd, patch, String(step), order], { timeout: 60_000 })

  it('leaves every file old or new, at each step that writes', { timeout: 120_000 }, async () => {
    const count = await countSteps()
    const seen = new Set<string>()
    for (const order of ['before', 'after']) {
      for (let step = 1; step <= count; step++) {
        const cwd = workspace(start)
        const plan = await planPatch(patch, { cwd })
        expect(run(cwd, step, order).signal, `step ${step}`).toBe('SIGKILL')
        const states = paths.map(path => stateOf(cwd, path))
        expect(states, `${order} step ${step}`).not.toContain('broken')
        const others = Object.keys(files(cwd)).filter(path => !paths.includes(path))
        for (const other of others) expect(other).toMatch(temporary)
        for (const found of await inspectPlan(plan)) {
          expect(found.state).toBe(stateOf(cwd, found.path.slice(cwd.length + 1)))
        }
        seen.add(states.join())
      }
    }
    expect(seen.has('old,old,old,old,old,old')).toBe(true)
    expect(seen.has('new,new,new,new,new,new')).toBe(true)
    expect(seen.size).toBeGreaterThan(5)
  })

  it.runIf(process.getuid?.() === 0)(
    'says that it could not keep the owner, and drops the bits that go with him',
    () => {
      const cwd = workspace({ a: 'a\n', locked: 'a\n' })
      for (const path of [cwd, compiled]) chmodSync(path, 0o777)
      chmodSync(join(cwd, 'a'), 0o6666)
      const runAs = (text: string) =>
        spawnSync(process.execPath, [join(compiled, 'child.js'), cwd, text, '0', ''], {
          uid: 1234,
          gid: 1234,
          timeout: 60_000,
        })
      const output = runAs(patchOf('*** Update File: a', '@@', '+b'))
      expect(output.stdout.toString()).toBe(JSON.stringify([{ kind: 'owner-changed', path: join(cwd, 'a') }]))
      const { uid, gid, mode } = statSync(join(cwd, 'a'))
      expect([uid, gid, mode & 0o7777]).toEqual([1234, 1234, 0o666])
      const refused = runAs(patchOf('*** Update File: locked', '@@', '+b'))
      expect(refused.stderr.toString()).toContain('read-only')
      expect(files(cwd)).toEqual({ a: 'a\nb\n', locked: 'a\n' })
    },
  )

  it('can be applied again after a kill before the first switch', async () => {
    const cwd = workspace(start)
    expect(run(cwd, 4, 'after').signal).toBe('SIGKILL')
    await applyPatch(patch, { cwd })
    expect(files(cwd)).toMatchObject(finished)
  })
})

describe('inspectPlan', () => {
  it('tells what somebody else has written', async () => {
    const cwd = workspace({ a: 'a\n', l: '' })
    symlinkSync('a', join(cwd, 'link'))
    const text = patchOf('*** Update File: a', '@@', '+A', '*** Add File: n', '+n', '*** Delete File: link')
    const plan = await planPatch(text, { cwd })
    const states = async () =>
      Object.fromEntries((await inspectPlan(plan)).map(one => [one.path.slice(cwd.length + 1), one.state]))
    expect(await states()).toEqual({ a: 'old', n: 'old', link: 'old' })
    writeFileSync(join(cwd, 'a'), 'other')
    writeFileSync(join(cwd, 'n'), 'n\n')
    rmSync(join(cwd, 'link'))
    expect(await states()).toEqual({ a: 'other', n: 'new', link: 'new' })
  })
})

describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)('a disk of its own', () => {
  it('leaves all old when the disk is really full', async ({ skip }) => {
    const cwd = workspace()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=755', 'castellan-test', cwd], { stdio: 'ignore' })
    } catch {
      skip('needs the right to mount a tmpfs')
    }
    try {
      writeFileSync(join(cwd, 'a'), 'a\n')
      const text = patchOf('*** Update File: a', '@@', '-a', '+A', '*** Add File: big', `+${'x'.repeat(200_000)}`)
      expect(await rejection(applyPatch(text, { cwd }))).toMatchObject({ code: 'ERR_PATCH_IO', errnoName: 'ENOSPC' })
      expect(tree(cwd)).toEqual({ a: 'a\n' })
    } finally {
      execFileSync('umount', [cwd])
    }
  })
})
