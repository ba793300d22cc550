/**
 * What stands at the paths that a plan rests on, looked at closely and by the addon's quick look: both must notice the
 * same changes.
 */
import { chmodSync, mkdirSync, renameSync, rmdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { fileSystemView } from '../../lib/host/file-system-view.ts'
import { type QuickLook, watchFiles } from '../../lib/host/path-state.ts'
import { placeholderMode, placeholderTime } from '../../lib/host/placeholder-mark.ts'
import { loadLinuxBinding } from '../../lib/native/binding.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'

const binding = loadLinuxBinding()
let world: World
beforeEach(() => {
  world = makeWorld('path-state')
  mkdirSync(world.at('directory'))
  writeFileSync(world.at('file'), 'one')
  symlinkSync('directory', world.at('link'))
  symlinkSync('link', world.at('second-link'))
  symlinkSync('nowhere', world.at('dangling'))
})
afterEach(() => world.remove())

const names = ['directory', 'file', 'link', 'second-link', 'dangling', 'missing', 'file/below']

/** The same directory under the same number, where the file system gives numbers again. */
function replaceDirectory(): void {
  mkdirSync(world.at('other'))
  rmdirSync(world.at('directory'))
  renameSync(world.at('other'), world.at('directory'))
}

const changes: [name: string, change: () => void][] = [
  ['a directory that is another one', replaceDirectory],
  ['a directory that goes', () => rmdirSync(world.at('directory'))],
  ['a file that is written', () => writeFileSync(world.at('file'), 'two')],
  [
    'a file that is written with its old times',
    () => {
      writeFileSync(world.at('file'), 'two')
      utimesSync(world.at('file'), 1, 1)
    },
  ],
  ['a file whose mode changes', () => chmodSync(world.at('file'), 0o400)],
  [
    'a file that becomes a directory',
    () => {
      rmSync(world.at('file'))
      mkdirSync(world.at('file'))
    },
  ],
  [
    'a link that leads elsewhere',
    () => {
      rmSync(world.at('link'))
      symlinkSync('file', world.at('link'))
    },
  ],
  ['a dangling link that gets its target', () => mkdirSync(world.at('nowhere'))],
  ['something missing that appears', () => mkdirSync(world.at('missing'))],
  ['something missing that appears as a dangling link', () => symlinkSync('nowhere', world.at('missing'))],
]

const unimportant: [name: string, change: () => void][] = [
  ['nothing', () => {}],
  ['a file in a directory', () => writeFileSync(world.at('directory/file'), '')],
  ['a mode of a directory', () => chmodSync(world.at('directory'), 0o700)],
]

describe.each([
  ['a close look', undefined],
  ['a quick look', binding],
])('%s', (_, quick) => {
  const watched = () => {
    const state = watchFiles(fileSystemView, quick)
    state.watch(names.map(name => world.at(name)))
    return state.state
  }

  it.each(changes)('notices %s', (__, change) => {
    const state = watched()
    expect([state.unchanged(), state.unchanged()]).toEqual([true, true])
    change()
    expect([state.unchanged(), state.unchanged()]).toEqual([false, false])
  })

  it.each(unimportant)('passes over %s', (__, change) => {
    const state = watched()
    expect(state.unchanged()).toBe(true)
    change()
    expect([state.unchanged(), state.unchanged()]).toEqual([true, true])
  })

  it('notices a change before it looked for the first time', () => {
    const state = watched()
    mkdirSync(world.at('missing'))
    expect(state.unchanged()).toBe(false)
  })

  it('takes a placeholder for nothing, and notices when the same directory is none any more', () => {
    const state = watched()
    const place = world.at('missing')
    mkdirSync(place)
    chmodSync(place, placeholderMode)
    utimesSync(place, placeholderTime, placeholderTime)
    expect([state.unchanged(), state.unchanged()]).toEqual([true, true])
    chmodSync(place, 0o755)
    utimesSync(place, 1, 1)
    expect(state.unchanged()).toBe(false)
  })

  it('notices a placeholder that gets content', () => {
    const state = watched()
    const place = world.at('missing')
    mkdirSync(place)
    chmodSync(place, placeholderMode)
    expect(state.unchanged()).toBe(true)
    chmodSync(place, 0o1755)
    writeFileSync(`${place}/file`, '')
    chmodSync(place, placeholderMode)
    expect(state.unchanged()).toBe(false)
    chmodSync(place, 0o755)
  })
})

it('the quick look is taken: it answers while nothing changes, without a closer one', () => {
  const asked: string[] = []
  const counting: QuickLook = {
    stampPaths(paths) {
      asked.push('stamp')
      return binding.stampPaths(paths)
    },
    pathsUnchanged(stamps) {
      asked.push('look')
      return binding.pathsUnchanged(stamps)
    },
  }
  const watched = watchFiles(fileSystemView, counting)
  watched.watch([world.at('directory')])
  for (let time = 0; time < 3; time++) expect(watched.state.unchanged()).toBe(true)
  expect(asked).toEqual(['stamp', 'look', 'look'])
})
