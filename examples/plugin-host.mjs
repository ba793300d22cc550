// A host that runs a plug-in in a confined Node.js child and talks to it: node examples/plugin-host.mjs
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createSandbox, policies } from 'castellan'

const workspace = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-example-')))
const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
try {
  writeFileSync(join(workspace, 'input'), 'some text')
  const sandbox = await createSandbox({ policy, cwd: workspace })
  const plugin = sandbox.fork(fileURLToPath(new URL('plugin.cjs', import.meta.url)))
  for (const write of [join(workspace, 'output'), '/etc/castellan-example']) {
    plugin.send({ read: join(workspace, 'input'), write })
    const [answer] = await once(plugin, 'message')
    console.log(`the plug-in: ${answer}`)
  }
  plugin.disconnect()
  const [exitCode] = await once(plugin, 'exit')
  console.log(`exit code ${exitCode}`)
} finally {
  rmSync(workspace, { recursive: true, force: true })
}
