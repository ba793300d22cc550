// A host whose commands can call apply_patch, held by the sandbox like everything else: node examples/entry-host.mjs
import { dispatchEntry, makeEntryDirectory } from 'castellan/entry'

// First of all, and before anything large is loaded: this start may be one of apply_patch itself.
await dispatchEntry(process.argv)

const { createSandbox, policies } = await import('castellan')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = await import('node:fs')
const { tmpdir } = await import('node:os')
const { join } = await import('node:path')

const workspace = mkdtempSync(join(tmpdir(), 'castellan-example-'))
// A host leaves `parent` out; an example must not depend on a home directory.
const parent = process.argv[2]
const entries = await makeEntryDirectory(parent === undefined ? {} : { parent }).catch(error => {
  console.log(`no entries here: ${error.code} ${error.reason ?? ''}`)
  process.exit(0)
})
try {
  writeFileSync(join(workspace, 'greeting'), 'hello\n')
  const sandbox = await createSandbox({ policy: policies.workspaceWrite(), cwd: workspace })
  const command = (path, line) => `apply_patch <<'EOF'
*** Begin Patch
*** Update File: greeting
@@
-hello
+hello, world
*** Add File: ${path}
+${line}
*** End Patch
EOF`
  const refused = await sandbox.run('sh', ['-c', command('.git/hooks/post-commit', 'evil')], {
    env: entries.environment(),
  })
  console.log(`a patch that wants a hook: exit code ${refused.exitCode}, ${refused.stderr.trim().slice(0, 90)}`)
  const done = await sandbox.run('sh', ['-c', command('notes', 'new')], { env: entries.environment() })
  console.log(`a patch: exit code ${done.exitCode}, ${done.stdout.trim().split('\n').slice(1).join(', ')}`)
  console.log(`greeting: ${readFileSync(join(workspace, 'greeting'), 'utf8').trim()}`)
} finally {
  entries[Symbol.dispose]()
  rmSync(workspace, { recursive: true, force: true })
}
