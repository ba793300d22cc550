import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CompiledAuth, compileAuth } from './compiled.ts'
import { managedText, type TemporaryHome, temporaryHome } from './support.ts'

const mount = 'mount -t tmpfs -o size=256k none "$0" && shift 0 && exec "$@"'
const namespace = (home: string, command: readonly string[]) => ['-Urm', 'sh', '-c', mount, home, ...command]

describe('a disk that fills up', () => {
  let compiled: CompiledAuth
  let home: TemporaryHome

  beforeAll(() => {
    compiled = compileAuth()
    home = temporaryHome()
  })
  afterAll(() => {
    compiled.remove()
    home.remove()
  })

  it('costs no request before the token is spent, and no token after', context => {
    const possible = spawnSync('unshare', namespace(home.path, ['true'])).status === 0
    if (!possible) context.skip('needs a user namespace that may mount, found none')
    const worker = fileURLToPath(new URL('./full-disk-worker.mjs', import.meta.url))
    const parameters = { url: compiled.url, home: home.path, text: managedText() }
    const output = execFileSync('unshare', namespace(home.path, [process.execPath, worker]), {
      env: { PATH: process.env['PATH'], CASTELLAN_TEST_WORKER: JSON.stringify(parameters) },
      encoding: 'utf8',
    })
    expect(JSON.parse(output)).toEqual({
      filled: true,
      whenFull: { outcome: { kind: 'transient', reason: 'store_write' }, requests: 0, stored: 'rt-0' },
      whenFree: { outcome: { outcome: 'refreshed', persisted: true }, requests: 1, stored: 'rt-1' },
      whenFilledMeanwhile: { outcome: { outcome: 'refreshed', persisted: true }, requests: 2, stored: 'rt-2' },
      sent: ['rt-0', 'rt-1'],
    })
  })
})
