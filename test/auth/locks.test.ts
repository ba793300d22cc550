import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lutimesSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { kernelLock, ownerFileLock } from '../../lib/auth/index.ts'
import { formatOwner, type Owner, parseOwner } from '../../lib/auth/lock/owner-name.ts'
import { ownIdentity } from '../../lib/auth/lock/process-identity.ts'
import { type TemporaryHome, temporaryHome } from './support.ts'

let home: TemporaryHome
let path: string

/** Told before a file is removed; the removal waits for it. */
let beforeUnlink: (path: string) => Promise<void> = async () => {}
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  const unlink = async (file: string) => {
    await beforeUnlink(file)
    await real.unlink(file)
  }
  return { ...real, unlink }
})

const name = (owner: Partial<Owner>) => formatOwner({ ...ownIdentity(), nonce: 'n', kernel: false, ...owner })
/** Puts the name of this owner on the lock, in place of what is there. */
function write(owner: Partial<Owner>): void {
  rmSync(`${path}.owner`, { force: true })
  symlinkSync(name(owner), `${path}.owner`)
}
const ownerNow = () => parseOwner(readlinkSync(`${path}.owner`))

beforeEach(() => {
  home = temporaryHome()
  path = join(home.path, 'lock')
})
afterEach(() => {
  beforeUnlink = async () => {}
  home.remove()
})

describe('the portable lock', () => {
  const owner = () => `${path}.owner`
  const guardOf = (nonce: string) => `${owner()}.takeover.${nonce}`
  const age = (seconds: number) => lutimesSync(owner(), Date.now() / 1000 - seconds, Date.now() / 1000 - seconds)
  const taken = () =>
    ownerFileLock.acquire(path, { timeoutMs: 60 }).then(
      async held => {
        await held.release()
        return 'taken'
      },
      (error: { reason: string }) => error.reason,
    )

  it('lets one in at a time and leaves no file behind', async () => {
    let inside = 0
    let most = 0
    const work = async () => {
      const held = await ownerFileLock.acquire(path, { timeoutMs: 5_000 })
      most = Math.max(most, ++inside)
      await new Promise(resolve => setTimeout(resolve, 2))
      inside--
      await held.release()
    }
    await Promise.all(Array.from({ length: 20 }, work))
    expect([most, readdirSync(home.path)]).toEqual([1, []])
  })

  it('gives up when the wait is over', async () => {
    const held = await ownerFileLock.acquire(path, { timeoutMs: 0 })
    expect(await taken()).toBe('lock_timeout')
    await held.release()
    expect(await taken()).toBe('taken')
  })

  it('is free once its holder was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await once(child, 'spawn')
    write({ pid: child.pid!, startTime: startTimeOf(child) })
    expect(await taken()).toBe('lock_timeout')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await taken()).toBe('taken')
  })

  it.each([
    ['of a living holder, however long it stalls', {}, 3_600, 'lock_timeout'],
    ['of a process that got the id of a dead holder', { startTime: '1' }, 0, 'taken'],
    ['of another container that is heard of', { namespace: '1' }, 5, 'lock_timeout'],
    ['of another container that fell silent', { namespace: '1' }, 60, 'taken'],
  ])('%s', async (_title, identity, seconds, expected) => {
    write(identity)
    age(seconds)
    expect(await taken()).toBe(expected)
    // The same where there are no symbolic links.
    rmSync(owner(), { force: true })
    writeFileSync(owner(), name(identity))
    age(seconds)
    expect(await taken()).toBe(expected)
  })

  it('has the name of its owner in the inode, so that a full disk has room for it', () => {
    const longest = { ...ownIdentity(), namespace: '4294967295', pid: 4_194_304, startTime: '9999999999' }
    const text = formatOwner({ ...longest, nonce: Buffer.alloc(8).toString('base64url'), kernel: true })
    expect(text.length).toBeLessThan(60)
    expect(parseOwner(text)).toMatchObject(longest)
  })

  it.each(['', 'half a na', 'x:1:2', 'a:b:1:2:n:k', '\u0000'])('takes %j for no name', text => {
    expect(parseOwner(text)).toBeUndefined()
  })

  it('goes on where a process was killed while it took over', async () => {
    write({ startTime: '1' })
    symlinkSync(name({ startTime: '1', nonce: 'second' }), guardOf('n'))
    symlinkSync(name({ startTime: '1', nonce: 'third' }), guardOf('second'))
    expect(await taken()).toBe('taken')
    expect(readdirSync(home.path)).toEqual([])
  })

  it('is taken over by one of two that find a take-over unfinished', async () => {
    write({ startTime: '1' })
    symlinkSync(name({ startTime: '1', nonce: 'second' }), guardOf('n'))
    // The first stops before it removes the guard, the second before it removes the lock, if it ever comes so far.
    const [first, second] = [stop(), stop()]
    beforeUnlink = async file => {
      if (file === guardOf('n') && !first.reached()) await first.here()
      else if (file === owner() && !second.reached()) await second.here()
    }
    const winner = ownerFileLock.acquire(path, { timeoutMs: 5_000 })
    expect(await Promise.race([first.met.then(() => 'stopped'), winner])).toBe('stopped')
    const loser = taken()
    await Promise.race([loser, second.met])
    beforeUnlink = async () => {}
    first.pass()
    const held = await winner
    second.pass()
    expect(await loser).toBe('lock_timeout')
    await held.release()
    expect(await taken()).toBe('taken')
  })

  it('waits for a living process that takes over', async () => {
    write({ startTime: '1' })
    symlinkSync(name({}), guardOf('n'))
    expect(await taken()).toBe('lock_timeout')
    expect(ownerNow()).toMatchObject({ startTime: '1' })
    rmSync(guardOf('n'))
    expect(await taken()).toBe('taken')
  })

  it('waits for a holder that has not written its name yet, but not for ever', async () => {
    writeFileSync(owner(), '')
    expect(await taken()).toBe('lock_timeout')
    age(60)
    expect(await taken()).toBe('taken')
  })

  it('is not stopped by a pipe in its place', async () => {
    execFileSync('mkfifo', [owner()])
    expect(await taken()).toBe('lock_timeout')
    age(60)
    expect(await taken()).toBe('taken')
  })

  it('does not free the lock of the one who took it over', async () => {
    const held = await ownerFileLock.acquire(path, { timeoutMs: 0 })
    write({ nonce: 'successor' })
    await held.release()
    expect(ownerNow()?.nonce).toBe('successor')
  })
})

