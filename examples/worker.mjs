// Sandboxed commands from a worker thread: the main thread stays free, and the commands end with the worker.
// node examples/worker.mjs
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import { createSandbox, policies } from 'castellan'

if (isMainThread) {
  const workers = ['first', 'second'].map(name => new Worker(new URL(import.meta.url), { workerData: name }))
  const answers = workers.map(
    worker =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      }),
  )
  for (const answer of await Promise.all(answers)) console.log(answer)
} else {
  const sandbox = await createSandbox({ policy: policies.readOnly() })
  const { stdout, engine } = await sandbox.run('sh', ['-c', `echo "hello from the ${workerData} worker"`])
  parentPort.postMessage(`${stdout.trim()}, held by ${engine}`)
}
