/**
 * Asks the system whether the model is right: random trees of rules are laid out on the disk, bubblewrap is started with the
 * rendered words, and a shell inside tries to read and write every place. Needs a bubblewrap on PATH that can make a sandbox.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'

import { bubblewrapCommandLine, renderBubblewrap } from '../../lib/plan/linux/bwrap-arguments.ts'
import { makeMountPlan } from '../../lib/plan/linux/mount.ts'
import { makeMountView } from '../../lib/plan/linux/mount-view.ts'
import type { AbsolutePath } from '../../lib/policy/path.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { ruleBushes, ruleNests, tree } from './rule-trees.ts'

const options = [...String(spawnSync('bwrap', ['--help']).stdout ?? '').matchAll(/^\s+(--[a-z0-9-]+)/gm)].map(
  match => match[1]!,
)
const works = spawnSync('bwrap', ['--unshare-user', '--ro-bind', '/', '/', 'true']).status === 0
// Not /tmp: a rule for the whole of it must not meet other tests' files.
const base = works ? mkdtempSync(join(realpathSync('/var/tmp'), 'castellan-bwrap-')) : ''

/** Answers `ACCESS PATH` for every line it reads, and leaves nothing behind where it could write. */
const shell = `while IFS= read -r path; do access=none
if [ -d "$path" ]; then
  ls "$path" >/dev/null 2>&1 && access=read
  if ( : >"$path/.probe" ) 2>/dev/null; then access=write; rm -f "$path/.probe"; fi
else
  cat "$path" >/dev/null 2>&1 && access=read
  ( : >>"$path" ) 2>/dev/null && access=write
fi
echo "$access $path"; done`

/** The same rules below `directory`, in a world where a shell can be started. */
function below(directory: string, resolved: ResolvedPolicy): ResolvedPolicy {
  const root = resolved.rules.find(rule => rule.path === '/')
  const links = ['/bin', '/lib', '/lib64'].filter(path => statSync(path, { throwIfNoEntry: false }) !== undefined)
  const system = links.map(path => `${path} read ${realpathSync(path) === path ? 'directory' : 'symlink'} platform`)
  // The disk itself stays read-only: this test writes nowhere else.
  const start = root === undefined || root.access === 'none' ? ['/usr read directory platform', ...system] : ['/ read']
  const rules = resolved.rules.filter(rule => rule.path !== '/')
  return tree(...start, ...rules.map(({ path, access, target }) => `${directory}${path} ${access} ${target}`))
}

function layOut(resolved: ResolvedPolicy): string[] {
  rmSync(join(base, 'tree'), { recursive: true, force: true })
  mkdirSync(join(base, 'tree'))
  for (const { path, target } of resolved.rules) {
    if (!path.startsWith(base)) continue
    mkdirSync(target === 'file' ? dirname(path) : join(path, 'inner'), { recursive: true })
    writeFileSync(target === 'file' ? path : join(path, 'inner-file'), 'text')
  }
  return listing()
}

function listing(): string[] {
  return (readdirSync(join(base, 'tree'), { recursive: true }) as string[]).map(name => join(base, 'tree', name)).sort()
}

function inside(resolved: ResolvedPolicy, pid: boolean, commands: string, input = '') {
  const made = makeMountPlan(resolved)
  if ('refusal' in made) throw new Error(made.refusal.message)
  const rendering = renderBubblewrap({
    mounts: made.plan,
    namespaces: { pid, ipc: true, net: true },
    options,
    privileged: process.getuid?.() === 0,
    seccomp: false,
  })
  if ('refusal' in rendering) throw new Error(rendering.refusal.message)
  writeFileSync(join(base, 'arguments'), rendering.rendered.arguments.map(word => `${word}\0`).join(''))
  const descriptor = openSync(join(base, 'arguments'), 'r')
  const words = bubblewrapCommandLine(rendering.rendered, { arguments: 3 }, ['/bin/sh', '-c', commands])
  try {
    return spawnSync('bwrap', words, { stdio: ['pipe', 'pipe', 'pipe', descriptor], input, cwd: '/', timeout: 60_000 })
  } finally {
    closeSync(descriptor)
  }
}

function ask(resolved: ResolvedPolicy, pid: boolean, paths: readonly string[]): string[] {
  const child = inside(resolved, pid, shell, `${paths.join('\n')}\n`)
  expect([child.status, String(child.stderr)]).toEqual([0, ''])
  return String(child.stdout).trimEnd().split('\n')
}

afterAll(() => {
  if (base !== '') rmSync(base, { recursive: true, force: true })
})

describe.skipIf(!works)(
  'bubblewrap does what the model says (skipped: no bubblewrap here that can make a sandbox)',
  () => {
    it.each([false, true])('for random trees, with a PID namespace: %s', pid => {
      fc.assert(
        fc.property(fc.oneof(ruleBushes, ruleNests), given => {
          const resolved = below(join(base, 'tree'), given)
          const paths = layOut(resolved)
          const made = makeMountPlan(resolved)
          const view = makeMountView((made as Extract<typeof made, { plan: unknown }>).plan)
          const asked = [...paths, '/', '/usr', '/dev', '/dev/null', '/dev/shm', '/proc/sys/kernel/hostname']
          const expected = asked.map(path => `${view.at(path as AbsolutePath).access} ${path}`)
          expect(ask(resolved, pid, asked)).toEqual(expected)
          // Nothing was made on the host.
          expect(listing()).toEqual(paths)
        }),
        { numRuns: 60 },
      )
    })

    it('keeps the parents of closed places where they are', () => {
      const place = join(base, 'tree', 'w')
      const resolved = tree('/ read', `${place} write`, `${place}/p/q/key none file`)
      layOut(resolved)
      // `mv` fails with EBUSY on a mount point; the marker shows that the directory as such is writable.
      const commands = `cd ${place} && : >marker && ! mv p p2 2>/dev/null && ! mv p/q q2 2>/dev/null && mv marker p/`
      expect(inside(resolved, false, commands).status).toBe(0)
      expect(listing()).toContain(join(place, 'p', 'marker'))
      expect(listing()).toContain(join(place, 'p', 'q', 'key'))
    })
  },
)
