/**
 * The helper that confines itself and becomes the command, from the same sources as on macOS except for the call that
 * applies a profile (`native/macos/seatbelt_stub.cc`). What is tested is everything around that call.
 */
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { sandboxExecCommand, sandboxExecFailure } from '../../lib/backend/sandbox-exec.ts'
import { type SeatbeltCommand, spawnSeatbelt } from '../../lib/backend/seatbelt.ts'
import { encodeSeatbeltFrame, type SeatbeltProfile } from '../../lib/native/seatbelt-frame.ts'
import { buildSeatbeltStub, compilerMissing } from '../support/seatbelt-stub.ts'

const profile: SeatbeltProfile = { text: '(version 1)\n(deny default)\n', parameters: { PATH_0: '/tmp/ä "b"' } }
const shell = (script: string, changes: Partial<SeatbeltCommand> = {}): SeatbeltCommand => ({
  file: '/bin/sh',
  args: ['-c', script],
  cwd: '/',
  environment: ['PATH=/usr/bin:/bin', 'GREETING=hello'],
  stdio: ['ignore', 'pipe', 'pipe'],
  newSession: false,
  ...changes,
  argv0: changes.argv0 ?? changes.file ?? '/bin/sh',
  programs: changes.programs ?? [changes.file ?? '/bin/sh'],
})

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

function endOf(child: ChildProcess): Promise<Ended> {
  let output = ''
  child.stdout?.on('data', part => {
    output += String(part)
  })
  return new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal, output })))
}

