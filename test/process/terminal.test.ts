/**
 * A command that shares the terminal of its host cannot type into it. On a real pseudo terminal that controls the session of
 * the host, where what is typed by nobody can be counted.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { only } from '../enforcement/support/engines.ts'
import { compileProbe, compilerMissing } from '../enforcement/support/probe.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { type CompiledLibrary, compileLibrary } from './compiled.ts'
import { type Kind, kinds } from './support.ts'

const source = fileURLToPath(new URL('terminal.c', import.meta.url))

describe.skipIf(compilerMissing !== null)(`terminal${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  let terminal: string
  let library: CompiledLibrary
  beforeAll(() => {
    world = makeWorld('terminal')
    world.make({ 'ws/file': 'text' })
    probe = compileProbe(world.base)
    terminal = path.join(world.base, 'terminal')
    execFileSync('cc', ['-O1', '-o', terminal, source], { stdio: ['ignore', 'ignore', 'pipe'] })
    library = compileLibrary()
  })
  afterAll(() => {
    library.remove()
    world.remove()
  })

  /** Runs the probe once per kind below a host whose terminal it shares. A line per kind, and how much was typed. */
  function onTerminal(some: readonly Kind[], session: 'inherit' | 'new') {
    const options = some.map(kind => (kind === 'unconfined' ? { policy: 'danger-full-access' } : { linux: only[kind] }))
    const text = `
      const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
      for (const options of ${JSON.stringify(options)}) {
        const sandbox = await createSandbox({ policy, cwd: ${JSON.stringify(world.at('ws'))}, ...options })
        const stdio = [0, 'pipe', 2]
        const result = await sandbox.run(${JSON.stringify(probe)}, ['controlling-terminal', 'tiocsti'], { session: '${session}', stdio })
        console.log(result.stdout.split('\\n').join(' ').trim())
        await sandbox[Symbol.asyncDispose]()
      }`
    const script = library.script(`${some[0]}-${session}`, text)
    const { stdout, stderr, status } = spawnSync(terminal, [process.execPath, script], { encoding: 'utf8' })
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' })
    return stdout.trim().split(/\r?\n/)
  }

  // What the others are compared with. Whoever may administer the system may type into every terminal, so that kernels
  // which close the call (dev.tty.legacy_tiocsti=0) let root show it all the same.
  it('counts what a command types that nothing holds', ({ skip }) => {
    const told = onTerminal(['unconfined'], 'inherit')
    skip(told[0] === 'ok EIO', 'this kernel closes TIOCSTI for everybody (dev.tty.legacy_tiocsti)')
    expect(told).toEqual(['ok ok', 'pending 1'])
  })

  const held = kinds.filter(kind => kind !== 'unconfined')
  it.runIf(held.length > 0).each(['inherit', 'new'] as const)('cannot be typed into, session %s', session => {
    const reachable = session === 'new' ? '(ENXIO|EACCES)' : '(ok|ENXIO|EACCES)'
    const refused = expect.stringMatching(new RegExp(`^${reachable} (EPERM|EACCES)$`))
    expect(onTerminal(held, session)).toEqual([...held.map(() => refused), 'pending 0'])
  })
})
