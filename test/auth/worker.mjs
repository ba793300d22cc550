/**
 * One process of the many that share a login: refreshes until it has done so often enough, tells each step over IPC.
 * Parameters: { url, home, issuer, originator, refreshes, addon, provider, lockTimeoutMs }; with an addon its `flock` is the
 * lock, and `provider` holds what differs from Codex's.
 */
import { createRequire } from 'node:module'

const parameters = JSON.parse(process.env.CASTELLAN_TEST_WORKER)
const { url, home, issuer, originator, refreshes, addon, lockTimeoutMs } = parameters
const { AuthManager, codexProvider, provideFlock } = await import(url)
if (addon) provideFlock(createRequire(import.meta.url)(addon).flock)
const provider = codexProvider({ issuer, originator, ...parameters.provider })
const manager = await AuthManager.open({ home, env: {}, provider, jitterMs: 0, lockTimeoutMs })

for (let done = 0; done < refreshes; ) {
  try {
    const { outcome, persisted } = await manager.refreshToken()
    done++
    process.send({ outcome, persisted })
  } catch (error) {
    process.send({ failure: error.reason ?? String(error), kind: error.kind })
    if (error.kind === 'permanent') break
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
process.disconnect()
