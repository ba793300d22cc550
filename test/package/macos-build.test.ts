/**
 * The macOS files, as their bytes tell: load commands, what is imported, the oldest system, the signature. Nothing here can execute
 * them. They are looked for where `npm run prebuild` puts them.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { readMachO } from '../../scripts/prebuild/macho.mjs'
import { signAdHoc } from '../../scripts/prebuild/sign-macho.mjs'
import { inRoot } from './repository.ts'

const files = ['x64', 'arm64'].flatMap(arch =>
  ['castellan-seatbelt', 'castellan.node'].map(name => ({ arch, name, place: `prebuilds/darwin-${arch}/${name}` })),
)
/** The file as the linker had it before it put the signature behind it. */
function withoutSignature(bytes: Buffer): Buffer {
  const commands = Array.from({ length: bytes.readUInt32LE(16) }).reduce<number[]>(
    found => [...found, found.at(-1)! + bytes.readUInt32LE(found.at(-1)! + 4)],
    [32],
  )
  const command = commands.find(at => bytes.readUInt32LE(at) === 0x1d)!
  const linkEdit = commands.find(at => bytes.toString('latin1', at + 8, at + 18) === '__LINKEDIT')!
  const bare = Buffer.from(bytes.subarray(0, bytes.readUInt32LE(command + 8)))
  expect(command + 16, 'it is the last command').toBe(32 + bytes.readUInt32LE(20))
  bare.fill(0, command, command + 16)
  bare.writeUInt32LE(bytes.readUInt32LE(16) - 1, 16)
  bare.writeUInt32LE(bytes.readUInt32LE(20) - 16, 20)
  bare.writeBigUInt64LE(BigInt(bare.length) - bytes.readBigUInt64LE(linkEdit + 40), linkEdit + 48)
  return bare
}

const there = files.filter(({ place }) => existsSync(inRoot(place)))

describe('what is built for macOS', () => {
  if (there.length === 0) it.skip('is not here: it needs `npm run prebuild` first', () => {})

  describe.each(there)('$place', ({ arch, name, place }) => {
    const bytes = readFileSync(inRoot(place))
    const file = readMachO(bytes)

    it('is for this processor, and for macOS 11 and newer', () => {
      expect(file).toMatchObject({ architecture: arch, oldestSystem: '11.0' })
    })

    it('is linked with the system library alone, so that no function of Seatbelt need be there to load it', () => {
      expect(file.libraries).toEqual(['/usr/lib/libSystem.B.dylib'])
      expect(file.imported.filter(symbol => /sandbox/i.test(symbol))).toEqual([])
      // They are looked for when they are needed.
      expect(file.imported).toContain('_dlsym')
      for (const symbol of ['sandbox_init_with_parameters', 'sandbox_free_error']) {
        expect(bytes.includes(`${symbol}\0`), symbol).toBe(true)
      }
    })

    it('says nothing of the machine it was built on', () => {
      const places = bytes.toString('latin1').match(/[\x20-\x7e]*\.cache\/work[\x20-\x7e]*/g)
      expect(places).toBeNull()
    })

    it('starts nothing by itself, and executes only where it is the helper', () => {
      const starting = file.imported.filter(symbol => /^_(fork|vfork|posix_spawn|system|popen|exec)/.test(symbol))
      expect(starting).toEqual(name === 'castellan-seatbelt' ? ['_execve'] : [])
    })

    it('has no local symbols, and its addon still the function that Node.js asks for', () => {
      expect(file.localSymbols).toBe(0)
      if (name === 'castellan.node') expect(file.exported).toContain('_napi_register_module_v1')
    })

    it('has a signature that fits', () => {
      expect(file.signature).toBe('ad-hoc')
    })

    it('has the signature that is made again of the file without one, whoever made it', () => {
      const again = signAdHoc(withoutSignature(bytes), name)
      const differing = [...bytes.keys()].filter(at => bytes[at] !== again[at])
      expect([again.length, differing.slice(0, 10)]).toEqual([bytes.length, []])
    })
  })
})