describe.skipIf(compilerMissing !== null)(
  `the Seatbelt helper${compilerMissing === null ? '' : ` (${compilerMissing})`}`,
  () => {
    let folder: string
    let helper: string

    beforeAll(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'castellan-seatbelt-'))
      helper = buildSeatbeltStub(folder)
    }, 120_000)

    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it('becomes the command: same pid, arguments, environment and directory', async () => {
      const { child, confined } = spawnSeatbelt(
        helper,
        profile,
        shell('echo $$ "$1" $GREETING $(pwd)', { args: ['-c', 'echo $$ "$1" $GREETING $(pwd)', 'sh', 'a b'] }),
      )
      const ended = endOf(child)
      await confined
      expect(await ended).toEqual({ code: 0, signal: null, output: `${child.pid} a b hello /\n` })
    })

    it.each([0, 1, 65, 71, 126, 127])('passes the exit status %i of the command on', async code => {
      const { child, confined } = spawnSeatbelt(helper, profile, shell(`exit ${code}`))
      const ended = endOf(child)
      await confined
      expect((await ended).code).toBe(code)
    })

    it('tells the signal that ended the command', async () => {
      const { child, confined } = spawnSeatbelt(helper, profile, shell('kill -USR1 $$'))
      const ended = endOf(child)
      await confined
      expect(await ended).toEqual({ code: null, signal: 'SIGUSR1', output: '' })
    })

    it('shows the command no descriptor but its own, and keeps those', async () => {
      const extra = openSync('/dev/null', 'r')
      try {
        const script = 'ls /proc/$$/fd; cat /proc/$$/limits | grep core | tr -s " " | cut -d" " -f5,6'
        const { child, confined } = spawnSeatbelt(
          helper,
          profile,
          shell(script, { stdio: ['ignore', 'pipe', 'pipe', extra] }),
        )
        const ended = endOf(child)
        await confined
        const { output } = await ended
        expect(output.split('\n').filter(line => /^[0-9]+$/.test(line))).toEqual(['0', '1', '2', '3'])
        expect(output).toContain('0 0')
      } finally {
        closeSync(extra)
      }
    })

    it('shows nothing of the profile in the arguments', async () => {
      const secret: SeatbeltProfile = { text: '(version 1) ; NOT-TO-BE-SEEN', parameters: { PATH_0: 'NOR-THIS' } }
      const { child } = spawnSeatbelt(helper, secret, shell('tr "\\0" " " < /proc/$$/cmdline; env'))
      const { output } = await endOf(child)
      expect(output).toContain('/bin/sh')
      expect(output).not.toMatch(/NOT-TO-BE-SEEN|NOR-THIS|--profile/)
    })

    it('gives a Node.js command its IPC channel', async () => {
      const script = 'process.once("message", m => { process.send({ got: m }); process.disconnect() })'
      const { child, confined } = spawnSeatbelt(
        helper,
        profile,
        shell('', { file: process.execPath, args: ['-e', script], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }),
      )
      const ended = endOf(child)
      await confined
      const answer = new Promise(resolve => child.once('message', resolve))
      child.send('hello')
      expect(await answer).toEqual({ got: 'hello' })
      expect((await ended).code).toBe(0)
    })

    it('gives the command its environment, and takes none of it itself', async () => {
      // The loader of the helper would print its help instead of running anything, and so would the command's.
      const loud = shell('echo "$0:$GREETING"', { environment: ['GREETING=hello', 'LD_DEBUG=help'], argv0: 'renamed' })
      const { child, confined } = spawnSeatbelt(helper, profile, { ...loud, programs: ['/nonexistent/program'] })
      const ended = endOf(child)
      await expect(confined).rejects.toMatchObject({ code: 'ENOENT' })
      expect((await ended).output).toBe('')
      const run = spawnSeatbelt(helper, profile, loud)
      expect((await endOf(run.child)).output).toContain('LD_DEBUG')
      const quiet = spawnSeatbelt(helper, profile, { ...loud, environment: ['GREETING=hello'] })
      expect((await endOf(quiet.child)).output).toBe('renamed:hello\n')
    })

    it('tries the files that the command may be in their order', async () => {
      const closed = path.join(folder, 'closed')
      writeFileSync(closed, 'exit 1', { mode: 0o600 })
      const attempt = (programs: readonly string[]) => {
        const { child, confined } = spawnSeatbelt(helper, profile, shell('exit 7', { programs }))
        return { code: endOf(child).then(({ code }) => code), confined }
      }
      const found = attempt(['/nonexistent/sh', '/dev/null/sh', closed, '/bin/sh'])
      await found.confined
      expect(await found.code).toBe(7)
      await expect(attempt(['/nonexistent/sh', closed]).confined).rejects.toMatchObject({ code: 'EACCES' })
      await expect(attempt([]).confined).rejects.toMatchObject({ code: 'ENOENT' })
    })

    it('sets the file mode mask of the command', async () => {
      const { child } = spawnSeatbelt(helper, profile, shell('umask', { fileModeMask: 0o027 }))
      expect((await endOf(child)).output.trim()).toMatch(/^0*27$/)
    })

    it('says what kept the command from being confined, and does not run it', async () => {
      const marker = path.join(folder, 'ran')
      const attempt = (text: string) => spawnSeatbelt(helper, { ...profile, text }, shell(`: > ${marker}`))
      const refused = attempt('(version 1) ; stub: refuse')
      await expect(refused.confined).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'apply', errnoName: 'EPERM' })
      await expect(refused.confined).rejects.toThrow(/in a sandbox already/)
      const missing = attempt('(version 1) ; stub: missing')
      await expect(missing.confined).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', capability: 'seatbelt' })
      expect(() => closeSync(openSync(marker, 'r'))).toThrow('ENOENT')
    })

    it("tells the command's own faults as spawn does", async () => {
      const program = spawnSeatbelt(helper, profile, shell('', { file: '/nonexistent/program' }))
      await expect(program.confined).rejects.toMatchObject({
        name: 'SpawnError',
        code: 'ENOENT',
        path: '/nonexistent/program',
      })
      const directory = spawnSeatbelt(helper, profile, shell('', { cwd: path.join(folder, 'missing') }))
      await expect(directory.confined).rejects.toMatchObject({ name: 'SpawnError', code: 'ENOENT' })
      const tool = spawnSeatbelt('/nonexistent/helper', profile, shell(''))
      await expect(tool.confined).rejects.toMatchObject({
        code: 'ERR_BACKEND_UNAVAILABLE',
        capability: 'seatbelt-helper',
      })
    })

    it('carries a profile of a megabyte', async () => {
      const { child, confined } = spawnSeatbelt(
        helper,
        { text: `;${'x'.repeat(1 << 20)}`, parameters: {} },
        shell('exit 3'),
      )
      const ended = endOf(child)
      await confined
      expect((await ended).code).toBe(3)
    })

    // On a descriptor of its own, and in front of the command's input.
    const fromOwn = 'exec 3<&0 4>&1 >/dev/null </dev/null; exec "$0" --profile 3 --status 4 -- /bin/echo ran'
    const fromInput = 'exec 4>&1 >/dev/null; exec "$0" --profile 0 --status 4 -- /bin/echo ran'

    const body = 12
    /** The frame with other bytes in it, and the length that they have. */
    const withBody = (change: (bytes: Buffer) => Buffer) => (frame: Buffer) => {
      const changed = Buffer.concat([frame.subarray(0, body), change(frame.subarray(body))])
      changed.writeUInt32LE(changed.length - body, 8)
      return changed
    }
    const at = (place: number, bytes: readonly number[]) => (frame: Buffer) =>
      Buffer.concat([frame.subarray(0, place), Buffer.from(bytes), frame.subarray(place + bytes.length)])

    it.each<[what: string, change: (frame: Buffer) => Buffer, errno?: number]>([
      ['nothing', () => Buffer.alloc(0)],
      ['another magic', at(0, [...Buffer.from('XXXX')])],
      ['another version', at(4, [2, 0, 0, 0])],
      ['a head alone', frame => frame.subarray(0, body)],
      ['half a head', frame => frame.subarray(0, body - 1)],
      ['cut', frame => frame.subarray(0, -3)],
      ['cut, with the length that it has then', withBody(bytes => bytes.subarray(0, -3))],
      ['longer than its texts', withBody(bytes => Buffer.concat([bytes, Buffer.from('x')]))],
      ['empty', withBody(() => Buffer.alloc(0))],
      ['without a profile', withBody(bytes => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(16)]))],
      ['with a NUL in a value', withBody(at(4 + 4 + profile.text.length + 4 + 4 + 2, [0]))],
      ['with a text beyond the end', withBody(at(4, [255, 255, 255, 255]))],
      ['with more parameters than there may be', withBody(at(4 + 4 + profile.text.length, [1, 16, 0, 0]))],
      ['too long', at(8, [1, 0, 64, 0]), 27],
    ])('refuses a frame that is %s', (_name, change, errno = 22) => {
      for (const script of [fromOwn, fromInput]) {
        const said = spawnSync('/bin/sh', ['-c', script, helper], { input: change(encodeSeatbeltFrame(profile)) })
        expect(said.status).toBe(126)
        expect(JSON.parse(String(said.stdout))).toMatchObject({ stage: 'protocol', errno })
      }
    })

    const echo = { environment: [], programs: ['/bin/echo'] }

    it('refuses what follows a frame on a descriptor of its own', () => {
      const input = Buffer.concat([encodeSeatbeltFrame(profile, echo), Buffer.from('x')])
      const said = spawnSync('/bin/sh', ['-c', fromOwn, helper], { input })
      expect(said.status).toBe(126)
      expect(JSON.parse(String(said.stdout))).toMatchObject({ stage: 'protocol', message: 'something follows it' })
    })

    it('leaves to the command what follows a frame in its input, to the byte', () => {
      const input = Buffer.concat([
        encodeSeatbeltFrame(profile, { ...echo, programs: ['/bin/cat'] }),
        Buffer.alloc(300_000, 7),
      ])
      const words = ['--profile', '0', '--status', '3', '--', 'cat']
      const said = spawnSync(helper, words, { input, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
      expect(String(said.output[3])).toBe('A')
      expect(said.stdout.equals(Buffer.alloc(300_000, 7))).toBe(true)
    })

    it('puts another input in its place, and hides where it came from', () => {
      const file = path.join(folder, 'input')
      writeFileSync(file, 'other input')
      const other = openSync(file, 'r')
      const programs = ['/bin/sh']
      const words = ['--profile', '0', '--status', '3', '--input', '4', '--', 'sh', '-c', 'cat; ls /proc/$$/fd']
      try {
        const said = spawnSync(helper, words, {
          input: encodeSeatbeltFrame(profile, { environment: ['PATH=/usr/bin:/bin'], programs }),
          stdio: ['pipe', 'pipe', 'pipe', 'pipe', other],
        })
        expect(
          String(said.stdout)
            .split('\n')
            .filter(line => line !== ''),
        ).toEqual(['other input0', '1', '2'])
      } finally {
        closeSync(other)
      }
    })

    it('refuses arguments that it was not made for', () => {
      for (const words of [
        [],
        ['--profile', '3'],
        ['--profile', '1', '--status', '4', '--', 'x'],
        ['--profile', '3', '--status', '0', '--', 'x'],
        ['--profile', '3', '--status', '3', '--', 'x'],
        ['--profile', '3', '--status', '4', '--input', '5', '--', 'x'],
        ['--profile', '0', '--status', '4', '--input', '4', '--', 'x'],
        ['--profile', '3', '--status', '4', '--'],
        ['--profile', '3 ', '--status', '4', '--', 'x'],
        ['--profile', '99999999999999999999', '--status', '4', '--', 'x'],
        ['--profile', '3', '--status', '4', '--other', '5', '--', 'x'],
      ]) {
        expect(() => execFileSync(helper, words, { stdio: 'ignore' }), words.join(' ')).toThrow(
          expect.objectContaining({ status: 126 }),
        )
      }
    })
  },
)

