/**
 * Runs the Windows build of this checkout under Wine, as a user without rights:
 *
 *   npm run wine [-- --keep]
 *
 * Wine comes from Debian's packages into a folder of its own below .cache, node.exe from npm; nothing is installed into the
 * system. It takes bubblewrap (`apt-get install bubblewrap`), the network the first time, and some minutes. Wine takes every
 * call that restricts a token and enforces none, so what is asked here is that the code loads, keeps its protocol, handles jobs,
 * handles, words and lists, and refuses to start a command where the restriction is not real. That is no test of enforcement.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { compileWindows } from './prebuild/compile-windows.mjs'
import { chooseTargets } from './prebuild/targets.mjs'
import { cache, findZig, root, run } from './prebuild/toolchain.mjs'
import { installWine } from './wine/install.mjs'

const seconds = 900
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
  make('shipped', ['helper', 'addon'], [])
  make('faults', ['helper'], ['CASTELLAN_FAULTS'])
}

/** The arguments of bwrap: Wine's own root, this checkout to read, no network, user 1000. */
function confinement(wine, results) {
  const windows = name => `Z:\\repo\\${path.relative(root, path.join(place, 'build', name)).replaceAll('/', '\\')}`
  const variables = {
    HOME: '/home',
    PATH: '/usr/lib/wine:/usr/bin',
    WINEPREFIX: '/home/prefix',
    WINESERVER: '/usr/lib/wine/wineserver64',
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
    CASTELLAN_LIBRARY: 'file:///Z:/repo/dist/',
    CASTELLAN_HELPER: windows('shipped/castellan-helper.exe'),
    CASTELLAN_ADDON: windows('shipped/castellan.node'),
    CASTELLAN_FAULT_HELPER: windows('faults/castellan-helper.exe'),
    CASTELLAN_RESULTS: `Z:\\home\\${results}`,
  }
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--die-with-parent', '--new-session'],
    ...['--uid', '1000', '--gid', '1000', '--bind', wine.root, '/', '--proc', '/proc', '--dev', '/dev'],
    ...['--ro-bind', '/sys', '/sys', '--tmpfs', '/tmp', '--bind', wine.home, '/home', '--ro-bind', root, '/repo'],
    ...['--ro-bind', path.dirname(wine.node), '/node', '--ro-bind', '/bin/dash', '/sh', '--clearenv'],
    ...Object.entries(variables).flatMap(([name, value]) => ['--setenv', name, value]),
  ]
}

/** Runs a program of Windows, and waits until Wine has written its registry. */
function underWine(wine, results, ...command) {
  const script = '"$@"; code=$?; wineserver64 -w; exit $code'
  const args = [...confinement(wine, results), '/sh', '-c', script, 'sh', '/usr/lib/wine/wine64', ...command]
  return spawnSync('bwrap', args, { stdio: 'ignore', timeout: seconds * 1000, killSignal: 'SIGKILL' })
}

try {
  if (!existsSync(path.join(root, 'dist/index.js'))) throw new Error('there is no dist/: run `npm run build:ts`')
  const wine = installWine(place, log)
  log('building for win32-x64')
  build()
  const results = 'results.txt'
  const file = path.join(wine.home, results)
  rmSync(file, { force: true })
  if (!existsSync(path.join(wine.home, 'prefix/system.reg'))) {
    log("making Wine's first folders")
    underWine(wine, results, 'wineboot', '-i')
  }
  writeFileSync(file, '')
  log('running; this takes some minutes')
  const { error, status } = underWine(wine, results, 'Z:\\node\\node.exe', 'Z:\\repo\\scripts\\wine\\inside.mjs')
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
