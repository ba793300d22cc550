/**
 * The short form of `npm run stress`: commands that are aborted, killed and run into limits while worker threads are
 * terminated and the host is killed in the end leave nothing, and write nothing that is forbidden.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

import { kinds } from './support.ts'

const program = fileURLToPath(new URL('../stress/run.mjs', import.meta.url))

describe.skipIf(!kinds.includes('shared'))('a short stress run', () => {
  it('leaves nothing', { timeout: 300_000 }, async () => {
    const words = [program, '--launches', '60', '--engines', 'shared', '--seed', '7']
    const { stdout } = await promisify(execFile)(process.execPath, words).catch(error => error)
    expect(stdout).toMatch(/^\d+ passed, 0 failed$/m)
  })
})
