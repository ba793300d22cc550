import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthError, type AuthStorage, type FileLock, fileStorage, ownerFileLock } from '../../lib/auth/index.ts'
import { type TemporaryHome, temporaryHome } from './support.ts'

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

describe('the file store', () => {
  let home: TemporaryHome
  let storage: AuthStorage

  beforeEach(() => {
    home = temporaryHome()
    storage = fileStorage({ home: home.path, lock: ownerFileLock })
  })
  afterEach(() => home.remove())

  const set = (text: string) => storage.update(() => text)

  it('reads nothing where nothing is', async () => {
    expect(await storage.read()).toBeUndefined()
  })

  it.each(['auth.lock', 'auth.json.lock'])('reserves nothing where %s cannot be taken', async name => {
    const refusing: FileLock = {
      async acquire(path) {
        if (path.endsWith(`/${name}`)) throw new AuthError('store_write', { operation: 'lock', location: path })
        return { release: async () => undefined }
      },
    }
    await set('a login')
    const store = fileStorage({ home: home.path, lock: refusing })
    await expect(store.reserve!(10)).rejects.toMatchObject({ reason: 'store_write', operation: 'lock' })
    expect(readdirSync(home.path)).toEqual(['auth.json'])
  })

  it('waits longer for its locks when the refresh token is spent', async () => {
    const waits: number[] = []
    const lock: FileLock = {
      async acquire(_path, { timeoutMs }) {
        waits.push(timeoutMs)
        return { release: async () => undefined }
      },
    }
    const patient = fileStorage({ home: home.path, lock })
    await patient.update(() => 'a login')
    await patient.update(() => 'new tokens', await patient.reserve!(10))
    expect(waits).toEqual([5_000, 5_000, 5_000, 5_000, 30_000, 30_000])
  })

  it.each([
    ['bytes that are no text', Buffer.from([0xff, 0xfe])],
    ['more than any login', Buffer.alloc(5 * 1024 * 1024, 0x20)],
  ])('reads %s as text that is no login', async (_title, bytes) => {
    writeFileSync(home.authFile, bytes)
    expect(await storage.read()).toBe('')
  })

  it('does not wait for the writer of a pipe', async () => {
    execFileSync('mkfifo', [home.authFile])
    expect(await storage.read()).toBe('')
  })

  it('makes the directory for its owner only', async () => {
    const nested = fileStorage({ home: join(home.path, 'a', 'b'), lock: ownerFileLock })
    await nested.update(() => 'x')
    expect([mode(join(home.path, 'a')), mode(join(home.path, 'a/b'))]).toEqual(['700', '700'])
    expect(readFileSync(join(home.path, 'a/b/auth.json'), 'utf8')).toBe('x')
  })

  it('makes a file that others could read private', async () => {
    home.write('old')
    chmodSync(home.authFile, 0o644)
    await set('new')
    expect([home.read(), mode(home.authFile)]).toEqual(['new', '600'])
  })

  it('leaves a file alone that need not change', async () => {
    home.write('old')
    const before = statSync(home.authFile)
    await storage.update(() => undefined)
    expect(statSync(home.authFile).ino).toBe(before.ino)
  })

  it('leaves nothing beside the file, whether a reservation was used or not', async () => {
    const unused = await storage.reserve!(100)
    const used = await storage.reserve!(100)
    await storage.update(() => 'text', used)
    await used.release()
    await unused.release()
    expect(readdirSync(home.path)).toEqual(['auth.json'])
    expect(home.read()).toBe('text')
  })

  it('takes the room for the write before it is needed', async () => {
    const reserved = await storage.reserve!(20_000)
    const [file] = readdirSync(home.path).filter(name => name.startsWith('.auth-'))
    expect(statSync(join(home.path, file!)).size).toBeGreaterThanOrEqual(40_000)
    expect(mode(join(home.path, file!))).toBe('600')
    await reserved.release()
  })

  it('removes what a killed process left behind, and nothing younger', async () => {
    const [old, young] = [join(home.path, '.auth-old'), join(home.path, '.auth-young')]
    writeFileSync(old, '')
    writeFileSync(young, '')
    utimesSync(old, new Date(0), new Date(0))
    await (await storage.reserve!(1)).release()
    expect([existsSync(old), existsSync(young)]).toEqual([false, true])
  })

  it('writes through a link, also to a target that is not there yet', async () => {
    const elsewhere = join(home.path, 'elsewhere')
    mkdirSync(elsewhere)
    symlinkSync('elsewhere/real.json', home.authFile)
    await set('one')
    await set('two')
    expect(lstatSync(home.authFile).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(elsewhere, 'real.json'), 'utf8')).toBe('two')
  })

  it('removes the link and what it leads to', async () => {
    const target = join(home.path, 'real.json')
    writeFileSync(target, 'x')
    symlinkSync(target, home.authFile)
    expect(await storage.delete()).toBe(true)
    expect([existsSync(target), lstatSync(home.authFile, { throwIfNoEntry: false })]).toEqual([false, undefined])
    expect(await storage.delete()).toBe(false)
  })

  it('loses no change when many write at once', async () => {
    const add = (text: string | undefined) => String(Number(text ?? 0) + 1)
    await Promise.all(Array.from({ length: 25 }, () => storage.update(add)))
    expect(home.read()).toBe('25')
  })

  it('tells that the text may have changed, and that it has not', async () => {
    expect(await storage.version!()).toBe('missing')
    home.write('one')
    // A file this young may change again without a trace.
    expect(await storage.version!()).toBeUndefined()
  })

  it('names the operation and the place of a failure, not the content', async () => {
    mkdirSync(home.authFile)
    const error = await set('SECRET').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_AUTH_STORAGE',
      kind: 'transient',
      reason: 'store_write',
      operation: 'write',
    })
    expect(JSON.stringify(error)).not.toContain('SECRET')
  })
})
