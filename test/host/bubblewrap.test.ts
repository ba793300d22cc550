/** Which bubblewrap is used, and what a host is told: asked of programs that stand on PATH in its place. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { createSandbox } from '../../lib/index.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'

let world: World
const before = process.env['PATH']

beforeAll(() => {
  world = makeWorld('bubblewrap-choice')
  world.make({ workspace: null, root: null })
})
afterEach(() => {
  process.env['PATH'] = before
})
afterAll(() => world.remove())

/** A program that lists these options and ends with this code otherwise; it leaves a trace of having run. */
function pretend(folder: string, help: string, code: number): string {
  const place = world.at(folder)
  mkdirSync(place, { recursive: true })
  const program = path.join(place, 'bwrap')
  const trace = world.at(`${folder.replaceAll('/', '-')}.ran`)
  writeFileSync(
    program,
    `#!/bin/sh\n: > ${trace}\n[ "$1" = --help ] && echo "${help}" && exit 0\necho setting up >&2\nexit ${code}\n`,
  )
  chmodSync(program, 0o755)
  process.env['PATH'] = place
  return trace
}

async function noticesOf(bubblewrap: 'prefer' | 'require', roots: readonly string[] = []) {
  using sandbox = await createSandbox({
    policy: workspaceWrite(roots),
    cwd: world.at('workspace'),
    linux: { bubblewrap, engines: ['bwrap', 'namespace'] },
  })
  return { engine: sandbox.plan.engine, notices: sandbox.notices.map(({ code }) => code) }
}

it.each<[string, () => void, string]>([
  ['missing', () => (process.env['PATH'] = world.at('workspace')), 'bubblewrap-missing'],
  ['too old', () => pretend('old', '--bind --ro-bind --unshare-user --args --seccomp', 0), 'bubblewrap-too-old'],
  ['unable to make namespaces', () => pretend('unable', '--bind --perms', 1), 'bubblewrap-unusable'],
])('a preferred bubblewrap that is %s gives way, with a notice', async (_, arrange, code) => {
  arrange()
  const { engine, notices } = await noticesOf('prefer')
  expect(engine).toBe('namespace')
  expect(notices).toContain(code)
  arrange()
  await expect(noticesOf('require')).rejects.toMatchObject({
    code: 'ERR_BACKEND_UNAVAILABLE',
    capability: 'bubblewrap',
  })
})

it.each(['workspace/bin', 'root/bin'])(
  'never starts a bubblewrap below %s, where a command can write',
  async folder => {
    const trace = pretend(folder, '--perms', 0)
    expect((await noticesOf('prefer', [world.at('root')])).notices).toContain('bubblewrap-missing')
    expect(existsSync(trace)).toBe(false)
  },
)

it('never starts a bubblewrap below its own directory, when the policy is about another one', async () => {
  const trace = pretend('here/bin', '--perms', 0)
  const directory = process.cwd()
  process.chdir(world.at('here'))
  try {
    expect((await noticesOf('prefer')).notices).toContain('bubblewrap-missing')
  } finally {
    process.chdir(directory)
  }
  expect(existsSync(trace)).toBe(false)
})
