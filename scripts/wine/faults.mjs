/**
 * The test build of the helper, whose calls can be made to fail one by one. Until the command is let go, a failure must leave
 * nothing that ran; after that, none may leave something that runs.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'

import { expect, say } from './checks.mjs'
import { helpers, requestOf, run } from './helper.mjs'

const marker = 'C:\\castellan-started'
const list = 'C:\\castellan-calls'
const touch = ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`]

async function attempt(ordinal) {
  rmSync(marker, { force: true })
  const env = { CASTELLAN_PRETEND: '1', CASTELLAN_FAULT: String(ordinal), CASTELLAN_FAULT_LIST: list }
  rmSync(list, { force: true })
  const token = requestOf(touch).token
  const result = await run(helpers.faults, requestOf(touch, { token: { ...token, integrity: 'low' } }), { env })
  return { ...result, calls: readFileSync(list, 'utf8').trim().split('\n'), ran: existsSync(marker) }
}

export async function faultChecks() {
  const whole = await attempt(0)
  expect('with no failure the command runs', [whole.code, whole.ran], [0, true])
  const resume = whole.calls.indexOf('ResumeThread') + 1
  expect('the command is let go by a call', resume, at => at > 20)
  expect('the command is made by a call', whole.calls.indexOf('CreateProcessAsUserW'), at => at > 20)
  let refused = 0
  for (let ordinal = 1; ordinal <= resume; ordinal++) {
    const { code, frames, ran, calls } = await attempt(ordinal)
    const what = `call ${ordinal} (${calls.at(ordinal - 1)}) fails`
    expect(`${what}: nothing ran`, ran, false)
    expect(`${what}: exit code`, code, 126)
    const types = frames.map(frame => frame.type)
    expect(`${what}: no word of a start`, types.includes('spawn_ready'), false)
    refused++
  }
  say(`       ${refused} calls before the command is let go: ${[...new Set(whole.calls.slice(0, resume))].join(', ')}`)
  for (let ordinal = resume + 1; ordinal <= whole.calls.length; ordinal++) {
    const { code, frames } = await attempt(ordinal)
    const last = frames.at(-1)
    const what = `call ${ordinal} (${whole.calls[ordinal - 1]}) fails after the start`
    // A last word may be lost with its call; the exit code still tells.
    expect(what, code === 0 || (code === 126 && last?.type !== 'spawn_ready'), true)
  }
}