/** A place in the code under test where it waits until it is let pass. */
function stop() {
  let reach = () => {}
  let pass = () => {}
  let wasReached = false
  const met = new Promise<void>(resolve => {
    reach = resolve
  })
  const passed = new Promise<void>(resolve => {
    pass = resolve
  })
  const here = () => {
    wasReached = true
    reach()
    return passed
  }
  return { met, pass: () => pass(), reached: () => wasReached, here }
}

function startTimeOf({ pid }: ChildProcess): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!
}

describe('the kernel lock', () => {
  it('keeps out processes that have the portable one only, and waits for them', async () => {
    const lock = kernelLock(() => 0)
    const held = await lock.acquire(path, { timeoutMs: 0 })
    await expect(ownerFileLock.acquire(path, { timeoutMs: 30 })).rejects.toMatchObject({ reason: 'lock_timeout' })
    await held.release()
    const portable = await ownerFileLock.acquire(path, { timeoutMs: 0 })
    await expect(lock.acquire(path, { timeoutMs: 30 })).rejects.toMatchObject({ reason: 'lock_timeout' })
    await portable.release()
  })

  it.each([
    ['in another container who held the kernel lock, too, and so has ended', { namespace: '1', kernel: true }, 'taken'],
    ['in another container who had the portable lock only', { namespace: '1', kernel: false }, 'lock_timeout'],
    ['on another machine, where another kernel has the lock', { boot: 'another', kernel: true }, 'lock_timeout'],
  ])('meets the name of an owner %s', async (_title, owner, expected) => {
    write(owner)
    const outcome = await kernelLock(() => 0)
      .acquire(path, { timeoutMs: 30 })
      .then(
        async held => {
          await held.release()
          return 'taken'
        },
        (error: { reason: string }) => error.reason,
      )
    expect(outcome).toBe(expected)
  })

  it('asks again while another holds it, never blocking', async () => {
    const asked: unknown[] = []
    const lock = kernelLock((_fd, exclusive, nonBlocking) => {
      asked.push([exclusive, nonBlocking])
      return asked.length < 4 ? constants.errno.EAGAIN : 0
    })
    await (await lock.acquire(path, { timeoutMs: 5_000 })).release()
    expect(asked).toEqual(Array.from({ length: 4 }, () => [true, true]))
  })

  it('gives up when the wait is over', async () => {
    const lock = kernelLock(() => constants.errno.EAGAIN)
    await expect(lock.acquire(path, { timeoutMs: 30 })).rejects.toMatchObject({ reason: 'lock_timeout' })
  })

  it.each(['ENOLCK', 'ENOSYS', 'EOPNOTSUPP'] as const)('leaves it to the portable lock on %s', async name => {
    const lock = kernelLock(() => constants.errno[name])
    const held = await lock.acquire(path, { timeoutMs: 30 })
    expect(ownerNow()).toMatchObject({ kernel: false })
    await expect(ownerFileLock.acquire(path, { timeoutMs: 30 })).rejects.toMatchObject({ reason: 'lock_timeout' })
    await held.release()
  })

  it('fails for a reason that is not known to mean that there are no locks', async () => {
    const lock = kernelLock(() => constants.errno.EIO)
    await expect(lock.acquire(path, { timeoutMs: 30 })).rejects.toMatchObject({ reason: 'store_write' })
  })

  it('takes another file when its own was removed meanwhile', async () => {
    let calls = 0
    const lock = kernelLock(() => {
      if (calls++ === 0) home.remove()
      return 0
    })
    await expect(lock.acquire(path, { timeoutMs: 100 })).rejects.toMatchObject({ reason: 'store_write' })
    expect(calls).toBe(1)
  })
})
