/**
 * Runs cases of schema `auth-scenarios/1`: each in its own home with its own server on loopback; what the server was asked
 * is part of the expectation.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { perform, unsupported } from './auth-steps.mjs'
import { matches } from './auth-values.mjs'
import { World } from './auth-world.mjs'

export const schema = 'auth-scenarios/1'

const built = new URL('../../dist/bundle/auth.js', import.meta.url)

/** The library, and the address from which a second process can load it (absent: cases that need one are skipped). */
export async function loadLibrary(load, url = existsSync(fileURLToPath(built)) ? built.href : undefined) {
  return { module: await load('auth/index'), url }
}

/** The outcomes of one case: one per step that expects something, and one per final expectation. */
export async function runCase(given, library, document) {
  const reason = unsupported(given, library)
  if (reason !== undefined) return [{ outcome: 'skipped', asked: { steps: given.steps.length }, reason }]
  const world = await World.create(given, library, document.fixtures)
  const results = []
  try {
    for (const [index, step] of given.steps.entries()) {
      const got = await perform(world, step)
      if (step.expect !== undefined) results.push(judge({ step: index, op: step.op }, world.resolve(step.expect), got))
    }
    results.push(...judgeEnd(world, given.final ?? {}))
  } catch (error) {
    results.push({
      outcome: 'failed',
      asked: { id: given.id },
      expected: 'no error',
      got: String(error?.stack ?? error),
    })
  } finally {
    await world.dispose()
  }
  return results
}

function judge(asked, expected, got) {
  return matches(got, expected) ? { outcome: 'passed', asked } : { outcome: 'failed', asked, expected, got }
}

function judgeEnd(world, final) {
  const { log } = world.server
  const failure = world.managers.get('A').refreshFailure()
  const seen = {
    tokenRequests: log.refreshes.length,
    sentRefreshTokens: log.refreshes,
    revoked: log.revoked,
    externalCalls: world.externalCalls,
    apiRequests: log.apiRequests + world.otherServer.log.apiRequests,
    poisoned: failure?.kind === 'permanent' ? failure.reason : false,
  }
  return Object.entries(final).map(([name, expected]) => {
    if (name === 'authJson') return judgeFile(world, expected)
    if (!(name in seen)) return { outcome: 'failed', asked: { final: name }, expected, got: 'unknown expectation' }
    return judge({ final: name }, world.resolve(expected), seen[name])
  })
}

function judgeFile(world, expected) {
  const asked = { final: 'authJson' }
  const text = world.text()
  if (expected.$deleted) return judge(asked, true, text === undefined)
  if (expected.$unchanged) return judge(asked, world.initialText, text)
  return judge(asked, world.resolve(expected), text === undefined ? undefined : JSON.parse(text))
}
