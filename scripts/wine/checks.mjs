/** Counts what was looked at. Runs under Wine, where Node.js cannot write to a pipe of Linux: everything goes to a file. */
import { appendFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'

const file = process.env.CASTELLAN_RESULTS
export const counts = { passed: 0, failed: 0 }

export function say(text) {
  appendFileSync(file, `${text}\n`)
}

export function expect(what, found, wanted) {
  const holds = typeof wanted === 'function' ? wanted(found) : isDeepStrictEqual(found, wanted)
  counts[holds ? 'passed' : 'failed']++
  if (!holds) {
    const shown = typeof wanted === 'function' ? String(wanted) : JSON.stringify(wanted)
    say(`FAILED ${what}\n  found  ${JSON.stringify(found)}\n  wanted ${shown}`)
  }
  return holds
}

export async function part(name, body) {
  const before = { ...counts }
  const began = Date.now()
  try {
    await body()
  } catch (error) {
    counts.failed++
    say(`FAILED ${name}: ${error.stack}`)
  }
  const passed = counts.passed - before.passed
  const failed = counts.failed - before.failed
  say(`${failed === 0 ? 'ok    ' : 'FAILED'} ${name}: ${passed} of ${passed + failed} (${Date.now() - began} ms)`)
}
