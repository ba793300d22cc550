/**
 * A plan is made for what stands at its paths then. What stands there when a command starts must be the same, or the command
 * does not start: otherwise whoever may rename a root aims it at another place (spec/linux hole 4). Descriptor by descriptor
 * in the native child; bubblewrap takes paths, so there the helper inside compares.
 */
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { launcherFor } from '../../lib/backend/launcher.ts'
import { missingPlaces, withoutPlaces } from '../../lib/backend/missing-places.ts'
import { doctor, type Sandbox } from '../../lib/index.ts'
import { loadLinuxBinding, NativeStdio } from '../../lib/native/binding.ts'
import { noLimits } from '../../lib/plan/linux/process-limits.ts'
import type { Command } from '../../lib/process/command.ts'
import { environmentRuns } from '../../lib/process/environment-runs.ts'
import type { Launcher } from '../../lib/process/launch.ts'
import { run } from '../../lib/process/run.ts'
import { eachEngine, mountEngines, sandboxWith } from '../enforcement/support/engines.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'

const { capabilities } = await doctor()

function launcherOf(sandbox: Sandbox): Launcher {
  if (capabilities.platform !== 'linux') throw new Error('these engines are of Linux')
  const { bubblewrap, privileged } = capabilities
  // Nothing stands in for what is missing here: that is the sandbox's part of a launch.
  const { plan: whole } = sandbox
  if (whole.kind !== 'linux') throw new Error('these engines are of Linux')
  const plan = withoutPlaces(whole, missingPlaces(whole))
  return launcherFor(loadLinuxBinding(), plan, { options: bubblewrap.options, privileged })
}

function writing(file: string): Command {
  const { ignore, readPipe } = NativeStdio
  const args = ['-c', `echo text > ${file}`]
  const env = { PATH: '/usr/bin:/bin' }
  return {
    file: '/bin/sh',
    args,
    argv0: 'sh',
    cwd: '/',
    env,
    stdio: [ignore, readPipe, readPipe],
    session: 'new',
    limits: noLimits,
    umask: undefined,
    oomScoreAdjust: 0,
  }
}

const facts = { engine: '', planDigest: '', policyDigest: '', globs: 'none' } as const

eachEngine(mountEngines, 'a root that is replaced after the plan was made', engine => {
  let world: World
  let root: string
  let launcher: Launcher
  const start = () => run(environmentRuns(), launcher, writing(path.join(root, 'new')), { timeout: 60_000 }, facts)

  beforeEach(async () => {
    world = makeWorld('pins')
    world.make({ 'workspace/file': 'text', 'roots/root/file': 'text', 'roots/other/file': 'text' })
    root = world.at('roots/root')
    launcher = launcherOf(await sandboxWith(engine, workspaceWrite([root]), world.at('workspace')))
  })
  afterEach(() => world.remove())

  it('is written to while it is the same', async () => {
    expect((await start()).exitCode).toBe(0)
    expect(readdirSync(root)).toEqual(['file', 'new'])
  })

  it('is not opened when it is another directory', async () => {
    renameSync(root, `${root}-before`)
    mkdirSync(root)
    writeFileSync(path.join(root, 'file'), 'text')
    await expect(start()).rejects.toMatchObject({ code: 'ERR_LAUNCH', errnoName: 'ESTALE' })
    expect(readdirSync(root)).toEqual(['file'])
  })

  it('is not opened when a link leads to another directory', async () => {
    renameSync(root, `${root}-before`)
    symlinkSync(world.at('roots/other'), root)
    await expect(start()).rejects.toMatchObject({ code: 'ERR_LAUNCH' })
    expect(readdirSync(world.at('roots/other'))).toEqual(['file'])
  })
})
