/** Version 1 of the Windows Subsystem for Linux, simulated: the one thing that tells it is the kernel's own version text. */
import { tmpdir } from 'node:os'
import { describe, expect, it, vi } from 'vitest'

import { createSandbox, doctor } from '../../lib/index.ts'

vi.mock('../../lib/host/wsl.ts', () => ({ isWsl1: () => true }))

describe.runIf(process.platform === 'linux')('on WSL 1', () => {
  it.each(['workspace-write', 'read-only', 'danger-full-access'])('refuses %s with a code of its own', async policy => {
    await expect(createSandbox({ policy, cwd: tmpdir() })).rejects.toMatchObject({
      name: 'BackendError',
      code: 'ERR_WSL1_UNSUPPORTED',
      capability: 'wsl',
      hint: expect.stringContaining('wsl --set-version'),
    })
  })

  it('has a doctor that says so', async () => {
    const { engines, healthy } = await doctor()
    expect(healthy).toBe(false)
    expect(engines.map(({ engine, usable, hint }) => [engine, usable, hint])).toEqual(
      ['namespace', 'bwrap', 'landlock'].map(engine => [engine, false, expect.stringContaining('wsl --set-version')]),
    )
  })
})
