/**
 * Refreshes on a disk that fills up. Runs in its own mount namespace with a small disk mounted at `home`.
 * Parameters: { url, home, text }. Prints one JSON object.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { url, home, text } = JSON.parse(process.env.CASTELLAN_TEST_WORKER)
const { AuthManager } = await import(url)
const file = join(home, 'auth.json')
const filler = join(home, 'filler')
writeFileSync(file, text)

/** Takes every block that is left. */
function fill() {
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    for (;;) {
      try {
        writeFileSync(filler, Buffer.alloc(size, 1), { flag: 'a' })
      } catch {
        break
      }
    }
  }
  return statSync(filler).size
}

let requests = 0
let duringRequest = () => undefined
const sent = []
const fetch = async (_url, { body }) => {
  requests++
  sent.push(JSON.parse(body).refresh_token)
  duringRequest()
  return Response.json({ access_token: `at-${requests}`, refresh_token: `rt-${requests}` })
}
const now = () => Date.parse('2026-06-01T12:00:00Z')
const manager = await AuthManager.open({ home, env: {}, fetch, now, jitterMs: 0 })
const outcome = () => manager.refreshToken().catch(({ kind, reason }) => ({ kind, reason }))
const stored = () => JSON.parse(readFileSync(file, 'utf8')).tokens.refresh_token

const filled = fill() > 0
const whenFull = { outcome: await outcome(), requests, stored: stored() }
rmSync(filler)
const whenFree = { outcome: await outcome(), requests, stored: stored() }
duringRequest = fill
const whenFilledMeanwhile = { outcome: await outcome(), requests, stored: stored() }
console.log(JSON.stringify({ filled, whenFull, whenFree, whenFilledMeanwhile, sent }))
