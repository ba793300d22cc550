/**
 * Installs a tarball into an empty folder and does the main job from it, without a compiler on the path and without anything
 * of the checkout. Every step is a program of its own, as a user would start it.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'

/** `program` is the path of the manager's own JavaScript; npm is the one of this Node.js. */
const installArguments = {
  npm: tarball => ['install', '--no-audit', '--no-fund', tarball],
  pnpm: tarball => ['add', tarball],
  yarn: tarball => ['add', '--no-progress', '--non-interactive', tarball],
  'yarn-berry': tarball => ['add', `castellan@file:${tarball}`],
}
export const managerNames = Object.keys(installArguments)

const job = `
async function job({ createSandbox, policies }) {
  const sandbox = await createSandbox({ policy: policies.workspaceWrite(), cwd: process.cwd() })
  const inside = await sandbox.run('sh', ['-c', 'echo inside > made && cat made'])
  const outside = await sandbox.run('sh', ['-c', 'echo x > /etc/castellan-package-check'])
  console.log(JSON.stringify({ stdout: inside.stdout.trim(), refused: outside.exitCode !== 0 }))
  await sandbox[Symbol.asyncDispose]()
}`
const hosts = {
  'host.mjs': `import { createSandbox, policies } from 'castellan'\nawait job({ createSandbox, policies })${job}`,
  'host.cjs': `job(require('castellan'))${job}`,
}

/**
 * Returns the steps that were done, each `{ step, ok, output }`; the first that fails is the last. `program` is the manager's
 * JavaScript for others than npm, `node` the Node.js that runs everything.
 */
export function checkInstallation({ manager, program, tarball, node = process.execPath, extra = [] }) {
  // Not below the temporary directory alone: workspace-write opens that, and the checks would say less.
  const folder = mkdtempSync(path.join(tmpdir(), `castellan-install-${manager}-`))
  const steps = []
  try {
    const { bin, environment } = bareEnvironment(folder, node)
    const work = path.join(folder, 'project')
    mkdirSync(work)
    writeFileSync(path.join(work, 'package.json'), '{"name":"newcomer","private":true}\n')
    if (manager === 'yarn-berry')
      writeFileSync(path.join(work, '.yarnrc.yml'), 'nodeLinker: node-modules\nenableTelemetry: false\n')
    for (const [name, text] of Object.entries(hosts)) writeFileSync(path.join(work, name), text)

    const step = (name, command, args, judge) => {
      if (steps.some(({ ok }) => !ok)) return
      const { status, stdout, stderr } = spawnSync(command, args, { cwd: work, env: environment, encoding: 'utf8' })
      const output = `${stdout ?? ''}${stderr ?? ''}`
      steps.push({ step: name, ok: judge(status, stdout ?? '', output), output })
    }
    const command = manager === 'npm' ? path.join(bin, 'npm') : node
    const start = manager === 'npm' ? [] : [program]
    const quiet = (status, _, output) =>
      status === 0 && !/build scripts|allowScripts|node-gyp|gyp (info|ERR)/i.test(output)
    step(`${manager} install`, command, [...start, ...installArguments[manager](tarball)], quiet)
    const castellan = path.join(work, 'node_modules/castellan/dist/bundle/castellan.js')
    const link = path.join(work, 'node_modules/.bin/castellan')
    step('doctor', existsSync(link) ? link : castellan, ['doctor'], (_, stdout) => stdout.includes('Healthy'))
    step(
      'run',
      link,
      ['run', '--', 'sh', '-c', 'echo from the command line'],
      (status, stdout) => status === 0 && stdout === 'from the command line\n',
    )
    const judged = (status, stdout) => status === 0 && stdout === '{"stdout":"inside","refused":true}\n'
    step('a host in ESM', node, ['host.mjs'], judged)
    step('a host by require', node, ['host.cjs'], judged)
    for (const { name, file, expect } of extra) {
      writeFileSync(path.join(work, path.basename(file)), readFileSync(file))
      step(name, node, [path.basename(file)], (status, stdout) => status === 0 && expect.test(stdout))
    }
    return steps
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** npm is started by the same Node.js as the rest. */
function npmProgram() {
  const beside = path.join(path.dirname(realpathSync(process.execPath)), 'npm')
  if (!existsSync(beside)) throw new Error(`there is no npm beside ${process.execPath}`)
  return realpathSync(beside)
}

/** A path with Node.js, npm and a shell, and nothing that could compile; a home of its own; what the registry needs. */
function bareEnvironment(folder, node) {
  const bin = path.join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(node, path.join(bin, 'node'))
  for (const tool of ['sh', 'cat', 'env', 'uname', 'id', 'sed', 'dirname', 'basename']) {
    const found = ['/bin', '/usr/bin'].map(place => path.join(place, tool)).find(existsSync)
    if (found !== undefined) symlinkSync(found, path.join(bin, tool))
  }
  writeFileSync(path.join(bin, 'npm'), `#!/bin/sh\nexec '${node}' '${npmProgram()}' "$@"\n`)
  chmodSync(path.join(bin, 'npm'), 0o755)
  const home = path.join(folder, 'home')
  mkdirSync(home)
  const passed = Object.entries(process.env).filter(([name]) =>
    /^(npm_config_(registry|userconfig|globalconfig|cafile)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
  )
  const environment = { ...Object.fromEntries(passed), PATH: bin, HOME: home, CI: 'true', LANG: 'C.UTF-8' }
  // The registry is the one that this machine is set up for.
  const settings = path.join(homedir(), '.npmrc')
  if (existsSync(settings)) environment.npm_config_userconfig ??= settings
  return { bin, environment }
}
