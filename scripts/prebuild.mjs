/**
 * Builds what a release ships, for every target, on one Linux machine:
 *
 *   npm run prebuild [-- TARGET...] [--again] [--list]
 *
 * Every file is checked by its bytes before it is put into prebuilds/. `--again` builds a second time, from a copy of the
 * sources in another folder and with nothing kept of the first time, and compares. prebuilds/hashes.json lists what was
 * made. Files for macOS take `llvm-strip` (Debian: llvm). The first build of a target compiles a C++ library and takes minutes;
 * one target is built after the other.
 */
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { isHookOfBuild } from './prebuild/as-hook.mjs'
import { compile, zigVersion } from './prebuild/compile.mjs'
import { describe, findings } from './prebuild/inspect.mjs'
import { stripVersion } from './prebuild/strip-macho.mjs'
import { chooseTargets, expectedFiles } from './prebuild/targets.mjs'
import { cache, findZig, root } from './prebuild/toolchain.mjs'

const options = { again: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } }
const { values, positionals } = parseArgs({ options, allowPositionals: true })
const prebuilds = path.join(root, 'prebuilds')
const began = Date.now()
const log = text => console.log(`[${String(Math.round((Date.now() - began) / 1000)).padStart(4)}s] ${text}`)
const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')

/** Builds in a folder of its own, so that prebuilds/ only ever holds what passed. */
function build(target, zig, { source, work, objects }) {
  rmSync(work, { recursive: true, force: true })
  const made = compile(target, {
    source,
    zig,
    work: path.join(work, 'objects'),
    out: path.join(work, 'out'),
    cacheOfObjects: objects,
    cacheOfLibraries: path.join(cache, 'libraries'),
  })
  return made.map(file => ({ file, name: path.basename(file), bytes: readFileSync(file) }))
}

function check(target, files) {
  const faults = files.flatMap(({ name, bytes }) =>
    findings(target, bytes, { helper: name === target.helper }).map(fault => `${name} ${fault}`),
  )
  if (faults.length > 0) throw new Error(`${target.name} cannot be shipped:\n  ${faults.join('\n  ')}`)
}

/** The same target from another folder, compiled anew. Throws when a byte differs. */
function buildAgain(target, zig, files) {
  const elsewhere = mkdtempSync(path.join(tmpdir(), 'castellan-prebuild-'))
  try {
    const source = path.join(elsewhere, 'a', 'folder', 'of another name')
    mkdirSync(source, { recursive: true })
    for (const name of ['native', 'package.json'])
      cpSync(path.join(root, name), path.join(source, name), { recursive: true })
    symlinkSync(path.join(root, 'node_modules'), path.join(source, 'node_modules'))
    const work = path.join(elsewhere, 'work')
    const second = build(target, zig, { source, work, objects: path.join(elsewhere, 'objects') })
    for (const [index, { name, bytes }] of files.entries()) {
      if (!bytes.equals(second[index].bytes)) throw new Error(`${target.name}: ${name} differs when it is built again`)
    }
  } finally {
    rmSync(elsewhere, { recursive: true, force: true })
  }
}

function install(target, files) {
  const folder = path.join(prebuilds, target.folder)
  mkdirSync(folder, { recursive: true })
  for (const { file, name } of files) {
    cpSync(file, path.join(folder, `${name}.new`))
    renameSync(path.join(folder, `${name}.new`), path.join(folder, name))
  }
}

/** Every file that is there now, whoever built it last. `strip` is the version of LLVM that stripped the files for macOS. */
function writeHashes(zig, strip) {
  const files = {}
  for (const name of expectedFiles.toSorted()) {
    try {
      const bytes = readFileSync(path.join(prebuilds, name))
      files[name] = { sha256: sha256(bytes), bytes: bytes.length }
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
  }
  const list = path.join(prebuilds, 'hashes.json')
  const before = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')).strip : undefined
  const tools = { compiler: `zig ${zig}`, strip: strip === undefined ? before : `LLVM ${strip}` }
  writeFileSync(list, `${JSON.stringify({ ...tools, files }, null, 2)}\n`)
  return files
}

if (isHookOfBuild()) process.exit(0)

try {
  const chosen = chooseTargets(positionals)
  if (values.list) {
    for (const { name, folder, file } of chosen) console.log(`${name}: prebuilds/${folder}/${file}`)
  } else {
    const strip = chosen.some(({ system }) => system === 'darwin') ? stripVersion() : undefined
    const zig = findZig({ log })
    for (const [index, target] of chosen.entries()) {
      log(`${index + 1} of ${chosen.length}: ${target.name}`)
      const work = path.join(cache, 'work', target.name)
      const files = build(target, zig, { source: root.replace(/\/$/, ''), work, objects: path.join(cache, 'objects') })
      check(target, files)
      if (values.again) buildAgain(target, zig, files)
      install(target, files)
      for (const { name, bytes } of files) log(`  ${target.folder}/${name}: ${bytes.length} bytes, ${describe(bytes)}`)
    }
    const files = writeHashes(zigVersion(zig), strip)
    const missing = expectedFiles.filter(name => files[name] === undefined)
    for (const [name, { sha256: hash }] of Object.entries(files)) console.log(`${hash}  ${name}`)
    log(missing.length === 0 ? 'complete' : `still missing: ${missing.join(', ')}`)
    const strange = readdirSync(prebuilds, { recursive: true, encoding: 'utf8' }).filter(
      name => /\.node$/.test(name) && !expectedFiles.includes(name),
    )
    if (strange.length > 0) throw new Error(`prebuilds/ also holds ${strange.join(', ')}, which no target makes`)
  }
} catch (error) {
  console.error(`prebuild: ${error.message}`)
  process.exitCode = 1
}
