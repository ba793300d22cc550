// A confined command for a spawner that knows nothing of castellan, here child_process itself; execa, node-pty and
// others take the same three things. node examples/wrap.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { createSandbox, policies } from 'castellan'

// bubblewrap starts commands from descriptors of this process, which another spawner does not pass on.
const linux = { engines: ['namespace', 'landlock'] }
const sandbox = await createSandbox({ policy: policies.readOnly(), linux })

const { file, args, env } = sandbox.wrap('sh', ['-c', 'echo "from inside"; echo changed > ./castellan-example.txt'])
const child = spawn(file, args, { env, stdio: 'inherit' })
const [exitCode] = await once(child, 'exit')
console.log(`exit code ${exitCode}`)

// The wrapped command refers to this process: it can be started as long as the sandbox is not disposed.
sandbox[Symbol.dispose]()
