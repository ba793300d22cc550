import { afterEach, describe, expect, it } from 'vitest'

import { loadLinuxBinding } from '../../lib/native/binding.ts'
import { type Environment, environmentBlock } from '../../lib/process/environment.ts'
import { HostEnvironment } from '../../lib/process/host-environment.ts'

const variable = 'CASTELLAN_TEST_VARIABLE'
const own = process.env
afterEach(() => {
  process.env = own
  delete own[variable]
})

/** As in the main thread of a host; the tests may run in a worker, where the addon never says that nothing changed. */
function watched() {
  const values = () => JSON.stringify(own)
  let changed = 0
  const look = {
    stampEnvironment: () => {
      changed++
      return { was: values() } as never
    },
    environmentUnchanged: (stamp: unknown) => (stamp as { was: string }).was === values(),
  }
  return { host: new HostEnvironment(look), looked: () => changed }
}

const added = {}
const text = (host: HostEnvironment, environment: Environment = process.env) =>
  Buffer.from(environmentBlock(environment, added, host).bytes).toString('utf8')

describe("the host's own variables", () => {
  it('are read again when one was set, changed or removed, and otherwise not', () => {
    const { host, looked } = watched()
    expect(text(host)).not.toContain(variable)
    expect(environmentBlock(process.env, added, host)).toBe(environmentBlock(process.env, added, host))
    expect(looked()).toBe(1)
    for (const value of ['one', 'two']) {
      process.env[variable] = value
      expect(text(host)).toContain(`${variable}=${value}\0`)
    }
    delete process.env[variable]
    expect(text(host)).not.toContain(variable)
    expect(looked()).toBe(4)
  })

  it('are kept for each plan', () => {
    const { host } = watched()
    const [one, other] = [{ ADDED: '1' }, { ADDED: '2' }]
    const blocks = [one, other, one].map(members => environmentBlock(process.env, members, host))
    expect(blocks[2]).toBe(blocks[0])
    expect(Buffer.from(blocks[1]!.bytes).toString('utf8')).toContain('ADDED=2\0')
  })

  it('are not taken for what a host put in their place', () => {
    const { host } = watched()
    const replaced: Record<string, string> = { [variable]: 'one' }
    const proxied = new Proxy(own, {
      get: (target, name) => (name === variable ? 'proxied' : Reflect.get(target, name)),
    })
    for (const other of [replaced, Object.freeze({ ...replaced }), Object.create(own) as typeof replaced, proxied]) {
      process.env = other
      expect(host.is(process.env)).toBe(false)
    }
    process.env = replaced
    expect(text(host)).toBe(`${variable}=one\0`)
    replaced[variable] = 'two'
    expect(text(host)).toBe(`${variable}=two\0`)
    expect(Object.keys(replaced)).toEqual([variable])
    process.env = own
    expect(host.is(process.env)).toBe(true)
  })

  it('are looked at by the addon, which sees any change', () => {
    const binding = loadLinuxBinding()
    const stamp = binding.stampEnvironment()
    const first = binding.environmentUnchanged(stamp)
    process.env[variable] = 'one'
    expect(binding.environmentUnchanged(stamp)).toBe(false)
    delete process.env[variable]
    expect(binding.environmentUnchanged(stamp)).toBe(first)
  })
})
