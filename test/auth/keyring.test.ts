import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt, program } from '../cli/castellan.ts'
import { type CompiledAuth, compileAuth } from './compiled.ts'
import { missingForKeyring, withKeyring } from './secret-service.ts'
import { managedText, type TemporaryHome, temporaryHome } from './support.ts'

const missing = missingForKeyring()

describe('a real keyring', () => {
  let compiled: CompiledAuth
  let home: TemporaryHome

  beforeAll(() => {
    compiled = compileAuth()
  })
  afterAll(() => compiled.remove())
  beforeEach(context => {
    if (missing !== undefined) context.skip(`needs ${missing}, found none`)
    home = temporaryHome()
    return () => home.remove()
  })

  it('keeps a login where Codex looks for it, and the file stands in when it has ended', () => {
    const worker = fileURLToPath(new URL('./keyring-worker.mjs', import.meta.url))
    const parameters = { url: compiled.url, home: home.path, text: managedText() }
    const { stdout, stderr } = withKeyring(home.path, [process.execPath, worker], {
      CASTELLAN_TEST_WORKER: JSON.stringify(parameters),
    })
    expect(stdout, stderr).not.toBe('')
    expect(JSON.parse(stdout)).toEqual({
      fileIsNotRead: true,
      key: { stored: { auth_mode: 'apikey', OPENAI_API_KEY: 'sk-1' }, fileLeft: false, another: 'apikey' },
      autoPrefersTheKeyring: 'apikey',
      afterLogout: { stored: '', fileLeft: false },
      refreshed: { outcome: 'refreshed', persisted: true, stored: 'rt-1', fileLeft: false },
      shared: { requests: 2, stored: 'rt-2' },
      loggedOut: { removed: true, stored: '' },
      withoutKeyring: { mode: null, login: 'store_write' },
      fallback: { stored: expect.stringMatching(/^rt-/), warned: true, removed: true, fileLeft: false },
    })
  }, 120_000)

  it('is used by castellan auth --storage keyring', () => {
    ensureBuilt()
    const cli = `"${process.execPath}" "${program}" auth`
    const options = `--storage keyring --home "${home.path}"`
    const script = [
      `echo sk-SECRET | ${cli} login --with-api-key ${options}`,
      `${cli} status ${options}`,
      `${cli} status --home "${home.path}"`,
      `${cli} logout ${options}`,
      `${cli} status ${options}`,
    ].join('; ')
    const { stdout, stderr } = withKeyring(home.path, ['sh', '-c', script], {})
    expect(stdout, stderr).toContain('kept in  the keyring')
    expect(stdout.split('\n').filter(line => /logged/.test(line))).toEqual([
      'logged in with an API key',
      'logged in with an API key',
      'nobody is logged in',
      'logged out',
      'nobody is logged in',
    ])
    expect(stdout).toContain('castellan auth login --home')
    expect(stdout + stderr).not.toContain('SECRET')
  }, 120_000)
})
