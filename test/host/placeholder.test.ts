/**
 * The directories that stand where nothing may be created: put and removed by several users, processes and hands at once.
 */

import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { fileSystemView } from '../../lib/host/file-system-view.ts'
import { watchFiles } from '../../lib/host/path-state.ts'
import { Placeholders } from '../../lib/host/placeholder.ts'
import { isPlaceholder } from '../../lib/host/placeholder-mark.ts'
import { loadLinuxBinding, type NativeExpectations, type NativeResult } from '../../lib/native/binding.ts'
import { emptyPlanImage, encodePlanImage } from '../../lib/native/plan-image.ts'
import { encodeRequestImage, noEnvironment } from '../../lib/native/request-image.ts'
import { runNumbers } from '../../lib/native/run-numbers.ts'
import { stageNames } from '../../lib/native/stages.ts'
import { normalizeAbsolute } from '../../lib/policy/path.ts'
import { environmentRuns } from '../../lib/process/environment-runs.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { kinds, sandboxOf, until } from '../process/support.ts'

const { flock } = loadLinuxBinding()

/** An environment of its own, with what its guard was told. */
function environment(note = 0) {
  const notes: string[] = []
  const binding = {
    flock,
    endRuns: () => {},
    notePlaceholder: (made: boolean, place: string) => {
      notes.push(`${made ? '+' : '-'}${place}`)
      return made ? note : 0
    },
  }
  return { placeholders: new Placeholders(binding), notes }
}

let world: World
let place: string
beforeEach(() => {
  world = makeWorld('placeholder')
  place = world.at('missing')
})
afterEach(() => world.remove())

const there = () => readdirSync(world.base)
const kind = () => fileSystemView.kindOf(normalizeAbsolute(place))

describe('a placeholder', () => {
  it('stands for nothing: what is asked about the place is as before', () => {
    const watched = watchFiles(fileSystemView)
    watched.watch([place])
    const lease = environment().placeholders.lease([place])!
    expect(there()).toEqual(['missing'])
    expect(isPlaceholder(place, lstatSync(place))).toBe(true)
    expect([kind(), fileSystemView.targetKindOf(normalizeAbsolute(place))]).toEqual(['missing', 'missing'])
    expect(watched.state.unchanged()).toBe(true)
    lease.release()
    expect(there()).toEqual([])
    expect(watched.state.unchanged()).toBe(true)
    mkdirSync(place)
    expect([kind(), watched.state.unchanged()]).toEqual(['directory', false])
  })

  it('stands for nothing as well when it goes while it is looked at', () => {
    const lease = environment().placeholders.lease([place])!
    const found = lstatSync(place)
    lease.release()
    expect(isPlaceholder(place, found)).toBe(true)
  })

  it('goes with its last user in this environment, and the guard hears of it once', () => {
    const { placeholders, notes } = environment()
    const leases = [placeholders.lease([place])!, placeholders.lease([place])!]
    leases[0]!.release()
    leases[0]!.release()
    expect(there()).toEqual(['missing'])
    leases[1]!.release()
    expect(there()).toEqual([])
    expect(notes).toEqual([`+${place}`, `-${place}`])
  })

  it('goes with the last of two environments, whichever ends first', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const leases = [environment().placeholders.lease([place])!, environment().placeholders.lease([place])!]
      leases[order[0]!]!.release()
      expect(there()).toEqual(['missing'])
      leases[order[1]!]!.release()
      expect(there()).toEqual([])
    }
  })

  it('stays when somebody put something into it, and is a directory then', () => {
    const lease = environment().placeholders.lease([place])!
    chmodSync(place, 0o1755)
    writeFileSync(world.at('missing/file'), 'text')
    expect(kind()).toBe('directory')
    lease.release()
    expect(readdirSync(place)).toEqual(['file'])
  })

  it('is put again when somebody removed it, and what was put in its place is left alone', () => {
    const { placeholders } = environment()
    const first = placeholders.lease([place])!
    rmdirSync(place)
    const second = placeholders.lease([place])!
    expect(there()).toEqual(['missing'])
    first.release()
    expect(there()).toEqual(['missing'])
    rmdirSync(place)
    mkdirSync(place)
    second.release()
    expect(there()).toEqual(['missing'])
  })

  it('is not put where something is, or where its directory is not', () => {
    const { placeholders, notes } = environment()
    const blocked: readonly (readonly [string, () => void])[] = [
      ['an empty directory', () => mkdirSync(place)],
      ['a file', () => writeFileSync(place, '')],
      ['a link', () => symlinkSync(world.base, place)],
      [
        'a marked directory that is not empty',
        () => {
          mkdirSync(`${place}/x`, { recursive: true })
          chmodSync(place, 0o1555)
        },
      ],
    ]
    for (const [what, put] of blocked) {
      put()
      expect([what, placeholders.lease([world.at('other'), place])]).toEqual([what, null])
      expect(there()).toEqual(['missing'])
      chmodSync(lstatSync(place).isDirectory() ? place : world.base, 0o755)
      rmSync(place, { recursive: true })
    }
    expect(placeholders.lease([world.at('nowhere/missing')])).toBeNull()
    expect(notes.filter(note => note.startsWith('+')).length).toBe(notes.filter(note => note.startsWith('-')).length)
    expect(there()).toEqual([])
  })

  it('is not put when the guard cannot be told of more, and then none stays', () => {
    const { placeholders } = environment(105)
    expect(() => placeholders.lease([place])).toThrow(
      expect.objectContaining({ code: 'ERR_LAUNCH', stage: 'placeholder', errnoName: 'ENOBUFS' }),
    )
    expect(there()).toEqual([])
  })

  it('is left to whoever holds its lock', () => {
    const lease = environment().placeholders.lease([place])!
    const fd = openSync(place, 'r')
    flock(fd, false, true)
    lease.release()
    expect(there()).toEqual(['missing'])
    closeSync(fd)
    environment().placeholders.lease([place])!.release()
    expect(there()).toEqual([])
  })
})

