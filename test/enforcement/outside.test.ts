/**
 * Somebody outside the sandbox takes a protection away while a command runs: by replacing, removing or renaming what the
 * mount lies on. The command does not go on without it.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox } from '../../lib/index.ts'
import { until } from '../process/support.ts'
import { eachEngine, sandboxWith } from './support/engines.ts'
import { entry, special, split, workspaceWrite } from './support/policies.ts'
import { makeWorld, type World } from './support/world.ts'

let world: World
beforeAll(() => {
  world = makeWorld('outside')
})
afterAll(() => world.remove())

const patience = 30_000

/** A command that is there for `act` and does not end by itself, or only when it is told to. */
async function whileRunning(sandbox: Sandbox, ws: string, act: () => void, goOn = false) {
  const script = 'echo >started; while ! [ -e end ]; do sleep 0.05; done; echo ended'
  const running = sandbox.run('sh', ['-c', script], { cwd: ws, timeout: 4 * patience })
  await until('the command runs', () => existsSync(path.join(ws, 'started')), patience)
  act()
  if (goOn) {
    // Longer than the time between two looks.
    await new Promise(resolve => setTimeout(resolve, 300))
    writeFileSync(path.join(ws, 'end'), '')
  }
  const { signal, exitCode, stdout, lostProtection } = await running
  return { signal, exitCode, stdout, lostProtection }
}

const cut = (lostProtection: string) => ({ signal: 'SIGKILL', exitCode: null, stdout: '', lostProtection })
const whole = { signal: null, exitCode: 0, stdout: 'ended\n', lostProtection: null }

// Without a PID namespace nobody stands beside the command to see it (docs/limits.md).
eachEngine(['namespace', 'bwrap'], 'what somebody outside does to a closed place', engine => {
  const at = (...names: string[]) => world.at(engine, ...names)

  /** A workspace with a denied file and directory, a read-only file, and one that is missing. */
  async function workspace(name: string) {
    const ws = at(name)
    for (const file of ['denied/key', 'closed/file', 'kept', 'free']) {
      world.make({ [`${engine}/${name}/${file}`]: 'text' })
    }
    const policy = split(
      special('root', 'read'),
      entry(ws, 'write'),
      entry(`${ws}/denied/key`, 'none'),
      entry(`${ws}/closed`, 'none'),
      entry(`${ws}/kept`, 'read'),
      entry(`${ws}/missing`, 'none'),
    )
    return { ws, sandbox: await sandboxWith(engine, policy, ws) }
  }

  const replace = (file: string) => {
    writeFileSync(`${file}.new`, 'another')
    renameSync(`${file}.new`, file)
  }

  it.each<[string, string, (ws: string) => void]>([
    ['replaces a denied file', 'denied/key', ws => replace(`${ws}/denied/key`)],
    ['removes a denied file', 'denied/key', ws => rmSync(`${ws}/denied/key`)],
    ['moves a denied file away', 'denied/key', ws => renameSync(`${ws}/denied/key`, `${ws}/denied/old`)],
    ['moves the directory of a denied file away', 'denied/key', ws => renameSync(`${ws}/denied`, `${ws}/other`)],
    ['moves a denied directory away', 'closed', ws => renameSync(`${ws}/closed`, `${ws}/other`)],
    ['replaces a read-only file', 'kept', ws => replace(`${ws}/kept`)],
    ['removes what stands for something missing', 'missing', ws => rmdirSync(`${ws}/missing`)],
  ])('ends the command: %s', async (title, lost, act) => {
    const { ws, sandbox } = await workspace(title.replaceAll(' ', '-'))
    expect(await whileRunning(sandbox, ws, () => act(ws))).toEqual(cut(`${ws}/${lost}`))
    // And the next one is held to the policy as it was, or refused; it never finds the place open.
    const read = 'cat denied/key closed/file missing; echo x >kept; echo x >missing'
    const next = await sandbox.run('sh', ['-c', `${read}; true`], { cwd: ws }).catch((error: unknown) => error as Error)
    if (next instanceof Error) expect(next).toMatchObject({ code: 'ERR_POLICY_NOT_ENFORCEABLE' })
    else expect(next.stdout).toBe('')
    if (existsSync(`${ws}/kept`)) expect(readFileSync(`${ws}/kept`, 'utf8')).not.toContain('x\n')
  })

  it.each<[string, (ws: string) => void]>([
    ['writes into a denied file', ws => writeFileSync(`${ws}/denied/key`, 'another')],
    ['replaces what is open', ws => replace(`${ws}/free`)],
    ['makes something inside a denied directory', ws => mkdirSync(`${ws}/closed/new`)],
  ])('lets the command go on: %s', async (title, act) => {
    const { ws, sandbox } = await workspace(title.replaceAll(' ', '-'))
    expect(await whileRunning(sandbox, ws, () => act(ws), true)).toEqual(whole)
  })

  it('ends a spawned command as well', async () => {
    const ws = at('protected')
    world.make({ [`${engine}/protected/.git`]: 'gitdir: real\n' })
    const sandbox = await sandboxWith(engine, workspaceWrite(), ws)
    const child = sandbox.spawn('sh', ['-c', 'echo started; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = new Promise(resolve => child.once('close', (...end) => resolve(end)))
    await new Promise(resolve => child.stdout?.once('data', resolve))
    replace(`${ws}/.git`)
    expect(await closed).toEqual([null, 'SIGKILL'])
    expect(child.lostProtection).toBe(`${ws}/.git`)
  })
})

eachEngine(['namespace'], 'what somebody outside does to a closed place of a wrapped command', () => {
  it('ends it', async () => {
    const ws = world.at('wrapped')
    world.make({ 'wrapped/.git': 'gitdir: real\n' })
    const sandbox = await sandboxWith('namespace', workspaceWrite(), ws)
    const { file, args, env } = sandbox.wrap('sh', ['-c', 'echo started; exec sleep 600'])
    const child = spawn(file, args, { env, cwd: ws, stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = new Promise(resolve => child.once('close', (...end) => resolve(end)))
    await new Promise(resolve => child.stdout.once('data', resolve))
    rmSync(`${ws}/.git`)
    expect(await closed).toEqual([null, 'SIGKILL'])
  })
})

describe('a result without a helper', () => {
  it('has lost no protection', async () => {
    world.make({ 'plain/file': '' })
    const { createSandbox } = await import('../../lib/index.ts')
    const sandbox = await createSandbox({ policy: 'danger-full-access', cwd: world.at('plain') })
    expect((await sandbox.run('true')).lostProtection).toBe(null)
  })
})
