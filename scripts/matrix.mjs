// npm run matrix [-- --json FILE]
//
// Does the main job from the packed tarball (`npm run package`) under every runtime of scripts/matrix/runtimes, and says of each
// what came out: a sandboxed command, a refused write. Runtimes are fetched once into .cache/runtimes.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { cache, root, run } from './prebuild/toolchain.mjs'

const { values } = parseArgs({ options: { json: { type: 'string' } } })
const runtimes = path.join(cache, 'runtimes')
const inRuntimes = name => path.join(runtimes, 'node_modules', name)
const host = `
import { createSandbox, policies } from 'castellan'
const sandbox = await createSandbox({ policy: policies.workspaceWrite(), cwd: process.cwd() })
const inside = await sandbox.run('sh', ['-c', 'echo inside > made && cat made'])
const outside = await sandbox.run('sh', ['-c', 'echo x > /etc/castellan-matrix'])
console.log(JSON.stringify({ stdout: inside.stdout.trim(), refused: outside.exitCode !== 0, engine: inside.engine }))
await sandbox[Symbol.asyncDispose]()
`
const rows = [
  ...['20', '22', '24', '26'].map(major => [`Node.js ${major}`, inRuntimes(`node${major}/bin/node`), ['host.mjs']]),
  ['Bun', inRuntimes('@oven/bun-linux-x64/bin/bun'), ['host.mjs']],
  ['Deno', inRuntimes('@deno/linux-x64-glibc/deno'), ['run', '-A', '--node-modules-dir=manual', 'host.mjs']],
]

let folder
try {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the runtimes are for Linux on x64')
  const release = path.join(cache, 'release')
  const tarball = existsSync(release) && readdirSync(release).find(name => name.endsWith('.tgz'))
  if (!tarball) throw new Error('there is no tarball: run `npm run package`')
  if (!existsSync(inRuntimes('node20'))) {
    mkdirSync(runtimes, { recursive: true })
    for (const name of ['package.json', 'package-lock.json']) {
      copyFileSync(path.join(root, 'scripts/matrix/runtimes', name), path.join(runtimes, name))
    }
    // --force: one of them is for another processor, and one for another C library.
    run('npm', ['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: runtimes })
  }
  folder = mkdtempSync(path.join(tmpdir(), 'castellan-matrix-'))
  writeFileSync(path.join(folder, 'package.json'), '{"name":"matrix","private":true,"type":"module"}\n')
  writeFileSync(path.join(folder, 'host.mjs'), host)
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', path.join(release, tarball)], { cwd: folder })
  const results = rows.map(([name, program, args]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })
    const answer = /^\{.*\}$/m.exec(stdout ?? '')?.[0]
    const { refused = false, stdout: inside, engine } = answer === undefined ? {} : JSON.parse(answer)
    const passed = status === 0 && refused && inside === 'inside'
    console.log(
      `${passed ? 'ok    ' : 'FAILED'} ${name}${passed ? `, engine ${engine}` : `: ${stderr?.slice(0, 300)}`}`,
    )
    return { name, passed, engine }
  })
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
  if (results.some(({ passed }) => !passed)) process.exitCode = 1
} catch (error) {
  console.error(`matrix: ${error.message}`)
  process.exitCode = 1
} finally {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