describe('a placeholder that the launcher puts for one run', () => {
  beforeEach(() => mkdirSync(world.at('ws')))
  const sandbox = () => sandboxOf('shared', world.at('ws'))
  const missing = () => ['.codex', '.agents'].filter(name => readdirSync(world.at('ws')).includes(name))

  it.skipIf(!kinds.includes('shared'))('stands while the command runs and not after it', async () => {
    await using held = await sandbox()
    const run = held.run('sh', ['-c', 'echo > started; until [ -e go ]; do sleep 0.01; done; mkdir .codex'])
    await until('the command has started', () => readdirSync(world.at('ws')).includes('started'))
    expect(missing()).toEqual(['.codex', '.agents'])
    writeFileSync(world.at('ws/go'), '')
    expect((await run).exitCode).toBe(1)
    expect(missing()).toEqual([])
  })

  it.skipIf(!kinds.includes('shared'))('is shared with what else needs it', async () => {
    await using held = await sandbox()
    const child = held.spawn('sleep', ['30'], { stdio: 'ignore' })
    expect((await held.run('true')).exitCode).toBe(0)
    expect(missing()).toEqual(['.codex', '.agents'])
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(missing()).toEqual([])
  })

  it.skipIf(!kinds.includes('shared'))('that cannot be put is told as ever', async () => {
    await using held = await sandbox()
    expect((await held.run('true')).exitCode).toBe(0)
    // Somebody removes a placeholder, and does not come to an end.
    const codex = world.at('ws/.codex')
    mkdirSync(codex, 0o1555)
    const fd = openSync(codex, 'r')
    flock(fd, true, true)
    await expect(held.run('true')).rejects.toMatchObject({ stage: 'placeholder', errnoName: 'EAGAIN' })
    closeSync(fd)
    expect((await held.run('true')).exitCode).toBe(0)
    expect(missing()).toEqual([])
  })

  it('is not put where it is not, and then nothing runs; nor where the disk has changed', async () => {
    const runs = environmentRuns()
    const plan = runs.binding.compilePlan(encodePlanImage(emptyPlanImage))!
    const file = world.at('ran')
    const request = encodeRequestImage({
      flags: 0,
      candidates: ['/usr/bin/touch'],
      argv: ['touch', file],
      environment: noEnvironment,
      workingDirectory: '/',
    })
    const attempt = (expected: Partial<NativeExpectations>) =>
      new Promise<NativeResult>(resolve => {
        const numbers = runNumbers([-1, -1, -1], { collect: true })
        const { placed = [], needless = [], stamps } = expected
        runs.track(runs.binding.run(plan, request, numbers, undefined, placed, needless, stamps), resolve)
      })
    mkdirSync(world.at('taken'))
    const misplaced = stageNames.indexOf('placeholder')
    for (const options of [{ placed: [place, world.at('taken')] }, { placed: [place], needless: [world.at('free')] }]) {
      expect((await attempt(options)).failure?.stage).toBe(misplaced)
      expect(there().toSorted()).toEqual(['taken', 'ws'])
    }
    expect((await attempt({ placed: [place], needless: ['/proc/missing'] })).failure?.stage).toBe(misplaced)
    const stamps = runs.binding.stampPaths([world.at('ws'), world.at('free')])
    mkdirSync(world.at('free'))
    expect((await attempt({ placed: [place], stamps })).failure?.stage).toBe(stageNames.indexOf('changed'))
    rmdirSync(world.at('free'))
    expect(there().toSorted()).toEqual(['taken', 'ws'])
    expect((await attempt({ placed: [place], stamps })).failure).toBeUndefined()
    expect(there().toSorted()).toEqual(['ran', 'taken', 'ws'])
  })
})
