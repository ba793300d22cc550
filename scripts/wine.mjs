/**
 * Runs the Windows build of this checkout under Wine, as a user without rights:
 *
 *   npm run wine [-- --package FOLDER]
 *
 * With a folder, the addon and the helper program are those of the package that is installed there. Wine comes from Debian's
 * packages into a folder of its own below .cache, node.exe from npm; nothing is installed into the system. It takes bubblewrap
 * (`apt-get install bubblewrap`), the network the first time, and some minutes. Wine takes every call that restricts a token and
 * enforces none, so what is asked here is that the code loads, keeps its protocol, handles jobs, handles, words and lists, and
 * refuses to start a command where the restriction is not real. That is no test of enforcement.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { compileWindows } from './prebuild/compile-windows.mjs'
import { chooseTargets } from './prebuild/targets.mjs'
import { cache, findZig, root, run } from './prebuild/toolchain.mjs'
import { installWine } from './wine/install.mjs'
import { underWine } from './wine/place.mjs'

const { values } = parseArgs({ options: { package: { type: 'string' } } })
const packaged = values.package && path.resolve(values.package)
const seconds = 1800
const place = path.join(cache, 'wine')
const log = text => console.log(text)

function build() {
  const [target] = chooseTargets(['win32-x64'])
  const zig = findZig({ log })
  const environment = {
    ...process.env,
    ZIG_LOCAL_CACHE_DIR: path.join(cache, 'objects'),
    ZIG_GLOBAL_CACHE_DIR: path.join(cache, 'libraries'),
  }
  const source = root.replace(/\/$/, '')
  const zigRun = (...args) => run(zig, args, { cwd: source, env: environment })
  const make = (name, only, define) => {
    const out = path.join(place, 'build', name)
    mkdirSync(out, { recursive: true })
    const headers = path.join(source, 'node_modules/node-api-headers/include')
    compileWindows(target, { source, zigRun, work: path.join(out, 'objects'), out, headers, only, define })
  }
  if (packaged === undefined) make('shipped', ['helper', 'addon'], [])
  make('faults', ['helper', 'addon'], ['CASTELLAN_FAULTS'])
  // The library gives its helper no variables.
  make('pretending', ['helper'], ['CASTELLAN_FAULTS', 'CASTELLAN_PRETENDS'])
}

/** What the checks are told: where the library is, the shipped files, the test build, and where results go. */
function variablesFor(results) {
  const made = name => `Z:\\repo\\${path.relative(root, path.join(place, 'build', name)).replaceAll('/', '\\')}`
  const shipped = packaged === undefined ? made('shipped') : 'Z:\\package\\prebuilds\\win32-x64'
  return {
    CASTELLAN_LIBRARY: 'file:///Z:/repo/dist/',
    CASTELLAN_HELPER: `${shipped}\\castellan-helper.exe`,
    CASTELLAN_ADDON: `${shipped}\\castellan.node`,
    CASTELLAN_FAULT_HELPER: `${made('faults')}\\castellan-helper.exe`,
    CASTELLAN_FAULT_ADDON: `${made('faults')}\\castellan.node`,
    CASTELLAN_PRETENDING_HELPER: `${made('pretending')}\\castellan-helper.exe`,
    CASTELLAN_NODE: 'Z:\\node\\node.exe',
    CASTELLAN_PROGRAM: 'Z:\\repo\\dist\\bundle\\castellan.js',
    CASTELLAN_ONLY: process.env.CASTELLAN_ONLY ?? '',
    CASTELLAN_RESULTS: `Z:\\home\\${results}`,
  }
}

/** A link on drive C, which no program under Wine can make, and what it leads to. */
function plantLink(drive) {
  const [link, target] = ['castellan-link', 'castellan-victim'].map(name => path.join(drive, name))
  for (const place of [link, target]) rmSync(place, { recursive: true, force: true })
  mkdirSync(path.join(target, 'inner'), { recursive: true })
  writeFileSync(path.join(target, 'f'), 'as it was')
  symlinkSync('castellan-victim', link)
}

try {
  if (!existsSync(path.join(root, 'dist/index.js'))) throw new Error('there is no dist/: run `npm run build:ts`')
  const wine = installWine(place, log)
  log('building for win32-x64')
  build()
  const folders = [[root, '/repo'], ...(packaged === undefined ? [] : [[packaged, '/package']])]
  const results = 'results.txt'
  const file = path.join(wine.home, results)
  rmSync(file, { force: true })
  if (!existsSync(path.join(wine.home, 'prefix/system.reg'))) {
    log("making Wine's first folders")
    underWine({ wine, folders, command: ['wineboot', '-i'], seconds })
  }
  writeFileSync(file, '')
  plantLink(path.join(wine.home, 'prefix/drive_c'))
  log('running; this takes some minutes')
  const command = ['Z:\\node\\node.exe', 'Z:\\repo\\scripts\\wine\\inside.mjs']
  const { error, status } = underWine({ wine, folders, variables: variablesFor(results), command, seconds })
  const text = readFileSync(file, 'utf8')
  console.log(text.trimEnd())
  const sum = /^sum (.*)$/m.exec(text)
  if (sum === null) throw new Error(`it did not come to its end: ${error?.message ?? `exit code ${status}`}`)
  const { passed, failed } = JSON.parse(sum[1])
  console.log(
    `\n${passed} of ${passed + failed} checks passed under Wine.\n` +
      'Enforcement was NOT tested: Wine restricts no token, so that a command is held to its policy was asked of nobody.\n' +
      'What was tested is that the shipped helper starts nothing there, and everything around the restriction.',
  )
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
} catch (error) {
  console.error(`wine: ${error.message}`)
  process.exitCode = 1
}
