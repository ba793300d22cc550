/** One program that is several: which start is which, and real processes that are started so. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, describe, expect, it } from 'vitest'

import { entryOf } from '../../lib/entry/dispatch.ts'
import { ensureBuilt, program, repository } from '../cli/castellan.ts'

ensureBuilt()
const place = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-entry-')))
afterAll(() => rmSync(place, { recursive: true, force: true }))

const patchOf = (...lines: string[]) => ['*** Begin Patch', ...lines, '*** End Patch', ''].join('\n')
const good = patchOf('*** Add File: n', '+n', '*** Update File: a', '@@', '-a', '+b')
const success = 'Success. Updated the following files:\nA n\nM a\n'

function workspace(): string {
  const cwd = mkdtempSync(path.join(place, 'w-'))
  writeFileSync(path.join(cwd, 'a'), 'a\n')
  return cwd
}

/** A host as anybody would write it: executable, with a line that names its interpreter. */
const host = path.join(place, 'host.mjs')
writeFileSync(
  host,
  `#!${process.execPath}
import { dispatchEntry } from ${JSON.stringify(pathToFileURL(path.join(repository, 'dist/bundle/entry.js')).href)}
await dispatchEntry(process.argv)
console.log('host', process.argv.slice(2).join(' '))
setInterval(() => {}, 1000).unref()
`,
)
chmodSync(host, 0o755)

function link(name: string, target: string): string {
  const folder = mkdtempSync(path.join(place, 'bin-'))
  symlinkSync(target, path.join(folder, name))
  return path.join(folder, name)
}

interface Start {
  readonly cwd?: string
  readonly input?: string | Buffer
  readonly argv0?: string
}

function start(file: string, args: readonly (string | Buffer)[], { cwd = workspace(), input = '', argv0 }: Start = {}) {
  const options = { cwd, input, timeout: 120_000, ...(argv0 === undefined ? {} : { argv0 }) }
  const { status, stdout, stderr, error } = spawnSync(file, args as string[], options)
  if (error !== undefined) throw error
  return { code: status, stdout: stdout.toString(), stderr: stderr.toString(), cwd }
}

const contentOf = (cwd: string) => readFileSync(path.join(cwd, 'a'), 'utf8')

describe('entryOf', () => {
  const node = '/usr/bin/node'
  it.each([
    [['/x/host.mjs', 'word'], 'node', null],
    [['/x/apply_patch', 'P'], 'node', ['apply_patch', 'P']],
    [['/x/applypatch'], 'node', ['applypatch']],
    [['/x/codex-linux-sandbox', '--', 'ls'], 'node', ['codex-linux-sandbox', '--', 'ls']],
    [['/x/host.mjs', 'P'], '/x/bin/apply_patch', ['apply_patch', 'P']],
    [['/x/host.mjs', '--codex-run-as-apply-patch', 'P'], 'node', ['--codex-run-as-apply-patch', 'P']],
    [['/x/host.mjs', '--codex-run-as-apply-patch'], 'node', ['--codex-run-as-apply-patch']],
    [['/x/host.mjs', 'first', '--codex-run-as-apply-patch', 'P'], 'node', null],
    [['/x/host.mjs', 'apply_patch', 'P'], 'node', null],
    [['/x/apply_patch/host.mjs'], 'node', null],
    [['/x/apply_patch.mjs'], 'node', null],
    [['/x/my-apply_patch'], 'node', null],
    [['/x/constructor'], 'node', null],
    [[], '', null],
  ])('%j started as %j is %j', (words, argv0, expected) => {
    const entry = entryOf([node, ...words], argv0)
    expect(entry === null ? null : [entry.kind, ...entry.args]).toEqual(expected)
  })
})

