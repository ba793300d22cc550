import { describe, expect, it } from 'vitest'

import { windowsReport } from '../../lib/doctor.ts'
import type { WindowsCapabilities } from '../../lib/host/capabilities.ts'
import { probeWindows } from '../../lib/host/probe-windows.ts'

const helper = { path: 'C:\\castellan-helper.exe', how: 'it lies beside the addon' }
const here = { wine: false, restricted: false }
const machine = probeWindows(here, helper)
const gone = { available: false, how: 'it is not there', path: null }

describe('what a Windows machine is told of itself', () => {
  it.each([
    ['everything is there and set up', {}, 'ready', [true, true], /but for what plan.limits tells/],
    ['nothing is set up', {}, 'marker-missing-or-incompatible', [true, false], /not set up: marker-missing/],
    ['the rules are for other ports', {}, 'offline-network-settings-changed', [true, false], /settings-changed/],
    ['the state cannot be read', {}, null, [true, false], /cannot be read/],
    ['there is no runner', { runner: gone }, 'ready', [true, false], /it is not there/],
    ['there is no helper', { helper: gone }, 'ready', [false, false], /it is not there/],
    ['no token is restricted', { restrictedToken: gone }, 'ready', [false, false], /it is not there/],
    ['it is in a sandbox', { restricted: true }, 'ready', [false, false], /restricted token already/],
  ] as const)('when %s', (_name, changes: Partial<WindowsCapabilities>, setup, usable, reason) => {
    const report = windowsReport({ ...machine, ...changes }, setup)
    expect(report.engines.map(engine => engine.usable)).toEqual(usable)
    expect(report.healthy).toBe(usable[1])
    expect(report.engines[1]?.reason).toMatch(reason)
  })

  it('tells how to set the elevated backend up', () => {
    expect(windowsReport(machine, null).engines[1]?.hint).toContain('castellan windows setup')
  })
})

describe('what is asked of a Windows machine', () => {
  it('is whether it restricts tokens, has the helper, and is restricted itself', () => {
    expect(machine).toMatchObject({
      restrictedToken: { available: true },
      helper: { available: true, path: helper.path },
      runner: { available: true },
      restricted: false,
    })
    const wine = probeWindows({ ...here, wine: true }, helper)
    expect([wine.restrictedToken, wine.runner]).toEqual([
      expect.objectContaining({ available: false, how: expect.stringContaining('Wine') }),
      expect.objectContaining({ available: false, how: expect.stringContaining('Wine') }),
    ])
    expect(probeWindows(here, { path: null, how: 'gone' }).runner).toEqual({ available: false, how: 'gone' })
    expect(probeWindows(null, helper).restrictedToken.available).toBe(false)
    expect(probeWindows({ ...here, restricted: true }, helper).restricted).toBe(true)
  })
})
