/**
 * What a thousand commands leave in the host: no descriptor, no process, no zombie, no mount, no memory.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox } from '../../lib/index.ts'
import { makeWorld, type World } from '../enforcement/support/world.ts'
import { holdingsAtRest, kinds, nothingHeldSince, sandboxOf } from './support.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe.each(kinds)('leaks: %s', kind => {
  let world: World
  let sandbox: Sandbox
  beforeAll(async () => {
    world = makeWorld('leaks')
    world.make({ 'ws/file': 'text' })
    sandbox = await sandboxOf(kind, world.at('ws'))
    await sandbox.run('true')
  })
  afterAll(() => {
    sandbox[Symbol.dispose]()
    world.remove()
  })

  // A thousand where launches differ most; bubblewrap costs some ten times as much as the others.
  const runs = kind === 'namespace' || kind === 'landlock' ? 1000 : 200

  it(`keeps nothing of ${runs} runs of every kind`, async () => {
    const before = await holdingsAtRest()
    for (let done = 0; done < runs; done += 20) {
      await Promise.all(Array.from({ length: 20 }, () => sandbox.run('true')))
    }
    await nothingHeldSince(before)
  })

  it('lets the memory of commands go that were spawned and of those that never started', async () => {
    const children: WeakRef<object>[] = []
    for (let round = 0; round < 10; round++) {
      for (const file of ['true', 'castellan-no-such-program']) {
        const child = sandbox.spawn(file)
        child.on('error', () => {})
        children.push(new WeakRef(child))
        await new Promise(resolve => child.once('close', resolve))
      }
    }
    // What a WeakRef has given is kept to the end of the turn, and streams are let go of a turn later.
    await new Promise(resolve => setTimeout(resolve, 50))
    collectGarbage()
    // The last ones may still be on a stack.
    expect(children.filter(child => child.deref() !== undefined).length).toBeLessThanOrEqual(2)
  })

  it('keeps nothing of commands that were spawned, killed, aborted, cut short or never started', async () => {
    const before = await holdingsAtRest()
    const closed = (child: ReturnType<Sandbox['spawn']>) => new Promise(resolve => child.once('close', resolve))
    for (let round = 0; round < 20; round++) {
      const spawned = sandbox.spawn('cat', [], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
      spawned.stdin?.end('text')
      const killed = sandbox.spawn('sleep', ['100'])
      killed.kill('SIGKILL')
      const absent = sandbox.spawn('castellan-no-such-program')
      absent.on('error', () => {})
      const abort = new AbortController()
      const aborted = sandbox.run('sleep', ['100'], { signal: abort.signal }).catch(() => {})
      abort.abort()
      await Promise.all([
        closed(spawned),
        closed(killed),
        closed(absent),
        aborted,
        sandbox.run('castellan-no-such-program').catch(() => {}),
        sandbox.run('true', [], { cwd: '/no/such/folder' }).catch(() => {}),
        sandbox.run('sleep', ['100'], { timeout: 5 }),
        sandbox.run('yes', [], { timeout: 20, maxBuffer: 10 }),
      ])
      sandbox.runSync('true')
      expect(() => sandbox.runSync('castellan-no-such-program')).toThrow()
    }
    await nothingHeldSince(before)
  })

  it('keeps nothing of sandboxes that were made, used and disposed of', async () => {
    const before = await holdingsAtRest()
    for (let round = 0; round < 10; round++) {
      using own = await sandboxOf(kind, world.at('ws'))
      await own.run('true')
      if (kind !== 'bwrap') own.wrap('true')
    }
    await nothingHeldSince(before)
  })
})
