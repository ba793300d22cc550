import { afterEach, describe, expect, it } from 'vitest'

import { type Environment, environmentBlock, verbatim } from '../../lib/process/environment.ts'

const variable = 'CASTELLAN_TEST_VARIABLE'
afterEach(() => {
  delete process.env[variable]
})

const nothing = {}
function linesOf(environment: Environment, added: Readonly<Record<string, string>> = nothing): string[] {
  const { bytes, offsets } = environmentBlock(environment, added)
  return Array.from(offsets, offset => Buffer.from(bytes.subarray(offset, bytes.indexOf(0, offset))).toString('utf8'))
}

describe('the environment of a command', () => {
  it('is the given one, in its order, without what is undefined', () => {
    expect(linesOf({ B: '2', A: '1', C: undefined, D: '' })).toEqual(['B=2', 'A=1', 'D='])
    expect(linesOf({})).toEqual([])
  })

  it('gets what the plan adds, in place of what has its name', () => {
    expect(linesOf({ A: '1', B: '2' }, { A: 'plan', P: 'plan' })).toEqual(['B=2', 'A=plan', 'P=plan'])
  })

  it('keeps characters of several bytes', () => {
    expect(linesOf({ Ä: 'ü', A: '日本', Z: 'z' })).toEqual(['Ä=ü', 'A=日本', 'Z=z'])
  })

  it('is what it is at each call, also where it was kept from the last', () => {
    const changing: Record<string, string | undefined> = { A: '1' }
    expect(linesOf(changing)).toEqual(['A=1'])
    expect(environmentBlock(changing, nothing)).toBe(environmentBlock(changing, nothing))
    changing['A'] = '2'
    expect(linesOf(changing)).toEqual(['A=2'])
    changing['B'] = '3'
    expect(linesOf(changing)).toEqual(['A=2', 'B=3'])
    changing['A'] = undefined
    expect(linesOf(changing)).toEqual(['B=3'])
    expect(linesOf({ B: '3' }, { C: '4' })).toEqual(['B=3', 'C=4'])
    expect(linesOf({ B: '3' })).toEqual(['B=3'])
  })

  it("follows the host's own", () => {
    expect(linesOf(process.env)).toEqual(Object.entries(process.env).map(([name, value]) => `${name}=${value}`))
    process.env[variable] = 'one'
    expect(linesOf(process.env)).toContain(`${variable}=one`)
    process.env[variable] = 'two'
    expect(linesOf(process.env)).toContain(`${variable}=two`)
    delete process.env[variable]
    expect(linesOf(process.env).filter(line => line.startsWith(variable))).toEqual([])
  })

  it('passes bytes on as they are where it is told to', () => {
    const { bytes, offsets } = environmentBlock(
      verbatim({ A: '1' }, [Uint8Array.of(65, 61, 0xff), Uint8Array.of(61)]),
      {},
    )
    expect([[...bytes], [...offsets]]).toEqual([
      [65, 61, 0xff, 0, 61, 0],
      [0, 4],
    ])
  })

  const refused: [environment: Environment, told: string][] = [
    [{ '': 'secret' }, 'unusable name ""'],
    [{ 'A=B': 'secret' }, 'unusable name "A=B"'],
    [{ 'A\0B': 'secret' }, 'unusable name "A\\u0000B"'],
    [{ A: 'sec\0ret' }, 'A holds a NUL'],
    [{ A: 7 as unknown as string }, 'A is not a string'],
    [{ NODE_CHANNEL_FD: '3' }, 'NODE_CHANNEL_FD'],
  ]
  it.each(refused)('refuses %j, naming the variable and not its value', (environment, told) => {
    let message = ''
    try {
      environmentBlock(environment, nothing)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' })
      message = String((error as Error).message)
    }
    expect(message).toContain(told)
    expect(message).not.toMatch(/sec.?ret/)
  })
})
