/**
 * The two lock files of Codex 0.169 (auth.md §16), held by a program that is not ours: `flock` of util-linux takes them with
 * the same system call.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthManager, type FileLock, fileStorage, kernelLock } from '../../lib/auth/index.ts'
import { loadLinuxBinding } from '../../lib/native/binding.ts'
import { managedText, type TemporaryHome, temporaryHome } from './support.ts'

function missing(): string | undefined {
  if (spawnSync('flock', ['--version']).status !== 0) return 'flock of util-linux'
  try {
    loadLinuxBinding()
    return undefined
  } catch {
    return 'the native addon'
  }
}

describe.each(['auth.lock', 'auth.json.lock'])('%s of Codex', name => {
  let home: TemporaryHome
  let lock: FileLock
  let other: ChildProcess | undefined

  beforeEach(context => {
    const what = missing()
    if (what !== undefined) context.skip(`needs ${what}, found none`)
    home = temporaryHome()
    lock = kernelLock(loadLinuxBinding().flock)
  })
  afterEach(async () => {
    if (other?.exitCode === null) await release()
    other = undefined
    home?.remove()
  })

  /** Another program holds the lock until it is told to go on; then it does what `script` says, and ends. */
  async function hold(script = 'true'): Promise<void> {
    const work = `echo held; read -r _; ${script}`
    other = spawn('flock', [join(home.path, name), 'sh', '-c', work], {
      cwd: home.path,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(other.stdout!, 'data')
  }

  async function release(): Promise<void> {
    const ended = once(other!, 'exit')
    other!.stdin!.end('\n')
    await ended
  }

  it('is waited for by a login', async () => {
    await hold()
    const manager = await AuthManager.open({ home: home.path, env: {}, lock })
    let stored = false
    const login = manager.loginWithApiKey('sk-1').then(() => (stored = true))
    await new Promise(resolve => setTimeout(resolve, 300))
    expect([stored, home.read()]).toEqual([false, undefined])
    await release()
    await login
    expect(JSON.parse(home.read()!)).toMatchObject({ OPENAI_API_KEY: 'sk-1' })
  })

  it('is waited for by new tokens, and what Codex stored under it is adopted', async () => {
    home.write(managedText())
    writeFileSync(join(home.path, 'theirs'), managedText({ access: 'at-codex', refresh: 'rt-codex' }))
    let answer: (response: Response) => void = () => undefined
    const answered = new Promise<Response>(resolve => (answer = resolve))
    const asked: string[] = []
    const fetch = (async (url: string) => {
      asked.push(url)
      return answered
    }) as typeof globalThis.fetch
    const manager = await AuthManager.open({ home: home.path, env: {}, lock, fetch, jitterMs: 0 })
    const refresh = manager.refreshToken()
    await expect.poll(() => asked.length).toBe(1)
    await hold('mv theirs auth.json')
    answer(Response.json({ access_token: 'at-1', refresh_token: 'rt-1' }))
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(home.read()).toBe(managedText())
    await release()
    expect(await refresh).toMatchObject({ outcome: 'reloaded' })
    expect([manager.snapshot()?.token(), JSON.parse(home.read()!).tokens.refresh_token]).toEqual([
      'at-codex',
      'rt-codex',
    ])
  })

  it('is held while we write, and free again afterwards', async () => {
    const free = () => spawnSync('flock', ['--nonblock', join(home.path, name), 'true']).status === 0
    const storage = fileStorage({ home: home.path, lock })
    let whileWriting: boolean | undefined
    await storage.update(() => {
      whileWriting = free()
      return managedText()
    })
    expect([whileWriting, free()]).toEqual([false, true])
    expect(await storage.delete()).toBe(true)
    expect(free()).toBe(true)
  })
})
