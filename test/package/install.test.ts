/**
 * The tarball in an empty folder, as a newcomer has it: without a compiler, without the checkout. The addon is this
 * checkout's own here; a release packs the prebuilt ones.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doctor } from '../../lib/doctor.ts'
import { BackendError } from '../../lib/errors.ts'
import { checkInstallation } from '../../scripts/package/managers.mjs'
import { packageBudget, packedFindings, publishedManifest, tarballFindings } from '../../scripts/package/manifest.mjs'
import { pack } from '../../scripts/package/stage.mjs'
import { manifest, requireBuild } from './repository.ts'

const healthy = await doctor().then(
  report => report.healthy,
  error => {
    if (error instanceof BackendError) return false
    throw error
  },
)

describe('publishedManifest', () => {
  it('has no script, no development dependency and says that there is nothing to build', () => {
    const published = publishedManifest({ ...manifest })
    expect(Object.keys(published)).not.toEqual(expect.arrayContaining(['scripts']))
    expect(published).not.toHaveProperty('devDependencies')
    expect(published).toMatchObject({ name: 'castellan', gypfile: false, exports: manifest.exports })
  })

  it('refuses a member that nobody decided about', () => {
    expect(() => publishedManifest({ ...manifest, publishConfig: {} })).toThrow('publishConfig')
  })
})

describe('packedFindings', () => {
  const good = { gypfile: false, exports: { '.': './dist/index.js' }, bin: {} }
  it.each([
    [good, ['dist/index.js'], []],
    [good, [], ['./dist/index.js is missing']],
    [{ ...good, scripts: { install: 'x' } }, ['dist/index.js'], ['the manifest has scripts']],
    [{ ...good, gypfile: undefined }, ['dist/index.js'], ['the manifest lets npm add an install script']],
    [good, ['dist/index.js', 'binding.gyp'], ['binding.gyp makes package managers build']],
    [good, ['dist/index.js', '.npmrc'], [".npmrc is nobody's business"]],
  ])('of %j with %j are %j', (given, files, found) => {
    expect(packedFindings(given, files)).toEqual(found)
  })
})

describe('tarballFindings', () => {
  const named = { bin: { castellan: './dist/bundle/castellan.js' } }
  const whole = { files: [], packedBytes: packageBudget.packed, unpackedBytes: packageBudget.unpacked }
  it('are none at the budget, and name what is above it', () => {
    expect(tarballFindings(named, whole)).toEqual([])
    const packedBytes = packageBudget.packed + 1
    expect(tarballFindings(named, { ...whole, packedBytes })).toEqual([`the tarball has ${packedBytes} bytes`])
    const unpackedBytes = packageBudget.unpacked + 1
    expect(tarballFindings(named, { ...whole, unpackedBytes })).toEqual([`unpacked it has ${unpackedBytes} bytes`])
  })

  it.each([
    ['dist/bundle/castellan.js', 0o755, true],
    ['dist/bundle/castellan.js', 0o644, false],
    ['prebuilds/darwin-arm64/castellan-seatbelt', 0o744, false],
    ['prebuilds/win32-x64/castellan-helper.exe', 0o644, false],
    ['prebuilds/darwin-arm64/castellan.node', 0o644, true],
    ['dist/bundle/index.js', 0o644, true],
  ])('let %s have the mode %o: %s', (name, mode, good) => {
    const found = tarballFindings(named, { ...whole, files: [{ path: name, mode }] })
    expect(found).toEqual(good ? [] : [`${name} cannot be executed`])
  })
})

describe('the tarball, installed by npm without a compiler', () => {
  let folder = ''
  let packed: ReturnType<typeof pack>

  beforeAll(() => {
    requireBuild()
    folder = mkdtempSync(path.join(tmpdir(), 'castellan-pack-'))
    packed = pack({ out: folder, host: true })
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('has one addon in it and stays small', () => {
    expect(packed.files.filter(file => file.path.endsWith('.node'))).toHaveLength(1)
    expect(packed.packedBytes).toBeLessThan(1_500_000)
  })

  it.skipIf(!healthy)(
    'runs doctor, a command, and hosts in ESM and by require (needs an engine that holds workspace-write)',
    () => {
      const steps = checkInstallation({ manager: 'npm', tarball: packed.tarball })
      expect(steps.filter(({ ok }) => !ok)).toEqual([])
      expect(steps.map(({ step }) => step)).toEqual([
        'npm install',
        'doctor',
        'run',
        'a host in ESM',
        'a host by require',
      ])
    },
    240_000,
  )
})
