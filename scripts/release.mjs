// npm run release -- --dry-run [--host] [--out DIR]
//
// Makes the tarball, checks it as others would, and writes its hash and its bill of materials beside it. Without --dry-run it is
// then published with provenance, if nothing stands in the way. --host packs the addon of this checkout alone: never published.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { pack } from './package/stage.mjs'
import { cache, root, run } from './prebuild/toolchain.mjs'
import { licenceFindings, shippedPackages } from './release/licences.mjs'
import { publicationFindings, publishArguments } from './release/publication.mjs'
import { billOfMaterials } from './release/sbom.mjs'
import { publintFindings, typesFindings } from './release/types.mjs'

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { 'dry-run': flag, host: flag, out: { type: 'string' } } })
const read = name => readFileSync(path.join(root, name), 'utf8')
const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? ''

const faults = []
function step(name, found) {
  console.log(`${found.length === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  for (const one of found) console.log(`       ${one}`)
  faults.push(...found)
}

try {
  if (values.host && !values['dry-run']) throw new Error('--host is for a dry run')
  const out = path.resolve(values.out ?? path.join(cache, 'release'))
  mkdirSync(out, { recursive: true })
  const { tarball, manifest, files, packedBytes, unpackedBytes } = pack({ out, host: values.host })
  step(`manifest and ${files.length} files, ${packedBytes} bytes, ${unpackedBytes} unpacked`, [])
  step('publint', await publintFindings(tarball, manifest))
  step('types (attw)', typesFindings(tarball))
  const lock = JSON.parse(read('package-lock.json'))
  const packages = shippedPackages(lock)
  step(`licences of ${packages.length} packages`, licenceFindings(packages))
  const sha256 = createHash('sha256').update(readFileSync(tarball)).digest('hex')
  const beside = tarball.replace(/\.tgz$/, '')
  writeFileSync(`${tarball}.sha256`, `${sha256}  ${path.basename(tarball)}\n`)
  const bill = billOfMaterials({ manifest, lock, sha256 })
  writeFileSync(`${beside}.cdx.json`, `${JSON.stringify(bill, null, 2)}\n`)
  step(`bill of materials with ${bill.components.length} components`, [])
  console.log(`${sha256}  ${tarball}`)
  if (faults.length > 0) throw new Error('the tarball must not be published')

  const obstacles = publicationFindings({
    manifest,
    changelog: read('CHANGELOG.md'),
    status: git('status', '--porcelain'),
    tags: git('tag', '--points-at', 'HEAD').split('\n'),
    environment: process.env,
  })
  if (values['dry-run']) {
    for (const one of obstacles) console.log(`before it can be published: ${one}`)
    console.log(`would run: npm ${publishArguments(path.basename(tarball)).join(' ')}`)
  } else {
    if (obstacles.length > 0) throw new Error(`this cannot be published:\n  ${obstacles.join('\n  ')}`)
    run('npm', publishArguments(tarball), { cwd: out })
  }
} catch (error) {
  console.error(`release: ${error.message}`)
  process.exitCode = 1
}
