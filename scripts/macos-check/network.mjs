/** Loopback: a server of this program, and commands that try to reach it. */
import { createServer } from 'node:net'

import { newPart } from './kit.mjs'

const connect = `const s = require('node:net').connect(Number(process.argv[1]), '127.0.0.1')
s.once('connect', () => process.exit(0)); s.once('error', () => process.exit(9)); setTimeout(() => process.exit(8), 3000)`

export async function checkNetwork(kit) {
  const part = newPart('network')
  const servers = await Promise.all([listen(), listen()])
  const [first, second] = servers.map(server => server.address().port)
  const policy = network_access => ({ type: 'read-only', network_access })
  const questions = [
    ['a closed network', { policy: policy(false) }, first, false],
    ['an open network', { policy: policy(true) }, first, true],
    ['the port of a proxy', { policy: policy(true), macos: { proxyPorts: [first] } }, first, true],
    ['beside the port of a proxy', { policy: policy(true), macos: { proxyPorts: [first] } }, second, false],
  ]
  try {
    for (const [name, options, port, wanted] of questions) {
      const sandbox = await kit.sandboxOf({ cwd: kit.folder, ...options })
      part.done++
      if (!kit.isMac) {
        part.needsMac++
        continue
      }
      const { exitCode, stderr } = await sandbox.run(process.execPath, ['-e', connect, String(port)])
      // Another code: the program itself did not run.
      if (exitCode !== 0 && exitCode !== 9)
        part.different.push(`${name}: node ended with ${exitCode}: ${stderr.slice(0, 300)}`)
      else if ((exitCode === 0) !== wanted) part.different.push(`${name}: ${exitCode === 0 ? 'reached' : 'refused'}`)
      sandbox[Symbol.dispose]()
    }
  } finally {
    for (const server of servers) server.close()
  }
  return part
}

function listen() {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}
