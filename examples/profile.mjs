// A policy from a TOML profile, as Codex writes them, and a command under it. node examples/profile.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { createSandbox } from 'castellan'
import { parsePermissionsToml } from 'castellan/policy'

const workspace = mkdtempSync(path.join(tmpdir(), 'castellan-example-'))
writeFileSync(path.join(workspace, 'token'), 'do not read me\n')
const { profile, policy, notices } = parsePermissionsToml(`
default_permissions = "careful"
[permissions.careful]
extends = ":read-only"
[permissions.careful.filesystem.":workspace_roots"]
"." = "write"
token = "deny"
`)
for (const { message } of notices) console.log(`notice: ${message}`)

const sandbox = await createSandbox({ policy, cwd: workspace })
try {
  const { exitCode, stdout } = await sandbox.run('sh', ['-c', 'echo done > result; cat result; cat token'])
  console.log(`${profile}: exit code ${exitCode}, output ${JSON.stringify(stdout)}`)
} finally {
  await sandbox[Symbol.asyncDispose]()
  rmSync(workspace, { recursive: true, force: true })
}
