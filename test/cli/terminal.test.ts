/**
 * What only shows at a terminal. `script` of util-linux makes one.
 */
import { spawn, spawnSync } from 'node:child_process'

import { afterAll, describe, expect, it } from 'vitest'

import {
  comesTo,
  ended,
  enginesHere,
  ensureBuilt,
  marker,
  printed,
  program,
  running,
  temporaryPlace,
} from './castellan.ts'

ensureBuilt()
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
const engines = enginesHere()
const place = temporaryPlace()
afterAll(() => place.remove())

/** The command line for a shell. */
function line(engine: string, script: string): string {
  const words = [process.execPath, program, 'run', '--engine', engine, '--', 'sh', '-c', script]
  return words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}

/** Starts a shell's command line in a new terminal. */
function atTerminal(command: string) {
  const env = { ...process.env, SHELL: '/bin/sh' }
  return spawn('script', ['-qec', command, '/dev/null'], { cwd: place.path, env, stdio: 'pipe' })
}

describe.runIf(hasScript).each(engines)('at a terminal, engine %s', engine => {
  it('Ctrl-C reaches the command, once, and castellan ends after it', async () => {
    const script =
      'trap "echo caught" INT; trap "exit 9" TERM; echo ready; n=0; while [ $n -lt 8 ]; do sleep 0.1; n=$((n+1)); done; exit 6'
    const child = atTerminal(`exec ${line(engine, script)}`)
    await printed(child, /ready/)
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
    })
    child.stdin.write('\u0003')
    expect((await ended(child)).code).toBe(6)
    expect(text.match(/caught/g)).toHaveLength(1)
  })

  it('ends by SIGINT when Ctrl-C ends the command', async () => {
    const argument = marker()
    const child = atTerminal(`exec ${line(engine, `exec sleep ${argument}`)}`)
    expect(await comesTo(1, argument)).toBe(true)
    child.stdin.write('\u0003')
    // `script` tells a signal as shells do.
    expect((await ended(child)).code).toBe(128 + 2)
    expect(await comesTo(0, argument)).toBe(true)
  })

  it('Ctrl-C reaches what the command started', async () => {
    const argument = marker()
    const child = atTerminal(`exec ${line(engine, `sleep ${argument}; sleep ${argument}; true`)}`)
    expect(await comesTo(1, argument)).toBe(true)
    child.stdin.write('\u0003')
    expect(await comesTo(0, argument)).toBe(true)
    expect((await ended(child)).code).toBe(128 + 2)
  })

  it('Ctrl-C does not end a command that ignores it, as without castellan', async () => {
    const argument = marker()
    const child = atTerminal(`exec ${line(engine, `trap "" INT; echo begun; sleep ${argument}; true`)}`)
    expect(await comesTo(1, argument)).toBe(true)
    for (const _ of [1, 2]) {
      child.stdin.write('\u0003')
      await new Promise(resolve => setTimeout(resolve, 150))
    }
    expect(running(argument)).toBe(1)
    child.kill('SIGTERM')
    expect(await comesTo(0, argument)).toBe(true)
    await ended(child)
  })

  it.runIf(engine !== 'bwrap')('Ctrl-Z stops both, and both go on in the foreground', async () => {
    const argument = marker()
    const command = line(engine, `sleep ${argument} & echo begun; read word; kill $!; echo "read $word"; exit 4`)
    const child = atTerminal(`set -m; ${command}; echo "stopped $?"; fg; echo "end $?"`)
    await printed(child, /begun/)
    child.stdin.write('\u001a')
    await printed(child, /stopped 148/)
    child.stdin.write('hello\n')
    const text = await printed(child, /end \d/)
    expect(text).toContain('read hello')
    expect(text).toContain('end 4')
    await ended(child)
  })

  it.runIf(engine !== 'bwrap')('the command is in the foreground process group of the terminal', async () => {
    const child = atTerminal(`exec ${line(engine, 'cut -d" " -f5,8 /proc/$$/stat')}`)
    const [, group, foreground] = (await printed(child, /\d+ \d+\s/)).match(/(\d+) (\d+)/)!
    expect(group).toBe(foreground)
    expect((await ended(child)).code).toBe(0)
  })
})

describe.skipIf(hasScript)('at a terminal', () => {
  it.skip('needs `script` of util-linux, which is not installed')
})
