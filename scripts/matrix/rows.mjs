/**
 * What the support table asks: each row is a program that is started in the folder where the tarball was installed. `inside` is how:
 * `bare` starts it in a root of its own that holds a shell, the runtime and its libraries and nothing that could compile, as an
 * ordinary user who cannot write the package.
 */
import path from 'node:path'

const host = `
import { existsSync, writeFileSync } from 'node:fs'
import { createSandbox, policies } from 'castellan'
const sandbox = await createSandbox({ policy: policies.workspaceWrite(), cwd: process.cwd() })
const inside = await sandbox.run('sh', ['-c', 'echo inside > made && cat made'])
// The host itself can write there.
writeFileSync(process.env.HOME + '/host', '')
const outside = await sandbox.run('sh', ['-c', 'echo x > "$HOME/command"'])
const refused = outside.exitCode !== 0 && !existsSync(process.env.HOME + '/command')
console.log(JSON.stringify({ inside: inside.stdout.trim(), refused, engine: inside.engine }))
await sandbox[Symbol.asyncDispose]()
`
const worker = `
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
if (isMainThread) new Worker(new URL(import.meta.url)).on('message', line => console.log(line))
else {
  const console = { log: line => parentPort.postMessage(line) }
  ${host
    .replaceAll(/^import (.*) from (.*)$/gm, 'const $1 = await import($2)')
    .trim()
    .replaceAll('\n', '\n  ')}
}
`

/** The same host in CommonJS, which has no `await` at its top. */
const byRequire = `
const { existsSync, writeFileSync } = require('node:fs')
const { createSandbox, policies } = require('castellan')
async function main() {
  ${host
    .replaceAll(/^import .*\n/gm, '')
    .trim()
    .replaceAll('\n', '\n  ')}
}
main()
`

/** What is put into the folder. `bundle.mjs` is made from `host.mjs` by esbuild, with castellan as an external package. */
export const files = { 'host.mjs': host, 'host.cjs': byRequire, 'worker.mjs': worker }

/** `programs` is the folder where the runtimes are. */
export function rows(programs) {
  const at = name => path.join(programs, 'node_modules', name)
  const node = major => at(`node${major}/bin/node`)
  return [
    ...['20', '22', '24', '26'].map(major => ({
      name: `Node.js ${major}`,
      program: node(major),
      args: ['host.mjs'],
      inside: 'bare',
      all: true,
    })),
    { name: 'Bun', program: at('@oven/bun-linux-x64/bin/bun'), args: ['host.mjs'] },
    {
      name: 'Deno',
      program: at('@deno/linux-x64-glibc/deno'),
      args: ['run', '-A', '--node-modules-dir=manual', 'host.mjs'],
    },
    { name: 'Worker threads', program: node('22'), args: ['worker.mjs'] },
    { name: 'A bundle by esbuild, castellan external', program: node('22'), args: ['bundle.mjs'] },
    { name: 'A read-only package below app.asar.unpacked', program: node('22'), args: ['host.mjs'], inside: 'asar' },
  ]
}
