// npm run matrix [-- --partial] [--readme] [--only TEXT]
//
// Does the main job from the packed tarball (`npm run package`) under every runtime and layout of scripts/matrix/rows.mjs, and says of
// each what came out: a sandboxed command and a refused write, on the rows of Node.js also by the command line, by `require` and the
// auth example; and asks what scripts/matrix/others.mjs does. Runtimes are fetched once into .cache/runtimes, Debian's packages
// into .cache/debian. The row of Windows takes what `npm run wine` has put into .cache/wine, and says so where it is not there.
// --partial packs the prebuilt files that are there. --readme writes the results and the README's table.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { askProgram } from './matrix/ask.mjs'
import { debianFiles } from './matrix/debian.mjs'
import { otherRows } from './matrix/others.mjs'
import { inRoot, makeRoot } from './matrix/places.mjs'
import { refusal } from './matrix/refusal.mjs'
import { files, rows } from './matrix/rows.mjs'
import { withTable } from './matrix/table.mjs'
import { pack } from './package/stage.mjs'
import { cache, root, run } from './prebuild/toolchain.mjs'

const flag = { type: 'boolean', default: false }
const { values } = parseArgs({ options: { partial: flag, readme: flag, only: { type: 'string' } } })
const runtimes = path.join(cache, 'runtimes')
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']

function fetchRuntimes() {
  if (existsSync(path.join(runtimes, 'node_modules/@yarnpkg/cli-dist'))) return
  mkdirSync(runtimes, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(path.join(root, 'scripts/matrix/runtimes', name), path.join(runtimes, name))
  }
  // --force: one of them is for another processor, and one for another C library.
  run('npm', ['ci', '--force', '--ignore-scripts', ...quiet], { cwd: runtimes })
}

function findTarball(folder) {
  if (values.partial) return pack({ out: folder, partial: true }).tarball
  const release = path.join(cache, 'release')
  const name = existsSync(release) && readdirSync(release).find(one => one.endsWith('.tgz'))
  if (!name) throw new Error('there is no tarball: run `npm run package`')
  return path.join(release, name)
}

function install(tarball, project) {
  mkdirSync(project)
  writeFileSync(path.join(project, 'package.json'), '{"name":"matrix","private":true,"type":"module"}\n')
  for (const [name, text] of Object.entries({ ...files, 'refusal.mjs': refusal }))
    writeFileSync(path.join(project, name), text)
  copyFileSync(path.join(root, 'examples/auth-host.mjs'), path.join(project, 'auth-host.mjs'))
  run('npm', ['install', ...quiet, tarball], { cwd: project })
  const esbuild = path.join(runtimes, 'node_modules/@esbuild/linux-x64/bin/esbuild')
  const options = ['--bundle', '--platform=node', '--format=esm', '--external:castellan', '--log-level=error']
  run(esbuild, ['host.mjs', ...options, '--outfile=bundle.mjs'], { cwd: project })
}

/** The same program outside a root, or in one. */
function start(row, args, { project, home, bareRoot }) {
  const { program, inside } = row
  if (inside === undefined) {
    const env = { PATH: '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' }
    return spawnSync(program, args, { cwd: project, env, encoding: 'utf8', timeout: 120_000 })
  }
  const modulesAt = inside === 'asar' ? '/app/app.asar.unpacked/node_modules' : '/app/node_modules'
  const command = inRoot({ root: bareRoot, project, home, program, args, modulesAt })
  return spawnSync(command.file, command.args, { encoding: 'utf8', timeout: 120_000 })
}

function ask(row, places) {
  const answer = askProgram(row, args => {
    rmSync(path.join(places.project, 'made'), { force: true })
    return start(row, args, places)
  })
  const version = spawnSync(row.program, ['--version'], { encoding: 'utf8' }).stdout.match(/\d+\.\d+\.\d+/)?.[0]
  return told(row.name, { version, ...answer })
}

function told(name, { version, did, trouble, notRun }) {
  if (notRun !== undefined) {
    console.log(`-      ${name}: not run: ${notRun}`)
    return { name, notRun }
  }
  const passed = trouble === undefined
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} ${version}: ${passed ? did : trouble.slice(0, 600)}`)
  return { name, version, passed, did }
}

let folder
try {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the runtimes are for Linux on x64')
  fetchRuntimes()
  // Not below /tmp, which workspace-write opens.
  folder = mkdtempSync('/var/tmp/castellan-matrix-')
  chmodSync(folder, 0o755)
  const places = {
    project: path.join(folder, 'project'),
    home: path.join(folder, 'home'),
    bareRoot: path.join(folder, 'root'),
  }
  const tarball = findTarball(folder)
  install(tarball, places.project)
  const wanted = ({ name }) => values.only === undefined || name.includes(values.only)
  const chosen = rows(runtimes).filter(wanted)
  mkdirSync(places.home)
  makeRoot(
    places.bareRoot,
    chosen.map(({ program }) => program),
  )
  mkdirSync(path.join(places.bareRoot, 'app/app.asar.unpacked'))
  // In a root of its own the program is an ordinary user, whoever runs this.
  spawnSync('chmod', ['-R', 'a+rwX', places.project, places.home])
  const env = { PATH: '/usr/bin:/bin', HOME: places.home, LANG: 'C.UTF-8' }
  const debian = debianFiles(path.join(cache, 'debian'))
  const others = otherRows({ tarball, runtimes, debian, project: places.project, work: folder, env })
  const results = {
    system: `Linux, x64, kernel ${process.report.getReport().header.osRelease.split('-')[0]}`,
    rows: [...chosen.map(row => ask(row, places)), ...others.filter(wanted).map(row => told(row.name, row.ask()))],
  }
  if (values.readme && values.only === undefined) {
    writeFileSync(path.join(root, 'scripts/matrix/results.json'), `${JSON.stringify(results, null, 2)}\n`)
    const readme = path.join(root, 'README.md')
    writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), results))
  }
  if (results.rows.some(({ passed }) => passed === false)) process.exitCode = 1
} catch (error) {
  console.error(`matrix: ${error.message}`)
  process.exitCode = 1
} finally {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
