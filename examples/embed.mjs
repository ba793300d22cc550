// A host program that runs a command under a policy: node examples/embed.mjs
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { createSandbox, policies } from 'castellan'

const workspace = mkdtempSync(path.join(tmpdir(), 'castellan-example-'))
try {
  const sandbox = await createSandbox({ policy: policies.workspaceWrite(), cwd: workspace })
  for (const { message } of sandbox.notices) console.log(`notice: ${message}`)

  const result = await sandbox.run('sh', ['-c', 'echo inside > notes.txt && cat notes.txt'], { timeout: 10_000 })
  console.log(`exit code ${result.exitCode}, output ${JSON.stringify(result.stdout)}, held by ${result.engine}`)

  // A command that fails is a result, not an error: only what kept it from running is thrown.
  const refused = await sandbox.run('sh', ['-c', 'echo changed > /etc/castellan-example'])
  console.log(`writing into /etc: exit code ${refused.exitCode}, ${refused.stderr.trim()}`)
} finally {
  rmSync(workspace, { recursive: true, force: true })
}
