import { readdirSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthManager, ownerFileLock } from '../../lib/auth/index.ts'
import { filePlatform } from '../../lib/auth/platform.ts'
import { managedText, type TemporaryHome, temporaryHome } from './support.ts'

/** Windows, as its addon answers. */
const made: { name: string; size: number }[] = []
let hasAcls = true
let system = 'win32'
let failure: { call: string; win32: number } | undefined
vi.mock('../../lib/native/binding.ts', () => ({
  loadBinding: () => ({
    system,
    describeObject: () => ({ hasAcls }),
    makePrivate(path: string) {
      made.push({ name: basename(path), size: statSync(path).size })
      return failure && { failure }
    },
  }),
}))

let home: TemporaryHome
beforeEach(() => {
  made.length = 0
  hasAcls = true
  failure = undefined
  home = temporaryHome()
})
afterEach(() => home.remove())

/** Returns what was warned of. */
const logIn = async () => {
  const manager = await AuthManager.open({ home: home.path, env: {}, lock: ownerFileLock })
  const warnings: string[] = []
  manager.on('warning', ({ code }) => warnings.push(code))
  await manager.loginWithApiKey('sk-secret')
  return warnings
}

it('gives a new file to its owner alone before anything is written to it', async () => {
  expect(await logIn()).toEqual([])
  expect(made).toEqual([{ name: expect.stringMatching(/^\.auth-[0-9a-f]+$/), size: 0 }])
  expect(home.read()).toContain('sk-secret')
})

it('keeps the old login and leaves nothing behind when the list cannot be set', async () => {
  home.write(managedText())
  failure = { call: 'SetSecurityInfo', win32: 5 }
  await expect(logIn()).rejects.toMatchObject({ reason: 'store_write', operation: 'write' })
  expect(home.read()).toBe(managedText())
  expect(readdirSync(home.path).filter(name => name.startsWith('.auth-'))).toEqual([])
})

it.each([
  ['keeps no lists', false, undefined, 0],
  ['keeps the list in a form of its own', true, { call: 'verify', win32: 1336 }, 1],
])('writes where the file system %s, and warns that others may read it', async (_title, keepsLists, told, calls) => {
  hasAcls = keepsLists
  failure = told
  expect(await logIn()).toEqual(['file-not-private'])
  expect(made).toHaveLength(calls)
  expect(home.read()).toContain('sk-secret')
})

describe('without the part of the addon for Windows', () => {
  it.each([
    ['win32', false],
    ['linux', true],
    ['darwin', true],
  ] as const)('a file of %s is said to be private: %s', async (platform, isPrivate) => {
    vi.resetModules()
    system = 'other'
    const { keepForOwner: keep } = await import('../../lib/auth/storage/access-list.ts')
    expect(await keep(home.path, filePlatform(platform))).toBe(isPrivate)
    system = 'win32'
    expect(made).toEqual([])
  })

  it('a rename may pass later on Windows alone, and only there no directory is flushed', () => {
    const [windows, linux] = [filePlatform('win32'), filePlatform('linux')]
    expect(['EPERM', 'EACCES', 'EBUSY', 'ENOENT'].map(windows.renameMayPass)).toEqual([true, true, true, false])
    expect(['EPERM', 'EACCES', 'EBUSY', 'ENOENT'].map(linux.renameMayPass)).toEqual([false, false, false, false])
    expect([windows.flushesDirectories, linux.flushesDirectories]).toEqual([false, true])
  })
})
