import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { BackendError } from '../../lib/errors.ts'
import { loadBinding } from '../../lib/native/binding.ts'
import { cLibraryOfLoader, currentCLibrary, interpreterOf } from '../../lib/native/c-library.ts'
import { addonCandidates, missingAddonHint, prebuildName } from '../../lib/native/locate.ts'

const places = { packageRoot: '/package', execPath: '/usr/bin/node' }
const linux = { platform: 'linux', arch: 'x64' }

describe('addonCandidates', () => {
  it.each([
    ['glibc', 'musl'],
    ['musl', 'glibc'],
  ] as const)('offers %s no build for %s', (cLibrary, other) => {
    const candidates = addonCandidates({ ...linux, cLibrary }, places)
    expect(candidates).toContain(`/package/prebuilds/linux-x64/castellan.${cLibrary}.node`)
    expect(candidates.filter(file => file.includes(other))).toEqual([])
  })

  it('offers no prebuilt file where the C library is not known', () => {
    expect(addonCandidates({ ...linux, cLibrary: undefined }, places)).toEqual([
      '/package/build/Release/castellan.node',
    ])
  })

  it('looks for the build of a checkout first, then in the package, then beside the program', () => {
    expect(addonCandidates({ platform: 'darwin', arch: 'arm64', cLibrary: undefined }, places)).toEqual([
      '/package/build/Release/castellan.node',
      '/package/prebuilds/darwin-arm64/castellan.node',
      '/usr/bin/prebuilds/darwin-arm64/castellan.node',
    ])
  })

  it('passes a build of a checkout over for PREBUILDS_ONLY, and takes the folder of CASTELLAN_PREBUILD', () => {
    const candidates = addonCandidates(
      { ...linux, cLibrary: 'glibc' },
      { ...places, prebuildsOnly: true, override: '/other' },
    )
    expect(candidates[0]).toBe('/other/prebuilds/linux-x64/castellan.glibc.node')
  })

  it('gives names that node-gyp-build takes for the same machine and no other', () => {
    const { parseTags, matchTags } = createRequire(import.meta.url)('node-gyp-build')
    const takes = matchTags('node', process.versions.modules)
    // It finds out the C library with the module, as glibc wherever Alpine's release file is missing.
    const own = process.env['LIBC'] ?? 'glibc'
    for (const cLibrary of ['glibc', 'musl'] as const) {
      const name = prebuildName({ platform: 'linux', arch: 'x64', cLibrary })
      expect([name, takes(parseTags(name))]).toEqual([name, cLibrary === own])
    }
  })
})

describe('missingAddonHint', () => {
  const shipped = ['linux-x64/castellan.glibc.node', 'darwin-arm64/castellan.node']
  const rows = [
    { target: { ...linux, cLibrary: undefined }, says: 'glibc or musl' },
    { target: { ...linux, cLibrary: 'musl' as const }, says: 'castellan.glibc.node for linux-x64' },
    { target: { platform: 'freebsd', arch: 'x64', cLibrary: undefined }, says: 'no build for freebsd-x64' },
    { target: { ...linux, cLibrary: 'glibc' as const }, shipped: [], says: 'npm run build:native' },
  ]
  it.each(rows)('says "$says"', row => {
    expect(missingAddonHint(row.target, row.shipped ?? shipped)).toContain(row.says)
  })
})

describe('the C library', () => {
  it.each([
    ['/lib64/ld-linux-x86-64.so.2', 'glibc'],
    ['/lib/ld-linux-aarch64.so.1', 'glibc'],
    ['/lib/ld-musl-x86_64.so.1', 'musl'],
    ['/lib/ld-musl-aarch64.so.1', 'musl'],
    ['/libexec/ld-elf.so.1', undefined],
    [undefined, undefined],
  ])('of the loader %s is %s', (loader, cLibrary) => {
    expect(cLibraryOfLoader(loader)).toBe(cLibrary)
  })

  it.runIf(process.platform === 'linux')('of this process is what its report says (needs Linux)', () => {
    const { header } = process.report!.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
    expect(currentCLibrary()).toBe(header.glibcVersionRuntime === undefined ? 'musl' : 'glibc')
    expect(interpreterOf(process.execPath)).toMatch(/\/ld-/)
  })

  it('is not read from what is no program', () => {
    expect(interpreterOf(fileURLToPath(import.meta.url))).toBeUndefined()
    expect(interpreterOf('/')).toBeUndefined()
    expect(interpreterOf('/does/not/exist')).toBeUndefined()
  })
})

describe.runIf(process.platform === 'linux')('loadBinding (needs Linux)', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'castellan-locate-'))
    process.env['CASTELLAN_PREBUILD'] = folder
  })
  afterEach(() => {
    delete process.env['CASTELLAN_PREBUILD']
    rmSync(folder, { recursive: true, force: true })
  })

  const failure = () => {
    try {
      loadBinding()
    } catch (error) {
      if (error instanceof BackendError) return error
      throw error
    }
    throw new Error('an addon was loaded')
  }
  const put = (name: string, content: string | Buffer) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), content)
  }

  it('names the files that it looked for', () => {
    const name = `castellan.${currentCLibrary()}.node`
    expect(failure().message).toContain(path.join(folder, `prebuilds/linux-${process.arch}`, name))
    expect(failure().hint).toBeDefined()
  })

  it('does not open a build for the other C library', () => {
    const other = currentCLibrary() === 'musl' ? 'glibc' : 'musl'
    // The tags are what node-gyp-build would pass over; a name without tags is one that it would take.
    put(`prebuilds/linux-${process.arch}/castellan.${other}.node`, 'opened')
    put(`prebuilds/linux-${process.arch}/castellan.node`, 'opened')
    expect(failure().message).toContain('there is no')
    expect(failure().hint).toContain(`castellan.${other}.node`)
  })

  it('says of a damaged file which one it is', () => {
    const name = `prebuilds/linux-${process.arch}/castellan.${currentCLibrary()}.node`
    put(name, 'not an addon')
    expect(failure().message).toContain(path.join(folder, name))
    expect(failure().cause).toBeInstanceOf(Error)
  })
})
