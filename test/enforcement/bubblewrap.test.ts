/**
 * bubblewrap is a program of the host that runs outside the sandbox until it has made it: nothing of the command may act on
 * it, and nothing of the policy or the command may be read off it.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createSandbox } from '../../lib/index.ts'
import { eachEngine, sandboxWith } from './support/engines.ts'
import { workspaceWrite } from './support/policies.ts'
import { compilerMissing } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

/** Writes a file next to itself as soon as it is loaded, and the program into which. */
const tattletale = `
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
  const char *place = getenv("TATTLE");
  char program[256] = {0};
  FILE *file = place ? fopen(place, "a") : NULL;
  if (file && readlink("/proc/self/exe", program, sizeof program - 1) > 0) fprintf(file, "%s\\n", program);
  if (file) fclose(file);
}`

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** What can be read of a process and all below it. */
function visibleOf(root: number): { pid: number; program: string; shown: string }[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const parent = /\) \S (\d+)/.exec(text(`/proc/${name}/stat`))?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const tree = [root]
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree.map(pid => {
    let program = ''
    try {
      program = readlinkSync(`/proc/${pid}/exe`)
    } catch {}
    return { pid, program, shown: `${text(`/proc/${pid}/cmdline`)}\n${text(`/proc/${pid}/environ`)}` }
  })
}

eachEngine(['bwrap'], 'the program itself', engine => {
  let world: World
  beforeAll(() => {
    world = makeWorld('bubblewrap')
    world.make({ 'workspace-name/file': 'text', 'tattle.c': tattletale })
  })
  afterAll(() => world.remove())

  it.skipIf(compilerMissing !== null)('does not load what LD_PRELOAD of the command names', async () => {
    const library = world.at('tattle.so')
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, world.at('tattle.c')])
    const sandbox = await sandboxWith(engine, workspaceWrite(), world.at('workspace-name'))
    for (const variable of ['LD_PRELOAD', 'LD_AUDIT']) {
      const inside = world.at('workspace-name', variable)
      await sandbox.run('sh', ['-c', 'true'], { env: { PATH: '/usr/bin:/bin', [variable]: library, TATTLE: inside } })
      // The command itself may load it: its own process, its own rules.
      const programs = existsSync(inside) ? readFileSync(inside, 'utf8').trim().split('\n') : []
      if (variable === 'LD_PRELOAD') expect(programs.length).toBeGreaterThan(0)
      expect(programs.filter(program => program === realpathSync('/usr/bin/bwrap'))).toEqual([])
      const outside = world.at(variable)
      await sandbox.run('sh', ['-c', 'true'], { env: { PATH: '/usr/bin:/bin', [variable]: library, TATTLE: outside } })
      expect(existsSync(outside)).toBe(false)
    }
  })

  it('shows nothing of the policy, the command or its environment', async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), world.at('workspace-name'))
    const child = sandbox.spawn('sleep', ['54321'], { env: { PATH: '/usr/bin:/bin', TOKEN: 'very-secret' } })
    try {
      await new Promise(resolve => setTimeout(resolve, 200))
      const seen = visibleOf(child.pid!)
      const launchers = seen.filter(({ program }) => !/sleep|coreutils|busybox/.test(program))
      expect(seen.map(({ program }) => program)).toContain(realpathSync('/usr/bin/bwrap'))
      expect(launchers.length).toBeGreaterThan(0)
      for (const { shown, program } of launchers) {
        for (const word of ['very-secret', 'workspace-name', '54321'])
          expect(`${program}: ${shown}`).not.toContain(word)
      }
    } finally {
      child.terminate('SIGKILL')
      await new Promise(resolve => child.once('close', resolve))
    }
  })

  /** A program of that name, first on PATH, that begins with these lines and goes on as the real one. */
  function standIn(folder: string, lines: string): () => void {
    const program = world.at(folder, 'bwrap')
    mkdirSync(world.at(folder))
    writeFileSync(program, `#!/bin/sh\n${lines}\nexec ${realpathSync('/usr/bin/bwrap')} "$@"\n`, { mode: 0o755 })
    const before = process.env['PATH']
    process.env['PATH'] = `${world.at(folder)}:${before}`
    return () => {
      process.env['PATH'] = before
    }
  }
  const helpWithout = (option: string) =>
    `case "$1" in --help) ${realpathSync('/usr/bin/bwrap')} --help 2>&1 | grep -v -e ${option}; exit;; esac`

  it('is enough without the options that it got later: 0.8 has no --argv0', async () => {
    const restore = standIn('without-argv0', `${helpWithout('--argv0')}\ncase "$*" in *--argv0*) exit 9;; esac`)
    try {
      const sandbox = await sandboxWith(engine, workspaceWrite(), world.at('workspace-name'))
      expect(sandbox.plan).toMatchObject({ bubblewrap: { path: world.at('without-argv0', 'bwrap') } })
      const result = await sandbox.run('sh', ['-c', 'echo inside; echo x >"$0"', world.at('outside')])
      expect(result.stdout).toBe('inside\n')
      expect(result.exitCode).not.toBe(0)
      expect(existsSync(world.at('outside'))).toBe(false)
    } finally {
      restore()
    }
  })

  it('is too old without an option that the plan needs, which a notice and the refusal name', async () => {
    const restore = standIn('without-perms', helpWithout('--perms'))
    try {
      const options = { policy: workspaceWrite(), cwd: world.at('workspace-name') }
      await expect(
        createSandbox({ ...options, linux: { engines: ['bwrap'], bubblewrap: 'require' } }),
      ).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', message: expect.stringContaining('--perms') })
      const other = await createSandbox({ ...options, linux: { bubblewrap: 'prefer' } }).catch(() => null)
      const codes = other?.notices.map(({ code }) => code) ?? ['bubblewrap-too-old']
      expect(codes).toContain('bubblewrap-too-old')
      expect(other?.plan.engine).not.toBe('bwrap')
    } finally {
      restore()
    }
  })
})
