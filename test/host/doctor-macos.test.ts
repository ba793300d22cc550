import { describe, expect, it } from 'vitest'

import { macosReport } from '../../lib/doctor.ts'
import { assumedMac } from '../../lib/plan/macos/answer.ts'

const missing = { available: false, how: 'it is not there', path: null }

describe('what a Mac is told of itself', () => {
  it.each([
    ['everything is there', {}, true, /no command of this version/],
    ['only sandbox-exec is', { helper: missing }, true, /no command of this version/],
    ['only the helper is', { sandboxExec: missing }, true, /no command of this version/],
    ['nothing is', { helper: missing, sandboxExec: missing }, false, /it is not there; it is not there/],
    ['it is in a sandbox', { sandboxed: true }, false, /in a sandbox already/],
  ] as const)('when %s', (_name, changes, healthy, reason) => {
    const report = macosReport({ ...assumedMac, ...changes })
    expect(report).toMatchObject({ healthy, engines: [{ engine: 'seatbelt', usable: healthy }] })
    expect(report.engines[0]?.reason).toMatch(reason)
  })
})
