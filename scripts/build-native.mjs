// Builds the addon with node-gyp. Headers that were installed with this Node are used when they are there, so that a
// machine without access to nodejs.org can build; otherwise node-gyp fetches them as usual.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
const prefix = path.dirname(path.dirname(process.execPath))
const environment = { ...process.env }
if (existsSync(path.join(prefix, 'include/node/node_api.h'))) environment.npm_config_nodedir = prefix

const configured = existsSync(path.join(root, 'build/config.gypi'))
const steps = configured && !process.argv.includes('--clean') ? ['configure', 'build'] : ['rebuild']
for (const step of steps) {
  const built = spawnSync(process.execPath, [nodeGyp, step, '--loglevel=warn', '-j', 'max'], {
    cwd: root,
    env: environment,
    stdio: 'inherit',
  })
  if (built.status !== 0) process.exit(built.status ?? 1)
}
