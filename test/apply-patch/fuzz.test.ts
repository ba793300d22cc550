/** A short form of `npm run fuzz`: the same for everybody by its seed. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, it } from 'vitest'

import { ensureBuilt, repository } from '../cli/castellan.ts'

ensureBuilt()

it('comes through random texts, each of them a patch or a documented error', { timeout: 300_000 }, () => {
  const script = path.join(repository, 'scripts/fuzz-apply-patch.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--steps', '100000', '--seed', '1'], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const counts = JSON.parse(/\{.*\}/.exec(stdout)![0]) as Record<string, number>
  // Every outcome is there, or the texts would try nothing.
  for (const [outcome, count] of Object.entries(counts)) expect(count, outcome).toBeGreaterThan(50)
})
