/** The directory for the PATH of children: what is in it, who may have it, what a killed host leaves, and a sandbox with it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, describe, expect, it } from 'vitest'

import { makeEntryDirectory } from '../../lib/entry/directory.ts'
import { createSandbox, EntryError, OptionError, policies } from '../../lib/index.ts'
import { enginesHere, ensureBuilt, repository } from '../cli/castellan.ts'
import { safeBase } from './safe-base.ts'

ensureBuilt()
const made: string[] = []
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

function folderIn(base: string): string {
  const folder = realpathSync(mkdtempSync(path.join(base, '.castellan-entry-')))
  made.push(folder)
  return folder
}

/** The library as it is installed: beside its other files. */
const built = JSON.stringify(pathToFileURL(path.join(repository, 'dist/bundle/entry.js')).href)

const base = process.platform === 'linux' ? safeBase() : undefined
const names = ['apply_patch', 'applypatch', 'codex-linux-sandbox']
const patch = (...lines: string[]) => ['*** Begin Patch', ...lines, '*** End Patch'].join('\n')
const entriesOf = (parent: string) => readdirSync(parent).filter(name => name.startsWith('castellan-arg0-'))

/** A host that makes a directory, tells its path and then lives until its stdin ends. */
const hostSource = `
import { makeEntryDirectory } from ${built}
const directory = await makeEntryDirectory({ parent: process.argv[1] })
console.log(directory.path)
process.stdin.on('end', () => process.exit(0)).resume()
`

function startHost(parent: string): { child: ChildProcess; path: Promise<string>; ended: Promise<void> } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', hostSource, parent], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()))
  const told = new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.endsWith('\n')) resolve(text.trim())
    })
    child.on('exit', () => reject(new Error('the host has ended')))
  })
  told.catch(() => {})
  return { child, path: told, ended }
}

