/**
 * File systems that the host has mounted below a writable directory, and below what the policy carves out of it: a command
 * sees them, and gets the access that the policy gives to where they lie.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doctor } from '../../lib/index.ts'
import { type CompiledLibrary, compileLibrary } from '../process/compiled.ts'
import { makeWorld, type World } from './support/world.ts'

const { engines } = await doctor()
const canMount = spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status === 0

const outside = ['unshare', '--map-root-user', '--mount', 'sh', '-ec']
const mounts = `
mount -t tmpfs none "$0/open"; mkdir "$0/open/closed" "$0/open/closed/in"
mount -t tmpfs none "$0/kept/below"; echo there >"$0/kept/below/file"
mount -t tmpfs none "$0/open/closed/in"; echo there >"$0/open/closed/in/file"
exec "$@"`

const host = `
const [ws, engine] = process.argv.slice(2)
const entry = (path, access) => ({ path: { type: 'path', path }, access })
const entries = [
  { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
  entry(ws, 'write'), entry(ws + '/kept', 'read'), entry(ws + '/open/closed', 'read'),
]
const linux = { engines: [engine === 'shared' ? 'namespace' : engine] }
if (engine === 'shared') linux.processes = 'shared'
const sandbox = await createSandbox({ policy: { fileSystem: { kind: 'restricted', entries } }, cwd: ws, linux })
const look = 'for d in . open kept kept/below open/closed open/closed/in; do (echo x >$d/new) 2>/dev/null && echo $d; done; cat kept/below/file open/closed/in/file'
process.stdout.write((await sandbox.run('sh', ['-c', look])).stdout)
`

describe.skipIf(!canMount)(`file systems of the host${canMount ? '' : ' (skipped: no user namespaces)'}`, () => {
  let world: World
  let library: CompiledLibrary
  beforeAll(() => {
    world = makeWorld('host-mounts')
    library = compileLibrary()
    for (const name of ['open', 'kept', 'kept/below']) mkdirSync(world.at(name))
  })
  afterAll(() => {
    library.remove()
    world.remove()
  })

  for (const engine of ['namespace', 'shared', 'bwrap']) {
    const usable = engines.some(
      report => report.usable && report.engine === (engine === 'shared' ? 'namespace' : engine),
    )
    it.skipIf(!usable)(`${engine}: are seen, and are as open as where they lie`, () => {
      const script = library.script('host', host)
      const [file = '', ...args] = [...outside, mounts, world.base, process.execPath, script, world.base, engine]
      const output = execFileSync(file, args, { encoding: 'utf8' })
      expect(output.trim().split('\n')).toEqual(['.', 'open', 'there', 'there'])
    })
  }
})
