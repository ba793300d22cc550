/**
 * Rows of the support table that are no program in the installed folder: package managers, another C library, another processor.
 * Each has a `name` and `ask()`, which answers `{ version, did, trouble }`; without `trouble` it went well, with `notRun` nothing was asked. A row whose file was not
 * built yet is not among them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { checkInstallation } from '../package/managers.mjs'
import { root } from '../prebuild/toolchain.mjs'
import { loadUnderMusl } from './musl.mjs'
import { wineRow } from './wine.mjs'

/** `debian` is from debian.mjs or undefined, `project` the folder where the tarball is installed, `work` one for what is made. */
export function otherRows({ tarball, runtimes, debian, project, work, env }) {
  const at = name => path.join(runtimes, 'node_modules', name)
  const versionOf = name => JSON.parse(readFileSync(path.join(at(name), 'package.json'), 'utf8')).version
  const manager = (name, words, program, version) => ({
    name: words,
    ask: () => askManager({ manager: name, program, version, tarball }),
  })
  const rows = [
    manager('npm', 'Installed by npm', undefined, spawnSync('npm', ['--version'], { encoding: 'utf8' }).stdout.trim()),
    manager('pnpm', 'Installed by pnpm', at('pnpm/bin/pnpm.cjs'), versionOf('pnpm')),
    manager('yarn', 'Installed by Yarn Classic', at('yarn/bin/yarn.js'), versionOf('yarn')),
    manager('yarn-berry', 'Installed by Yarn', at('@yarnpkg/cli-dist/bin/yarn.js'), versionOf('@yarnpkg/cli-dist')),
    wineRow(project),
  ]
  if (debian === undefined) return rows
  const addon = name => path.join(project, 'node_modules/castellan/prebuilds', name)
  const musl = addon('linux-x64/castellan.musl.node')
  if (existsSync(musl))
    rows.push({ name: "musl's loader, no JavaScript runtime", ask: () => askMusl(musl, debian, work) })
  if (existsSync(addon('linux-arm64/castellan.glibc.node'))) {
    const node = { file: at('node22arm64/bin/node'), version: versionOf('node22arm64') }
    rows.push({
      name: 'Node.js 22 for arm64 in qemu-user, which has no sandbox',
      ask: () => askArm64(node, debian, project, env),
    })
  }
  return rows
}

function askManager({ manager, program, version, tarball }) {
  const auth = {
    name: 'auth',
    file: path.join(root, 'examples/auth-host.mjs'),
    expect: /^logged out: removed true, revoked true$/m,
  }
  const steps = checkInstallation({ manager, program, tarball, extra: [auth] })
  const failed = steps.find(({ ok }) => !ok)
  const trouble = failed && `${failed.step}: ${failed.output}`
  const did =
    'installed without a compiler and without a question; `castellan doctor` and `run`, a host in ESM, one by `require` and the auth example ran'
  return { version, did, trouble }
}

function askMusl(addon, debian, work) {
  const version = loaderVersion(debian)
  try {
    const { version: api, calls } = loadUnderMusl({ addon, debian, work })
    const good = api === 8 && calls > 50
    const trouble = good ? undefined : `it asks for Node-API ${api} and made ${calls} calls`
    return { version, did: 'the addon was loaded and registered its functions with a host made for this', trouble }
  } catch (error) {
    return { version, did: '', trouble: error.message }
  }
}

/** musl's loader, asked for nothing, says its version. */
function loaderVersion(debian) {
  const { stderr } = spawnSync(path.join(debian, 'lib/ld-musl-x86_64.so.1'), [], { encoding: 'utf8' })
  return /^Version (\S+)$/m.exec(stderr ?? '')?.[1]
}

function askArm64(node, debian, project, env) {
  const emulator = path.join(debian, 'usr/bin/qemu-aarch64-static')
  const args = ['-L', path.join(debian, 'usr/aarch64-linux-gnu'), node.file, 'refusal.mjs']
  const { status, stdout, stderr } = spawnSync(emulator, args, {
    cwd: project,
    env,
    encoding: 'utf8',
    timeout: 300_000,
  })
  const answer = JSON.parse(/^\{.*\}$/m.exec(stdout ?? '')?.[0] ?? '{}')
  // Which of the two depends on what qemu fails first: the process that guards runs, or every engine.
  const refused = ['ERR_BACKEND_UNAVAILABLE', 'ERR_LAUNCH'].includes(answer.code)
  const good = status === 0 && answer.arch === 'arm64' && refused
  const did = `the addon was loaded, \`doctor\` found no engine, and \`createSandbox\` refused (\`${answer.code}\`)`
  return { version: node.version, did, trouble: good && answer.usable.length === 0 ? undefined : `${stderr}${stdout}` }
}
