/** A release without its last step: what is checked of the tarball, and what is refused. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { licenceFindings, shippedPackages } from '../../scripts/release/licences.mjs'
import { publicationFindings } from '../../scripts/release/publication.mjs'
import { inRoot, manifest, requireBuild, root, text } from './repository.ts'

beforeAll(requireBuild)

describe('licenceFindings', () => {
  it.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['GPL-3.0-only', false],
    ['MIT AND GPL-3.0-only', false],
    ['Apache-2.0 WITH something', false],
    [undefined, false],
  ])('of %s', (license, accepted) => {
    expect(licenceFindings([{ name: 'one', version: '1.0.0', license }])).toHaveLength(accepted ? 0 : 1)
  })

  it('looks at every dependency and at nothing that is for development', () => {
    const names = shippedPackages(JSON.parse(text('package-lock.json'))).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)))
    expect(names).not.toContain('vitest')
  })
})

describe('publicationFindings', () => {
  const good = {
    manifest: { version: '1.2.3', repository: 'here' },
    changelog: '# Changelog\n\n## 1.2.3\n',
    status: '',
    tags: ['v1.2.3'],
    environment: { ACTIONS_ID_TOKEN_REQUEST_URL: 'somewhere' },
  }
  it.each([
    [{}, []],
    [{ manifest: { version: '1.2.3' } }, ['repository']],
    [{ changelog: '## 1.2.30\n' }, ['CHANGELOG']],
    [{ status: ' M lib/index.ts' }, ['not committed']],
    [{ tags: ['v1.2.2'] }, ['tag v1.2.3']],
    [{ environment: {} }, ['id-token']],
  ])('with %j: %j', (change, words) => {
    const found = publicationFindings({ ...good, ...change })
    expect(found).toEqual(words.map(word => expect.stringContaining(word)))
  })
})

describe('npm run release -- --dry-run', () => {
  it('finds nothing wrong with the tarball, and writes its hash and its bill of materials', {
    timeout: 240_000,
  }, () => {
    const out = mkdtempSync(path.join(tmpdir(), 'castellan-release-'))
    try {
      const args = [inRoot('scripts/release.mjs'), '--dry-run', '--host', '--out', out]
      const printed = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
      expect(printed.match(/^ok/gm)).toHaveLength(5)
      expect(printed).toMatch(/^would run: npm publish castellan-\S+\.tgz --provenance/m)
      const tarball = `castellan-${manifest.version}.tgz`
      expect(readdirSync(out).sort()).toEqual([tarball.replace('.tgz', '.cdx.json'), tarball, `${tarball}.sha256`])
      const bill = JSON.parse(readFileSync(path.join(out, tarball.replace('.tgz', '.cdx.json')), 'utf8'))
      expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'castellan' } } })
      const listed = bill.components.map(({ name }: { name: string }) => name)
      expect(listed).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)))
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  })
})
