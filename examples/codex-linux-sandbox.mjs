// The helper that Codex starts for every command on Linux, with its own command line: node examples/codex-linux-sandbox.mjs
import { spawnSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

// In a package that depends on castellan, `npx codex-linux-sandbox` or node_modules/.bin is the same program.
const helper = join(dirname(createRequire(import.meta.url).resolve('castellan')), 'codex-linux-sandbox.js')
const workspace = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-example-')))

const policy = { type: 'workspace-write', exclude_slash_tmp: true, exclude_tmpdir_env_var: true }
const sandboxed = (...command) => {
  const words = ['--sandbox-policy-cwd', workspace, '--sandbox-policy', JSON.stringify(policy), '--', ...command]
  return spawnSync(process.execPath, [helper, ...words], { cwd: workspace, encoding: 'utf8' })
}
const show = (what, { status, stdout, stderr }) =>
  console.log(`${what}: exit code ${status}, ${(stdout + stderr).trim()}`)

try {
  show('a write inside', sandboxed('sh', '-c', 'echo inside >file && cat file'))
  show('a write outside', sandboxed('sh', '-c', 'echo outside >/etc/castellan-example || echo refused'))
  show('a signal', sandboxed('sh', '-c', 'kill -TERM $$'))
  show('no command', sandboxed())
} finally {
  rmSync(workspace, { recursive: true, force: true })
}
