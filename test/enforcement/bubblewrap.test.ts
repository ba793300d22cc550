/**
 * bubblewrap is a program of the host that runs outside the sandbox until it has made it: nothing of the command may act on
 * it, and nothing of the policy or the command may be read off it.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'

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
})
