/**
 * One login through a real keyring, from storing to removing, and what happens when the keyring's program has ended.
 * Parameters: { url, home, text }. Prints one JSON object; refreshes ask a function instead of a server.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { url, home, text } = JSON.parse(process.env.CASTELLAN_TEST_WORKER)
const { AuthManager, keyringAccount } = await import(url)
const file = join(home, 'auth.json')
const account = keyringAccount(home)
const now = () => Date.parse('2026-06-01T12:00:00Z')
let requests = 0
const fetch = async () => {
  requests++
  // As long as the tokens of a real login.
  return Response.json({ access_token: `at-${requests}-${'x'.repeat(3000)}`, refresh_token: `rt-${requests}` })
}
const open = storage => AuthManager.open({ home, storage, env: {}, fetch, now, jitterMs: 0 })
/** What another program finds under the names that Codex uses. */
const lookup = () =>
  spawnSync('secret-tool', ['lookup', 'service', 'Codex Auth', 'username', account], { encoding: 'utf8' }).stdout
const storedRefreshToken = () => JSON.parse(lookup()).tokens?.refresh_token
const reasonOf = promise =>
  promise.then(
    () => 'none',
    ({ reason }) => reason,
  )
const seen = {}

writeFileSync(file, text)
const manager = await open('keyring')
seen.fileIsNotRead = manager.snapshot() === null
await manager.loginWithApiKey('sk-1')
seen.key = {
  stored: JSON.parse(lookup()),
  fileLeft: existsSync(file),
  another: (await open('keyring')).snapshot()?.mode,
}

writeFileSync(file, text)
const auto = await open('auto')
seen.autoPrefersTheKeyring = auto.snapshot()?.mode
await auto.logout()
seen.afterLogout = { stored: lookup(), fileLeft: existsSync(file) }

// A login in the file moves into the keyring with its first refresh.
writeFileSync(file, text)
const moved = await open('auto')
const { outcome, persisted } = await moved.refreshToken()
seen.refreshed = { outcome, persisted, stored: storedRefreshToken(), fileLeft: existsSync(file) }
const [one, other] = await Promise.all([open('keyring'), open('keyring')])
await Promise.all([one.refreshToken(), other.refreshToken()])
seen.shared = { requests, stored: storedRefreshToken() }

const logout = await one.logout()
seen.loggedOut = { removed: logout.removed, stored: lookup() }

process.kill(Number(process.env.KEYRING_PID), 'SIGKILL')
writeFileSync(file, text)
const gone = await open('keyring')
seen.withoutKeyring = { mode: gone.snapshot()?.mode ?? null, login: await reasonOf(gone.loginWithApiKey('sk-2')) }
const warnings = []
const fallen = (await open('auto')).on('warning', ({ code }) => warnings.push(code))
await fallen.refreshToken()
seen.fallback = {
  stored: JSON.parse(readFileSync(file, 'utf8')).tokens.refresh_token,
  warned: warnings.includes('keyring-fallback'),
  removed: (await fallen.logout()).removed,
  fileLeft: existsSync(file),
}
console.log(JSON.stringify(seen))
