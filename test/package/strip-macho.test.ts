/**
 * What may differ after the local symbols were taken out of a file for macOS: nothing that a loader reads. On files made up here,
 * because what was made of the built ones is looked at when they are built.
 */
import { describe, expect, it } from 'vitest'

import { changesBeyondLocals } from '../../scripts/prebuild/strip-macho.mjs'

interface Shape {
  readonly locals?: readonly string[]
  readonly defined?: readonly string[]
  readonly undefinedOnes?: readonly string[]
  /** Names, or numbers that are written as they are. */
  readonly stubs?: readonly (string | number)[]
  readonly code?: string
  readonly bound?: string
  readonly exported?: string
  readonly starts?: string
  /** What the file says of its symbols, when that is not what it has. */
  readonly localCount?: number
  readonly signed?: boolean
  readonly library?: string
}

/** Load commands, code up to 1024, and behind it what a linker writes: bindings, exports, function starts, symbols, stubs, names. */
function machO(shape: Shape = {}): Buffer {
  const {
    locals = ['_one', '_two'],
    defined = ['_napi_register_module_v1'],
    undefinedOnes = ['_malloc', '_free'],
  } = shape
  const { stubs = ['_malloc', 0x80000000, '_free'], code = 'code', bound = 'bound', exported = 'exports' } = shape
  const {
    starts = 'starts',
    localCount = locals.length,
    signed = false,
    library = '/usr/lib/libSystem.B.dylib',
  } = shape
  const bytes = Buffer.alloc(4096)
  const numbers = (at: number, ...values: number[]) =>
    values.forEach((value, index) => {
      bytes.writeUInt32LE(value >>> 0, at + index * 4)
    })
  let end = 1024
  const place = (part: Buffer) => {
    const at = end
    part.copy(bytes, at)
    end = Math.ceil((at + part.length) / 8) * 8
    return [at, part.length] as const
  }
  const all = [...locals, ...defined, ...undefinedOnes]
  const names = Buffer.from(`\0${all.map(name => `${name}\0`).join('')}`)
  const symbols = Buffer.alloc(all.length * 16)
  all.forEach((name, index) => {
    symbols.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, index * 16)
    const isUndefined = undefinedOnes.includes(name)
    symbols[index * 16 + 4] = (isUndefined ? 0x00 : 0x0e) | (locals.includes(name) ? 0 : 0x01)
    symbols[index * 16 + 5] = isUndefined ? 0 : 1
    symbols.writeUInt32LE(isUndefined ? 0 : 0x1000 + name.length, index * 16 + 8)
  })
  const indirect = Buffer.alloc(stubs.length * 4)
  stubs.forEach((stub, index) => {
    indirect.writeUInt32LE(typeof stub === 'number' ? stub : all.indexOf(stub), index * 4)
  })
  const [bindAt, bindSize] = place(Buffer.from(bound))
  const [exportAt, exportSize] = place(Buffer.from(exported))
  const [startsAt, startsSize] = place(Buffer.from(starts))
  const [symbolsAt] = place(symbols)
  const [stubsAt] = place(indirect)
  const [namesAt, namesSize] = place(names)

  const commands: number[][] = [
    [0x80000022, 48, 0, 0, bindAt, bindSize, 0, 0, 0, 0, exportAt, exportSize],
    [0x26, 16, startsAt, startsSize],
    [0x2, 24, symbolsAt, all.length, namesAt, namesSize],
    [
      0xb,
      80,
      0,
      localCount,
      locals.length,
      defined.length,
      locals.length + defined.length,
      undefinedOnes.length,
    ].concat([0, 0, 0, 0, 0, 0, stubsAt, stubs.length], [0, 0, 0, 0]),
    ...(signed ? [[0x1d, 16, end, 0]] : []),
  ]
  numbers(32, 0x19, 72)
  bytes.write('__LINKEDIT', 40)
  bytes.writeBigUInt64LE(1024n, 32 + 40)
  bytes.writeBigUInt64LE(BigInt(end - 1024), 32 + 48)
  numbers(104, 0xc, 56, 24)
  bytes.write(library, 104 + 24)
  let at = 160
  for (const command of commands) {
    numbers(at, ...command)
    at += command[1]!
  }
  numbers(0, 0xfeedfacf, 0x0100000c, 0, 6, commands.length + 2, at - 32, 0x85)
  bytes.write(code, 900)
  return bytes.subarray(0, end)
}

describe('changesBeyondLocals', () => {
  it('finds nothing where only local symbols are gone, and everything else has moved', () => {
    const [before, after] = [machO(), machO({ locals: [] })]
    expect(after.length).toBeLessThan(before.length)
    expect(changesBeyondLocals(before, after)).toEqual([])
    expect(changesBeyondLocals(before, machO({ locals: ['_two'] }))).toEqual([])
  })

  const changes: readonly [what: string, shape: Shape][] = [
    ['code or data', { code: 'c0de' }],
    ['a load command', { library: '/usr/lib/libSystem.C.dylib' }],
    ['what the loader binds', { bound: 'bind2' }],
    ['what the loader binds', { exported: 'export' }],
    ['a table of the loader', { starts: 'start2' }],
    ['the symbols of others', { defined: [] }],
    ['the symbols of others', { undefinedOnes: ['_malloc', '_free', '_more'] }],
    ['what stubs and pointers name', { stubs: ['_free', 0x80000000, '_malloc'] }],
    ['what stubs and pointers name', { stubs: ['_malloc', 0x80000000] }],
    ['the order of the symbols', { localCount: 2 }],
  ]
  it.each(changes)('names %s after %j', (what, shape) => {
    expect(changesBeyondLocals(machO(), machO({ locals: [], ...shape }))).toContain(what)
  })

  it('takes no file whose stubs lead behind the symbols, as where their numbers were left as they were', () => {
    expect(() => changesBeyondLocals(machO(), machO({ locals: [], stubs: [3, 0x80000000, 4] }))).toThrow('not there')
  })

  it('takes no signed file: the signature would fit no longer', () => {
    expect(() => changesBeyondLocals(machO(), machO({ signed: true }))).toThrow('is signed')
  })
})
