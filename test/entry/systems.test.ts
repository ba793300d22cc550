/** The directory for the PATH of children, with the addons of other systems in the place of this one's. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'

import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { makeEntryDirectory } from '../../lib/entry/directory.ts'
import { safeBase } from './safe-base.ts'

let system: string
const locked: [exclusive: boolean, nonBlocking: boolean][] = []
vi.mock('../../lib/native/binding.ts', () => ({
  loadBinding: () => ({
    system,
    flock(_fd: number, exclusive: boolean, nonBlocking: boolean) {
      locked.push([exclusive, nonBlocking])
      return 0
    },
  }),
}))

const base = safeBase()
let parent: string
beforeEach(context => {
  if (base === undefined) return context.skip('needs a home directory that nobody else may write, found none')
  locked.length = 0
  parent = mkdtempSync(path.join(base, '.castellan-entry-'))
})
afterEach(() => {
  if (base !== undefined) rmSync(parent, { recursive: true, force: true })
})

it.each(['linux', 'darwin'])('is made and held with the lock of the addon for %s', async name => {
  system = name
  {
    using directory = await makeEntryDirectory({ parent, program: process.execPath })
    expect(readdirSync(directory.path)).toContain('apply_patch')
    // The parent's, then its own.
    expect(locked).toEqual([
      [true, true],
      [true, true],
    ])
  }
  expect(readdirSync(parent).filter(entry => entry.startsWith('castellan-arg0-'))).toEqual([])
})

it.each(['win32', 'other'])('is refused on %s, and nothing is made', async name => {
  system = name
  await expect(makeEntryDirectory({ parent, program: process.execPath })).rejects.toMatchObject({
    code: 'ERR_BACKEND_UNAVAILABLE',
    capability: 'entry-directory',
  })
  expect(readdirSync(parent)).toEqual([])
})