describe.runIf(base !== undefined)('an entry directory', () => {
  const parentOf = () => path.join(folderIn(base!), 'tmp/arg0')

  it('is private, holds the three names, and goes with its host', { timeout: 120_000 }, async () => {
    const parent = parentOf()
    const host = startHost(parent)
    const directory = await host.path
    expect(path.dirname(directory)).toBe(parent)
    expect([statSync(directory).mode & 0o777, statSync(parent).mode & 0o777]).toEqual([0o700, 0o700])
    expect(readdirSync(directory).sort()).toEqual(['.lock', ...names])
    for (const name of names) expect(statSync(path.join(directory, name)).mode & 0o777).toBe(0o700)
    host.child.stdin!.end()
    await host.ended
    expect(entriesOf(parent)).toEqual([])
  })

  it('is left by a killed host and removed by the next, which leaves a living one alone', {
    timeout: 120_000,
  }, async () => {
    const parent = parentOf()
    const [killed, living] = [startHost(parent), startHost(parent)]
    const paths = await Promise.all([killed.path, living.path])
    expect(new Set(paths).size).toBe(2)
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(entriesOf(parent)).toHaveLength(2)
    // What a kill between two of its steps leaves, and what is not ours.
    mkdirSync(path.join(parent, 'castellan-arg0-empty'))
    mkdirSync(path.join(parent, 'castellan-arg0-half'))
    writeFileSync(path.join(parent, 'castellan-arg0-half/.lock'), '')
    mkdirSync(path.join(parent, 'codex-arg0-theirs'))
    writeFileSync(path.join(parent, 'castellan-arg0-file'), '')
    const elsewhere = folderIn(base!)
    writeFileSync(path.join(elsewhere, 'kept'), '')
    symlinkSync(elsewhere, path.join(parent, 'castellan-arg0-link'))
    const next = startHost(parent)
    const last = await next.path
    expect(entriesOf(parent).sort()).toEqual(
      [path.basename(paths[1]!), path.basename(last), 'castellan-arg0-file', 'castellan-arg0-link'].sort(),
    )
    expect(existsSync(path.join(parent, 'codex-arg0-theirs'))).toBe(true)
    expect(readdirSync(elsewhere)).toEqual(['kept'])
    for (const host of [living, next]) {
      host.child.stdin!.end()
      await host.ended
    }
  })

  it('links to a program that dispatches by its name, and is disposed once', async () => {
    const parent = parentOf()
    const directory = await makeEntryDirectory({ parent, program: process.execPath })
    for (const name of names) expect(readlinkSync(path.join(directory.path, name))).toBe(process.execPath)
    expect(directory.environment({ PATH: '/bin', A: '1' })).toEqual({ PATH: `${directory.path}:/bin`, A: '1' })
    expect(directory.environment({})).toEqual({ PATH: directory.path })
    const listeners = process.listenerCount('exit')
    directory[Symbol.dispose]()
    directory[Symbol.dispose]()
    expect([existsSync(directory.path), process.listenerCount('exit')]).toEqual([false, listeners - 1])
    expect(existsSync(process.execPath)).toBe(true)
  })

  it('keeps a file that somebody put into a directory inside it', async () => {
    const directory = await makeEntryDirectory({ parent: parentOf(), program: process.execPath })
    mkdirSync(path.join(directory.path, 'theirs'))
    writeFileSync(path.join(directory.path, 'theirs/file'), 'x')
    directory[Symbol.dispose]()
    expect(readFileSync(path.join(directory.path, 'theirs/file'), 'utf8')).toBe('x')
  })

  it('is refused under a directory that others may write, by whatever path', async () => {
    const folder = folderIn(base!)
    const open = path.join(folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o1777)
    symlinkSync(open, path.join(folder, 'link'))
    const refusals: [parent: string, reason: string][] = [
      [path.join(open, 'x'), 'world-writable'],
      [open, 'world-writable'],
      [path.join(folder, 'link/x/y'), 'world-writable'],
      [path.join(tmpdir(), 'castellan-entries'), 'world-writable'],
    ]
    for (const [parent, reason] of refusals) {
      const error = await makeEntryDirectory({ parent, program: process.execPath }).catch((thrown: unknown) => thrown)
      expect(error, parent).toBeInstanceOf(EntryError)
      expect(error, parent).toMatchObject({ code: 'ERR_ENTRY', reason })
    }
    expect([readdirSync(open), existsSync(path.join(tmpdir(), 'castellan-entries'))]).toEqual([[], false])
    writeFileSync(path.join(folder, 'file'), '')
    await expect(makeEntryDirectory({ parent: path.join(folder, 'file'), program: process.execPath })).rejects.toThrow()
    for (const options of [{ parent: 'relative', program: process.execPath }, { program: 'relative' }]) {
      await expect(makeEntryDirectory(options)).rejects.toBeInstanceOf(OptionError)
    }
  })

  it('cannot be made by a bundle that has lost the library’s files', () => {
    const folder = folderIn(tmpdir())
    symlinkSync(path.join(repository, 'build'), path.join(folder, 'build'))
    const elsewhere = path.join(folder, 'host/parts')
    cpSync(path.join(repository, 'dist/bundle'), elsewhere, { recursive: true })
    const made = `makeEntryDirectory({ parent: ${JSON.stringify(parentOf())} })`
    const script = `import { makeEntryDirectory } from './entry.js'
await ${made}.catch(({ code, reason }) => console.log(code, reason))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: elsewhere })
    expect(String(stdout)).toBe('ERR_ENTRY bundled\n')
  })

  it.runIf(process.getuid?.() === 0)('is refused where another user owns a directory above', async () => {
    const folder = folderIn(base!)
    const { chownSync } = await import('node:fs')
    chownSync(folder, 1234, 1234)
    await expect(
      makeEntryDirectory({ parent: path.join(folder, 'x'), program: process.execPath }),
    ).rejects.toMatchObject({ reason: 'foreign-owner' })
  })

  describe.runIf(base !== undefined && enginesHere().includes('namespace'))('in a sandbox', () => {
    it('lets a command call apply_patch, which is held as everything in it', { timeout: 120_000 }, async () => {
      const host = startHost(parentOf())
      const outer = folderIn(tmpdir())
      const cwd = path.join(outer, 'ws')
      mkdirSync(path.join(cwd, '.git'), { recursive: true })
      writeFileSync(path.join(cwd, 'a'), 'a\n')
      const sandbox = await createSandbox({
        policy: policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true }),
        cwd,
        env: { ...process.env, PATH: `${await host.path}:${process.env['PATH']}` },
      })
      const call = (...lines: string[]) => sandbox.run('sh', ['-c', `apply_patch <<'EOF'\n${patch(...lines)}\nEOF\n`])
      expect(await call('*** Update File: a', '@@', '-a', '+b', '*** Add File: d/n', '+n')).toMatchObject({
        exitCode: 0,
        stdout: 'Success. Updated the following files:\nA d/n\nM a\n',
        stderr: '',
      })
      expect([readFileSync(path.join(cwd, 'a'), 'utf8'), readdirSync(path.join(cwd, 'd'))]).toEqual(['b\n', ['n']])
      for (const outside of ['../x', '.git/x']) {
        const refused = await call('*** Update File: a', '@@', '-b', '+c', `*** Add File: ${outside}`, '+x')
        expect(refused, outside).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('EROFS') })
      }
      expect(readFileSync(path.join(cwd, 'a'), 'utf8')).toBe('b\n')
      expect([readdirSync(outer), readdirSync(path.join(cwd, '.git'))]).toEqual([['ws'], []])
      // The command may not put a program of its own in the place of ours.
      const replaced = await sandbox.run('sh', ['-c', 'echo x > "$(command -v apply_patch)"'])
      expect(replaced.exitCode).not.toBe(0)
      sandbox[Symbol.dispose]()
      host.child.stdin!.end()
      await host.ended
    })

    it('is what the example shows', { timeout: 120_000 }, () => {
      const parent = parentOf()
      const example = path.join(repository, 'examples/entry-host.mjs')
      const { status, stdout, stderr } = spawnSync(process.execPath, [example, parent], { encoding: 'utf8' })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout.trim().split('\n')).toEqual([
        expect.stringMatching(/^a patch that wants a hook: exit code 1, .*EROFS/),
        'a patch: exit code 0, A notes, M greeting',
        'greeting: hello, world',
      ])
      expect(entriesOf(parent)).toEqual([])
    })
  })
})
