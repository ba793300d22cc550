// What a sandboxed command costs beside an unsandboxed child_process.spawn. A glance, not a benchmark: see bench/.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Medians in milliseconds of starting `true` and seeing it end; the ways take turns, so that load hits all alike. */
export async function measure(sandboxes, rounds, signal) {
  const ways = new Map([
    ['child_process.spawn', plainly],
    ...sandboxes.map(({ engine, sandbox }) => [engine, held(sandbox)]),
  ])
  const times = new Map([...ways.keys()].map(name => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of ways) {
      signal.throwIfAborted()
      const startedAt = performance.now()
      await way()
      times.get(name).push(performance.now() - startedAt)
    }
  }
  return [...times].map(([name, all]) => ({ name, median: all.sort((a, b) => a - b)[Math.floor(all.length / 2)] }))
}

async function plainly() {
  const child = spawn('true', [], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.resume()
  child.stderr.resume()
  await once(child, 'close')
}

function held(sandbox) {
  return async () => {
    await sandbox.run('true')
  }
}
