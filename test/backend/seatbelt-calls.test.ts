/**
 * The file that calls Seatbelt on a Mac (`native/macos/seatbelt.cc`), in the helper, with functions of our own in the place of the
 * system's: how they are found, what they are given, and what is made of their answers.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { encodeSeatbeltFrame } from '../../lib/native/seatbelt-frame.ts'
import { compilerMissing } from '../support/seatbelt-stub.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const skipped = compilerMissing ?? (process.platform === 'linux' ? null : 'needs a system without Seatbelt')

describe.skipIf(skipped !== null)(`the calls of Seatbelt${skipped === null ? '' : ` (${skipped})`}`, () => {
  let folder: string

  // The number of a name that only macOS has; nobody asks for it here.
  const flags = ['-std=c++20', '-O0', '-fno-exceptions', '-fno-rtti', '-D_CS_DARWIN_USER_CACHE_DIR=0']
  const compiler = (words: readonly string[]) =>
    execFileSync('c++', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

  let helpers: Record<'whole' | 'silent' | 'none', string>
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'castellan-seatbelt-calls-'))
    const names = ['helper', 'frame', 'seatbelt']
    compiler([...flags, '-c', ...names.map(name => path.join(root, `native/macos/${name}.cc`))])
    const objects = names.map(name => `${name}.o`)
    const fake = path.join(root, 'test/support/fake-seatbelt.cc')
    /** `system`: what of the system is there. */
    const link = (name: string, system: readonly string[]) => {
      compiler(['-rdynamic', ...system, ...objects, '-ldl', '-o', name])
      return path.join(folder, name)
    }
    helpers = {
      whole: link('whole', [fake]),
      silent: link('silent', ['-DFAKE_CANNOT_BE_ASKED', fake]),
      none: link('none', []),
    }
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function start(helper: string, text: string) {
    const parameters = { PATH_0: '/tmp/a b', PATH_1: '"' }
    const frame = encodeSeatbeltFrame({ text, parameters }, { environment: [], programs: ['/bin/echo'] })
    const words = ['--profile', '0', '--status', '3', '--', 'echo', 'ran']
    const { status, stdout, stderr, output } = spawnSync(helper, words, {
      input: frame,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    })
    return { status, stdout: String(stdout), stderr: String(stderr), told: String(output[3]) }
  }

  it('hand the parameters over as keys and values, and ask whether it is so', () => {
    expect(start(helpers.whole, '(version 1)')).toEqual({
      status: 0,
      stdout: 'ran\n',
      stderr: 'init 0 [PATH_0] [/tmp/a b] [PATH_1] ["]\nasked in general 0\n',
      told: 'A',
    })
  })

  it('take the word of a system that cannot be asked', () => {
    expect(start(helpers.silent, '(version 1)')).toMatchObject({ status: 0, told: 'A' })
  })

  it('do not run a command that is not confined, whatever the system says', () => {
    const { status, stdout, told } = start(helpers.whole, '(version 1) ; fake: ignore')
    expect([status, stdout]).toEqual([126, ''])
    expect(JSON.parse(told)).toMatchObject({
      stage: 'apply',
      errno: 22,
      message: expect.stringContaining('not confined'),
    })
  })

  it('tell the message of the system, and give it back', () => {
    const { status, stdout, stderr, told } = start(helpers.whole, '(version 1) ; fake: refuse')
    expect([status, stdout]).toEqual([126, ''])
    expect(stderr).toMatch(/freed\n$/)
    expect(JSON.parse(told)).toEqual({ stage: 'apply', errno: 1, message: 'no, "here"' })
  })

  it('say so where the system has none', () => {
    const { status, stdout, told } = start(helpers.none, '(version 1)')
    expect([status, stdout]).toEqual([126, ''])
    const message = 'sandbox_init_with_parameters is not there'
    expect(JSON.parse(told)).toEqual({ stage: 'apply', errno: 38, message })
  })
})
