/**
 * What is shipped: entry points that load and have types, and a tarball that installs without running anything.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'

import { loadBinding } from '../../lib/native/binding.ts'
import { inRoot, manifest, requireBuild, root, text } from './repository.ts'

const subpaths = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json')
const specifier = (subpath: string) => manifest.name + subpath.slice(1)

beforeAll(requireBuild)

describe('the entry points', () => {
  it('are the documented five', () => {
    expect(subpaths.toSorted()).toEqual(['.', './apply-patch', './auth', './entry', './policy'])
  })

  it.each(subpaths)('%s loads by its name, without the addon', subpath => {
    const script = `
      import Module from 'node:module'
      const names = Object.keys(await import('${specifier(subpath)}'))
      const addons = Object.keys(Module._cache).filter(name => name.endsWith('.node'))
      console.log(JSON.stringify({ names, addons }))`
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: root,
      encoding: 'utf8',
    })
    const { names, addons } = JSON.parse(output) as { names: string[]; addons: string[] }
    expect(names.length).toBeGreaterThan(0)
    expect(addons).toEqual([])
  })

  it.each(subpaths)('%s has types', subpath => {
    const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
    const found = ts.resolveModuleName(specifier(subpath), inRoot('consumer.mts'), options, ts.sys).resolvedModule
    const entry = manifest.exports[subpath] as { types: string }
    expect(found?.resolvedFileName).toBe(inRoot(entry.types))
  })

  it('name types before what is loaded, since the first that matches is taken', () => {
    for (const subpath of subpaths) {
      // `module` is what bundlers ask for.
      expect(Object.keys(manifest.exports[subpath]!)).toEqual(['types', 'module', 'default'])
    }
  })

  it.each(subpaths)('%s gives bundlers ES modules with the same names', async subpath => {
    const entry = manifest.exports[subpath] as Exclude<(typeof manifest.exports)[string], string>
    const [modules, parts] = await Promise.all([import(inRoot(entry.module)), import(inRoot(entry.default))])
    expect(Object.keys(modules as object).toSorted()).toEqual(Object.keys(parts as object).toSorted())
  })

  it('refuse paths to inner files', () => {
    const script = `await import('${manifest.name}/dist/sandbox.js').catch(error => console.log(error.code))`
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(output.trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it.each(Object.entries(manifest.bin))('the program %s is there and names its interpreter', (_, file) => {
    expect(text(file).startsWith('#!/usr/bin/env node\n')).toBe(true)
  })
})

describe('the addon', () => {
  it('is not the test build whose system calls can be made to fail', context => {
    if (process.platform !== 'linux') context.skip('needs Linux, found another system')
    expect(loadBinding()).toHaveProperty('landlockAbi')
    expect(loadBinding()).not.toHaveProperty('setSoftLimit')
  })
})

describe('the tarball', () => {
  interface Packed {
    readonly files: readonly { readonly path: string }[]
    readonly unpackedSize: number
  }
  let packed: Packed

  beforeAll(() => {
    const arguments_ = ['pack', '--dry-run', '--json', '--ignore-scripts']
    const output = execFileSync('npm', arguments_, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const answer = JSON.parse(output) as Packed[] | Record<string, Packed>
    packed = Object.values(answer)[0]!
  })

  it('holds what the manifest names', () => {
    const names = packed.files.map(file => file.path)
    const entries = subpaths.flatMap(subpath => Object.values(manifest.exports[subpath]!))
    for (const file of [...entries, ...Object.values(manifest.bin)]) expect(names).toContain(file.replace('./', ''))
    for (const file of ['package.json', 'README.md', 'LICENSE', 'SECURITY.md', 'CHANGELOG.md', 'docs/limits.md']) {
      expect(names).toContain(file)
    }
  })

  it('holds nothing to build, test or develop with', () => {
    const allowed = /^(dist|docs|prebuilds)\/|^(package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE)$/
    const names = packed.files.map(file => file.path)
    expect(names.filter(name => !allowed.test(name))).toEqual([])
    // A binding.gyp makes package managers run or refuse a build; sources and tests are for a checkout.
    expect(names.filter(name => /\.(gyp|gypi|cc|h|test\.\w+)$|CMakeLists/.test(name))).toEqual([])
  })

  it('stays small', () => {
    // With every prebuilt addon in place; without them it is 3 MB.
    expect(packed.unpackedSize).toBeLessThan(6_000_000)
  })
})

describe('an installation', () => {
  const scripts = ['preinstall', 'install', 'postinstall']

  it('runs no script of ours', () => {
    expect(scripts.filter(name => manifest.scripts[name] !== undefined)).toEqual([])
    // npm adds `install: node-gyp rebuild` by itself when it sees a binding.gyp, unless this says no.
    expect(existsSync(inRoot('binding.gyp'))).toBe(true)
    expect(manifest.gypfile).toBe(false)
  })

  it('runs no script of a dependency', () => {
    const lock = JSON.parse(text('package-lock.json')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean; hasInstallScript?: boolean }>
    }
    const shipped = Object.entries(lock.packages).filter(([name, { dev }]) => name !== '' && dev !== true)
    expect(shipped.length).toBeGreaterThanOrEqual(Object.keys(manifest.dependencies).length)
    expect(shipped.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([name]) => name)).toEqual([])
  })

  it('asks for a Node.js that the documents name', () => {
    expect(manifest.engines['node']).toBe('>=20.18')
    expect(text('README.md')).toContain('Node.js 20.18 or newer')
  })
})
