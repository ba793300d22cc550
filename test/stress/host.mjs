// The host of a stress run: keeps commands in flight and ends them in every way there is. Loaded as a process by run.mjs, and
// as a worker thread by itself. What it is told stands in `job`; it answers with counts.
//
// Every command tries to write where the policy forbids it, so that one which was not confined shows.
import { parentPort, Worker, workerData } from 'node:worker_threads'

/** A small generator with a seed (mulberry32), so that a failing run can be made again. */
function randomFrom(seed) {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

// $1: outside the workspace. $2: what is printed. $3: seconds that name the processes of this stress run. The shell ends with
// what it was asked to end with only when the write was refused.
const words = {
  quick: '(: > "$1/escaped") 2>/dev/null && exit 99; echo "$2"',
  slow: '(: > "$1/escaped") 2>/dev/null && exit 99; sleep "$3"',
  daemon: '(: > "$1/escaped") 2>/dev/null && exit 99; setsid sleep "$3" </dev/null >/dev/null 2>&1 & echo "$2"',
}

/** One launch of the given kind. Returns how it ended; throws when that is not a way in which it may end. */
async function launch(sandbox, kind, { outside, seconds, random, number }) {
  const command = script => ['sh', ['-c', words[script], 'sh', outside, `text ${number}`, seconds]]
  const judge = ({ exitCode, signal, stdout }) => {
    if (exitCode === 0 && stdout === `text ${number}\n`) return 'ended'
    if (signal === 'SIGKILL') return 'killed'
    throw new Error(`${kind} ended with ${exitCode ?? signal}: ${stdout}`)
  }
  switch (kind) {
    case 'run':
      return judge(await sandbox.run(...command('quick')))
    case 'runSync':
      return judge(sandbox.runSync(...command('quick')))
    case 'daemon':
      return judge(await sandbox.run(...command('daemon')))
    case 'abort': {
      const controller = new AbortController()
      const running = sandbox.run(...command('slow'), { signal: controller.signal, killSignal: 'SIGKILL' })
      setTimeout(() => controller.abort(), random(8))
      const error = await running.then(
        () => undefined,
        reason => reason,
      )
      if (error === undefined) return 'killed'
      if (error.code === 'ABORT_ERR') return 'aborted'
      throw error
    }
    case 'timeout': {
      const result = await sandbox.run(...command('slow'), { timeout: 1 + random(8), killSignal: 'SIGKILL' })
      if (result.timedOut) return 'timed out'
      return judge(result)
    }
    default: {
      const child = sandbox.spawn(...command(random(2) === 0 ? 'slow' : 'quick'))
      child.stdout.resume()
      child.stderr.resume()
      const timer = setTimeout(() => child.kill('SIGKILL'), random(8))
      return await new Promise((resolve, reject) => {
        child.once('error', reject)
        child.once('close', code => {
          clearTimeout(timer)
          if (code === null || code === 0) resolve('spawned')
          else reject(new Error(`spawn ended with ${code}`))
        })
      })
    }
  }
}

const kinds = ['run', 'run', 'run', 'runSync', 'daemon', 'abort', 'timeout', 'spawn']

/** `count` launches, or launches without end (`Infinity`), `atOnce` in flight. `counts` is kept up to date meanwhile. */
async function keepBusy({ dist, options, outside, seconds, seed, atOnce }, count, counts) {
  const { createSandbox } = await import(dist)
  const sandbox = await createSandbox(options)
  const random = randomFrom(seed)
  let number = 0
  const worker = async () => {
    while (number < count) {
      number++
      const kind = kinds[random(kinds.length)]
      let outcome
      try {
        outcome = await launch(sandbox, kind, { outside, seconds, random, number })
      } catch (error) {
        // Killed from outside before the command was started: it did not run, and is said not to have.
        outcome = error.code === 'ERR_LAUNCH' && error.stage === 'init' ? 'killed' : `failed: ${error.message}`
      }
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  await sandbox[Symbol.asyncDispose]()
}

/** Worker threads that are terminated at any time of their life, until `stopped` says so. Returns how many there were. */
async function terminateWorkers(job, stopped) {
  const random = randomFrom(job.seed + 1)
  let terminated = 0
  while (!stopped()) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ...job, seed: random(2 ** 31) } })
    const failed = new Promise((_, reject) => worker.once('error', reject))
    const busy = new Promise(resolve => worker.once('message', resolve))
    // Some while they begin, most with commands in flight.
    if (random(4) > 0) await Promise.race([busy, failed])
    await Promise.race([new Promise(resolve => setTimeout(resolve, random(60))), failed])
    await worker.terminate()
    terminated++
  }
  return terminated
}

function atMost(count) {
  return () => count-- <= 0
}

if (parentPort !== null) {
  parentPort.postMessage('busy')
  await keepBusy(workerData, Number.POSITIVE_INFINITY, {})
} else {
  process.once('message', async job => {
    // What is loaded and opened once is there before anything is counted.
    let done = false
    await Promise.all([keepBusy({ ...job, seed: 1 }, 30, {}), terminateWorkers(job, atMost(2))])
    process.send('warm')
    const counts = {}
    const workers = terminateWorkers(job, () => done)
    await keepBusy(job, job.launches, counts)
    done = true
    process.send({ counts, workers: await workers })
    // Stays, to be looked at and told to go on or to go.
    process.on('message', async again => {
      if (again === 'go on') await keepBusy(job, Number.POSITIVE_INFINITY, {})
      else process.disconnect()
    })
  })
  process.send('ready')
}
