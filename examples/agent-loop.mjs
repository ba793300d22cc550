// An agent that takes steps of different trust in one process: each under its own policy, with a time limit, and all of
// them ended when the user cancels. node examples/agent-loop.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { createSandbox, policies } from 'castellan'

const workspace = mkdtempSync(path.join(tmpdir(), 'castellan-example-'))
writeFileSync(path.join(workspace, 'todo.txt'), 'water the plants\n')
// Without /tmp and $TMPDIR: the workspace lies below them here, and read-only is to mean something beside it.
const writing = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
const looking = await createSandbox({ policy: policies.readOnly(), cwd: workspace })
const working = await createSandbox({ policy: writing, cwd: workspace })

const user = new AbortController()
const steps = [
  { sandbox: looking, command: 'cat todo.txt' },
  { sandbox: looking, command: 'echo more >> todo.txt' },
  { sandbox: working, command: 'echo more >> todo.txt && wc -l < todo.txt' },
  { sandbox: working, command: 'sleep 60', timeout: 200 },
  // The user loses patience with this one.
  { sandbox: working, command: 'sleep 61', timeout: 30_000, cancelAfter: 200 },
  { sandbox: working, command: 'echo never' },
]

try {
  for (const { sandbox, command, timeout = 10_000, cancelAfter } of steps) {
    if (cancelAfter !== undefined) setTimeout(() => user.abort(new Error('the user pressed Esc')), cancelAfter)
    const result = await sandbox.run('sh', ['-c', command], { timeout, signal: user.signal })
    const ending = result.timedOut ? 'timed out' : `exit code ${result.exitCode}`
    console.log(`${command}: ${ending} ${JSON.stringify(result.stdout || result.stderr)}`)
  }
} catch (error) {
  if (error.code !== 'ABORT_ERR') throw error
  console.log(`canceled: ${error.cause.message}`)
} finally {
  // Ends whatever still runs, with everything it started.
  await looking[Symbol.asyncDispose]()
  await working[Symbol.asyncDispose]()
  rmSync(workspace, { recursive: true, force: true })
}
