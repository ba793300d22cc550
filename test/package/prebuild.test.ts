/**
 * The checks that a built file passes before it is shipped, on files made up for the purpose and on those that are there.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { prebuildName } from '../../lib/native/locate.ts'
import { runsBuild } from '../../scripts/prebuild/as-hook.mjs'
import { readElf } from '../../scripts/prebuild/elf.mjs'
import { findings, newerThanFloor } from '../../scripts/prebuild/inspect.mjs'
import { readMachO } from '../../scripts/prebuild/macho.mjs'
import { chooseTargets, expectedFiles, targets } from '../../scripts/prebuild/targets.mjs'
import { inRoot, text } from './repository.ts'

const own = inRoot('build/Release/castellan.node')
const hasOwn = process.platform === 'linux' && existsSync(own)
const glibc = chooseTargets(['linux-x64-glibc'])[0]!
const musl = chooseTargets(['linux-x64-musl'])[0]!

describe('the targets', () => {
  it('have the names that are looked for when the addon is loaded', () => {
    for (const { system, architecture, libc, file } of targets) {
      const cLibrary = libc as 'glibc' | 'musl' | undefined
      expect(file).toBe(prebuildName({ platform: system, arch: architecture, cLibrary }))
    }
  })

  it('are known by name only', () => {
    expect(() => chooseTargets(['linux-x86-glibc'])).toThrow('there is no target')
  })
})

describe('newerThanFloor', () => {
  it.each([
    ['GLIBC_2.2.5', false],
    ['GLIBC_2.28', false],
    ['GLIBC_2.29', true],
    ['GLIBC_2.34', true],
    ['GLIBC_3.0', true],
    ['GLIBC_PRIVATE', true],
    ['GLIBCXX_3.4', true],
  ])('of %s is %s', (version, newer) => {
    expect(newerThanFloor(version)).toBe(newer)
  })
})

describe('a file that must not be shipped', () => {
  it('is one that is no addon', () => {
    expect(findings(glibc, Buffer.from('nothing'))).toEqual(['not a 64-bit little-endian ELF file'])
    expect(findings(chooseTargets(['darwin-arm64'])[0]!, Buffer.alloc(64))).toEqual(['not a 64-bit Mach-O file'])
  })

  it.each(targets)('is one for $name that is too large', target => {
    expect(findings(target, Buffer.alloc(409_601))[0]).toContain('has 409601 bytes')
    if (target.system !== 'win32') expect(findings(target, Buffer.alloc(409_600))[0]).not.toContain('bytes')
  })

  it.skipIf(!hasOwn)("is a checkout's own build, for what it exports and holds (needs build/Release)", () => {
    const found = findings(glibc, readFileSync(own))
    expect(found.join('\n')).toMatch(/has debug information|exports _Z/)
    expect(findings(musl, readFileSync(own))).toContain('needs libc.so.6')
  })

  it.skipIf(!hasOwn)('is one for another processor, or with an executable stack (needs build/Release)', () => {
    const bytes = Buffer.from(readFileSync(own))
    bytes.writeUInt16LE(bytes.readUInt16LE(18) === 183 ? 62 : 183, 18)
    const other = glibc.architecture === process.arch ? 'arm64' : 'x64'
    const stack = [...Array(bytes.readUInt16LE(56)).keys()]
      .map(index => Number(bytes.readBigUInt64LE(32)) + index * bytes.readUInt16LE(54))
      .find(at => bytes.readUInt32LE(at) === 0x6474e551)!
    bytes.writeUInt32LE(7, stack + 4)
    expect(findings(glibc, bytes)).toEqual(expect.arrayContaining([`is for ${other}`, 'has an executable stack']))
  })
})

describe('readElf', () => {
  it.skipIf(!hasOwn)('reads what readelf reads (needs build/Release)', () => {
    const elf = readElf(readFileSync(own))
    const output = execFileSync('readelf', ['--wide', '--dynamic', '--version-info', own], { encoding: 'utf8' })
    const needed = [...output.matchAll(/\(NEEDED\)\s+Shared library: \[(.*?)\]/g)].map(([, name]) => name)
    expect(elf.needed).toEqual(needed)
    const versions = [...output.matchAll(/Name: (GLIBC_\S+)/g)].map(([, name]) => name)
    expect(Object.values(elf.versions).flat().toSorted()).toEqual(versions.toSorted())
    expect(versions.length).toBeGreaterThan(1)
  })
})

interface Hashes {
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>
}

const hashes = existsSync(inRoot('prebuilds/hashes.json'))
  ? (JSON.parse(text('prebuilds/hashes.json')) as Hashes)
  : null

const there = expectedFiles.filter(name => hashes?.files[name] !== undefined && existsSync(inRoot('prebuilds', name)))

describe.skipIf(there.length === 0)('the built files (need `npm run prebuild`)', () => {
  it.each(there)('%s passes the checks and has the hash that is listed', name => {
    const target = targets.find(({ folder, file, helper }) => [file, helper].some(one => `${folder}/${one}` === name))!
    const bytes = readFileSync(inRoot('prebuilds', name))
    expect(findings(target, bytes, { helper: name.endsWith(target.helper ?? '\0') })).toEqual([])
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(hashes?.files[name]?.sha256)
  })

  const signed = there.filter(name => name.startsWith('darwin-'))
  it.each(signed)('%s loses its signature when a byte changes', name => {
    const bytes = readFileSync(inRoot('prebuilds', name))
    expect(readMachO(bytes).signature).toBe('ad-hoc')
    bytes[4096] = bytes[4096]! ^ 1
    expect(readMachO(bytes).signature).toBe('broken')
  })
})

describe('as the hook that npm makes of the name', () => {
  const commands: [command: string, builds: boolean][] = [
    ['npm run build', true],
    ['npm run-script build', true],
    ['node\0/usr/bin/npm\0run\0build\0', true],
    ['node\0/opt/pnpm/bin/pnpm.cjs\0build\0', true],
    ['npm run prebuild', false],
    ['npm run prebuild -- build', false],
    ['npm run build:ts', false],
    ['npm ci', false],
    ['sh\0-c\0node scripts/prebuild.mjs\0', false],
  ]
  it.each(commands)('%j: %s', (command, builds) => {
    expect(runsBuild(command)).toBe(builds)
  })
})

it('no other script of the repository is the hook of one', () => {
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
  const hooks = Object.keys(scripts).flatMap(name => [`pre${name}`, `post${name}`].filter(hook => hook in scripts))
  expect(hooks).toEqual(['prebuild'])
})