describe('a start that is the host’s own', () => {
  it('goes on, with its arguments', () => {
    expect(start(host, ['apply_patch', 'x'])).toMatchObject({ code: 0, stdout: 'host apply_patch x\n', stderr: '' })
  })

  it('has loaded nothing but names and node:path for it', () => {
    const importsOf = (file: string) =>
      [
        ...readFileSync(path.join(repository, 'dist/entry', file), 'utf8').matchAll(
          /^(?:import|export) .*from ['"](.+)['"]/gm,
        ),
      ].map(match => match[1]!)
    expect(importsOf('dispatch.js')).toEqual(['node:path', './names.js'])
    expect(importsOf('names.js')).toEqual([])
    const reached = new Set<string>()
    const walk = (file: string): void => {
      for (const target of importsOf(file)) {
        reached.add(target)
        if (target.startsWith('./')) walk(target)
      }
    }
    walk('index.js')
    // What is asked for at the start of every host: no package, no other folder but the errors and the place of the package.
    for (const target of reached)
      expect(target).toMatch(/^(node:[a-z/]+|\.\/[a-z-]+\.js|\.\.\/errors\.js|\.\.\/native\/package-root\.js)$/)
  })
})

describe('the virtual apply_patch', () => {
  const ways: [name: string, run: (args: readonly (string | Buffer)[], options?: Start) => ReturnType<typeof start>][] =
    [
      ['castellan linked as apply_patch', (args, options) => start(link('apply_patch', program), args, options)],
      ['a host linked as applypatch', (args, options) => start(link('applypatch', host), args, options)],
      [
        'an executable with that name',
        (args, options) => start(process.execPath, [host, ...args], { ...options, argv0: 'apply_patch' }),
      ],
    ]
  it.each(ways)('is %s: a patch as an argument or from stdin', (_, run) => {
    for (const [args, options] of [
      [[good], {}],
      [[], { input: good }],
      [['--preserve-crlf', good], {}],
    ] as const) {
      const { code, stdout, stderr, cwd } = run(args, options)
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: success, stderr: '' })
      expect([contentOf(cwd), readFileSync(path.join(cwd, 'n'), 'utf8')]).toEqual(['b\n', 'n\n'])
    }
  })

  const run = ways[1]![1]
  const bad: [
    name: string,
    args: readonly (string | Buffer)[],
    input: string | Buffer,
    code: number,
    message: string,
  ][] = [
    ['nothing', [], '', 2, 'usage: apply_patch PATCH'],
    ['two patches', [good, good], '', 2, 'exactly one PATCH'],
    ['a text that is no patch', ['hello'], '', 1, 'ERR_PATCH_INVALID'],
    ['a patch that changes nothing', [patchOf()], '', 1, 'ERR_PATCH_INVALID'],
    [
      'a hunk that does not fit',
      [patchOf('*** Add File: x', '*** Update File: a', '@@', '-z')],
      '',
      1,
      'ERR_PATCH_NO_MATCH',
    ],
    ['a file that is missing', [patchOf('*** Delete File: z')], '', 1, 'does not exist'],
    ['bytes that are not UTF-8 on stdin', [], Buffer.from([0xff]), 1, 'not UTF-8'],
  ]
  it.each(bad)('tells of %s on stderr and changes nothing', (_, args, input, code, message) => {
    const outcome = run(args, { input })
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
    expect(contentOf(outcome.cwd)).toBe('a\n')
    expect(existsSync(path.join(outcome.cwd, 'x'))).toBe(false)
  })

  it('replaces files as the reference does', () => {
    const { code, cwd } = run([patchOf('*** Add File: a', '+new')])
    expect([code, contentOf(cwd)]).toEqual([0, 'new\n'])
  })

  it('does not write what Node made of bytes that are not UTF-8', () => {
    const cwd = workspace()
    const script = `exec "$0" "$(printf '*** Begin Patch\\n*** Add File: x\\n+\\377\\n*** End Patch')"`
    expect(start('/bin/sh', ['-c', script, link('apply_patch', host)], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not UTF-8'),
    })
    expect(existsSync(path.join(cwd, 'x'))).toBe(false)
    const spelled = run([patchOf('*** Add File: x', '+\ufffd')])
    expect(spelled.code).toBe(0)
  })

  it('prints its usage', () => {
    expect(run(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('usage: apply_patch PATCH') })
  })
})

describe('--codex-run-as-apply-patch', () => {
  it.each([
    ['a host', [host]],
    ['castellan', [program]],
  ])('as the first argument of %s applies the patch after it', (_, words) => {
    const flag = '--codex-run-as-apply-patch'
    const run = (...args: string[]) => start(process.execPath, [...words, flag, ...args], { input: good })
    const { code, stdout, stderr, cwd } = run(good)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: success, stderr: '' })
    expect(contentOf(cwd)).toBe('b\n')
    // Never from stdin.
    expect(run()).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`${flag} needs a PATCH`) })
    expect(run('nonsense')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ERR_PATCH_INVALID') })
    expect(run(good, 'more')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('codex-linux-sandbox', () => {
  it.each([
    ['a host', host],
    ['castellan', program],
  ])('is %s by that name', (_, target) => {
    const helper = link('codex-linux-sandbox', target)
    expect(start(helper, ['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('codex-linux-sandbox') })
    expect(start(helper, ['--no-such-option'])).toMatchObject({ code: 2, stdout: '' })
  })
})
