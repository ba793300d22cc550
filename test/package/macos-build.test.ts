/**
 * The macOS files, as their bytes tell: load commands, what is imported, the oldest system, the signature. Nothing here can execute
 * them. They are looked for where `npm run prebuild` puts them.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { readMachO } from '../../scripts/prebuild/macho.mjs'
import { inRoot } from './repository.ts'

const files = ['x64', 'arm64'].flatMap(arch =>
  ['castellan-seatbelt', 'castellan.node'].map(name => ({ arch, name, place: `prebuilds/darwin-${arch}/${name}` })),
)
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

    it('starts nothing by itself, and executes only where it is the helper', () => {
      const starting = file.imported.filter(symbol => /^_(fork|vfork|posix_spawn|system|popen|exec)/.test(symbol))
      expect(starting).toEqual(name === 'castellan-seatbelt' ? ['_execve'] : [])
    })

    it('has a signature that fits', () => {
      expect(file.signature).toBe('ad-hoc')
    })
  })
})
