import { readdirSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AuthManager, ownerFileLock } from '../../lib/auth/index.ts'
import { managedText, type TemporaryHome, temporaryHome } from './support.ts'

/** Windows, as its addon answers. */
const made: { name: string; size: number }[] = []
let hasAcls = true
let failure: { call: string; win32: number } | undefined
vi.mock('../../lib/native/binding.ts', () => ({
  loadBinding: () => ({
    system: 'win32',
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

const logIn = async () => {
  const manager = await AuthManager.open({ home: home.path, env: {}, lock: ownerFileLock })
  await manager.loginWithApiKey('sk-secret')
}

it('gives a new file to its owner alone before anything is written to it', async () => {
  await logIn()
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
])('writes where the file system %s', async (_title, keepsLists, told, calls) => {
  hasAcls = keepsLists
  failure = told
  await logIn()
  expect(made).toHaveLength(calls)
  expect(home.read()).toContain('sk-secret')
})
