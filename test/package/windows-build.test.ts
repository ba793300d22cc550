/**
 * The Windows files, as their bytes tell: what they import, at once or when first used, what they export, how they are hardened.
 * They are looked for where `npm run prebuild` puts them; `npm run wine` executes those for x64.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { findings } from '../../scripts/prebuild/inspect.mjs'
import { readPe } from '../../scripts/prebuild/pe.mjs'
import { chooseTargets } from '../../scripts/prebuild/targets.mjs'
import { inRoot, text } from './repository.ts'

const files = ['x64', 'arm64'].flatMap(arch =>
  ['castellan-helper.exe', 'castellan.node'].map(name => ({ arch, name, place: `prebuilds/win32-${arch}/${name}` })),
)
const there = files.filter(({ place }) => existsSync(inRoot(place)))

/** The names below native/windows/imports: nothing else can be linked. */
function listed(library: string): string[] {
  return text(`native/windows/imports/${library}.def`).trim().split('\n').slice(2)
}

describe('what is built for Windows', () => {
  if (there.length === 0) it.skip('is not here: it needs `npm run prebuild` first', () => {})

  describe.each(there)('$place', ({ arch, name, place }) => {
    const bytes = readFileSync(inRoot(place))
    const file = readPe(bytes)
    const isHelper = name === 'castellan-helper.exe'
    const target = chooseTargets([`win32-${arch}`])[0]!

    it('may be shipped', () => {
      expect(findings(target, bytes, { helper: isHelper })).toEqual([])
      expect(file).toMatchObject({ architecture: arch, isHardened: true, isLibrary: !isHelper })
    })

    it('needs no runtime, and of the system only what is listed', () => {
      for (const [library, functions] of Object.entries(file.imports)) {
        const names = listed(library.replace(/\.dll$/, '').toLowerCase())
        expect(
          functions.filter(one => !names.includes(one)),
          library,
        ).toEqual([])
      }
    })

    it('binds its host when it is first used, and not by the name in the import table', () => {
      expect(Object.keys(file.imports)).not.toContain('node.exe')
      expect(Object.keys(file.delayImports)).toEqual(isHelper ? [] : ['node.exe'])
    })

    it('starts a process with a token or as an account where it is the helper, and otherwise after the person agreed', () => {
      const starting = Object.values(file.imports)
        .flat()
        .filter(one => /^(CreateProcess|WinExec|ShellExecute)/.test(one))
      expect(starting.sort()).toEqual(
        isHelper ? ['CreateProcessAsUserW', 'CreateProcessWithLogonW'] : ['ShellExecuteExW'],
      )
    })

    it('has nothing of the test build', () => {
      expect(bytes.includes(Buffer.from('CASTELLAN_', 'utf16le'))).toBe(false)
      if (isHelper) expect(Object.values(file.imports).flat()).not.toContain('GetEnvironmentVariableW')
    })

    it('is refused when it is damaged', () => {
      const other = Buffer.from(bytes)
      const header = other.readUInt32LE(0x3c)
      other.writeUInt16LE(arch === 'x64' ? 0xaa64 : 0x8664, header + 4)
      other.writeUInt16LE(0, header + 24 + 70)
      expect(findings(target, other, { helper: isHelper })).toEqual([
        `is for ${arch === 'x64' ? 'arm64' : 'x64'}`,
        'can be placed at one address only, or has data that can be executed',
      ])
    })
  })
})

describe('findings', () => {
  it('refuses what is no Windows file', () => {
    const [target] = chooseTargets(['win32-x64'])
    expect(findings(target!, Buffer.alloc(64))).toEqual(['not a 64-bit Windows file'])
    expect(findings(target!, Buffer.alloc(200_000))[0]).toContain('has 200000 bytes')
  })
})
