/** Puts what is published into a folder, and packs it with npm: the tree of the repository is never touched. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { prebuildOfThisHost } from '../prebuild/host.mjs'
import { expectedFiles } from '../prebuild/targets.mjs'
import { root } from '../prebuild/toolchain.mjs'
import { packedFindings, publishedManifest, tarballFindings } from './manifest.mjs'

/**
 * Packs into `out` and returns `{ tarball, manifest, files, unpackedBytes, packedBytes }`; every file has `path`, `size` and
 * `mode`. With `host` the addon that this checkout built for itself stands in for the prebuilt ones: for tests, never for a
 * release; with `partial` those prebuilt ones that are there will do, for the matrix. Throws
 * when something is missing or must not be published.
 */
export function pack({ out, host = false, partial = false }) {
  const manifest = publishedManifest(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')))
  if (!existsSync(path.join(root, 'dist/bundle/index.js'))) throw new Error('there is no dist/: run `npm run build:ts`')
  const stage = path.join(out, 'package')
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true })
  for (const name of manifest.files.filter(one => one !== 'prebuilds')) {
    cpSync(path.join(root, name), path.join(stage, name), { recursive: true, filter: isPublished })
  }
  stagePrebuilds(path.join(stage, 'prebuilds'), { host, partial })
  writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)

  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', out]
  const packed = spawnSync('npm', args, { cwd: stage, encoding: 'utf8' })
  if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`)
  const answer = Object.values(JSON.parse(packed.stdout))[0]
  const names = answer.files.map(file => file.path)
  const sizes = { packedBytes: answer.size, unpackedBytes: answer.unpackedSize }
  const faults = [...packedFindings(manifest, names), ...tarballFindings(manifest, { files: answer.files, ...sizes })]
  if (faults.length > 0) throw new Error(`this must not be published:\n  ${faults.join('\n  ')}`)
  rmSync(stage, { recursive: true, force: true })
  return {
    tarball: path.join(out, answer.filename),
    manifest,
    files: answer.files,
    ...sizes,
  }
}

/** Of dist/, what `scripts/bundle.mjs` joined, and the declarations: the modules themselves are for this repository. */
function isPublished(file) {
  const [folder, ...rest] = path.relative(root, file).split(path.sep)
  return folder !== 'dist' || /^bundle(-modules)?$/.test(rest[0] ?? '') || !/\.(js|map)$/.test(file)
}

function stagePrebuilds(to, { host, partial }) {
  const from = path.join(root, 'prebuilds')
  mkdirSync(to)
  cpSync(path.join(from, 'README.md'), path.join(to, 'README.md'))
  if (host) {
    const name = prebuildOfThisHost()
    cpSync(path.join(root, 'build/Release/castellan.node'), path.join(to, name), { recursive: true })
    return
  }
  const wanted = [...expectedFiles, 'hashes.json']
  const missing = wanted.filter(name => !existsSync(path.join(from, name)))
  if (missing.length > 0 && !partial)
    throw new Error(`prebuilds/ has no ${missing.join(', ')}: run \`npm run prebuild\``)
  for (const name of wanted.filter(one => !missing.includes(one))) cpSync(path.join(from, name), path.join(to, name))
}