describe('a frame', () => {
  it('is refused when it could not be read back', () => {
    const refused = expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'profile' })
    expect(() => encodeSeatbeltFrame({ text: 'a\0b', parameters: {} })).toThrow(refused)
    expect(() => encodeSeatbeltFrame({ text: 'x', parameters: { A: '\0' } })).toThrow(refused)
    expect(() => encodeSeatbeltFrame({ text: 'x'.repeat(5 << 20), parameters: {} })).toThrow(refused)
    const many = Object.fromEntries(Array.from({ length: 4097 }, (_, index) => [`K${index}`, 'v']))
    expect(() => encodeSeatbeltFrame({ text: 'x', parameters: many })).toThrow(refused)
  })
})

describe('sandbox-exec', () => {
  it('is named by its absolute path and gets every path as a parameter', () => {
    expect(sandboxExecCommand('/usr/bin/sandbox-exec', profile, 'ls', ['-l'])).toEqual({
      file: '/usr/bin/sandbox-exec',
      args: ['-p', profile.text, '-DPATH_0=/tmp/ä "b"', '--', 'ls', '-l'],
    })
  })

  it('is told apart from a command that exits with the same number', () => {
    const failure = (code: number, said: string) => sandboxExecFailure(code, said, { file: 'ls', args: ['-l'] })
    expect(failure(65, 'sandbox-exec: <input string>:3: unbound variable')).toMatchObject({ stage: 'compile' })
    expect(failure(71, 'sandbox-exec: sandbox_apply: Operation not permitted')).toMatchObject({ stage: 'apply' })
    expect(failure(65, 'my own trouble')).toBeNull()
    expect(failure(0, 'sandbox-exec: a line of the command')).toBeNull()
  })

  it.each([
    ['No such file or directory', 'ENOENT'],
    ['Permission denied', 'EACCES'],
    ['Operation not permitted', 'EPERM'],
  ])("tells the command's own fault as spawn does: %s", (words, code) => {
    const said = `sandbox-exec: execvp() of 'a tool' failed: ${words}\n`
    expect(sandboxExecFailure(71, said, { file: 'a tool', args: ['-l'] })).toMatchObject({
      name: 'SpawnError',
      code,
      path: 'a tool',
      spawnargs: ['-l'],
    })
    const other = sandboxExecFailure(71, "sandbox-exec: execvp() of 'x' failed: Unheard of", { file: 'x', args: [] })
    expect(other).toMatchObject({ code: 'ERR_LAUNCH', stage: 'exec' })
  })
})
