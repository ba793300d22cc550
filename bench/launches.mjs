// What it costs to run a short command: alone, with others in flight, beside a timer, and against the policy's length.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { performance } from 'node:perf_hooks'

import { growTo, loopProcessorTime, processorTime, rssMb } from './machine.mjs'
import { interleave, median, percentile, summary } from './statistics.mjs'

/** One command at a time: wall time per round; processor time in blocks, since children's is told in steps of 10 ms. */
export async function oneAtATime(variants, command, { rounds, block }) {
  const wall = await interleave(variants, { rounds }, async variant => {
    const start = performance.now()
    await variant.start(command)
    return { wall: performance.now() - start }
  })
  const processor = await interleave(
    variants,
    { rounds: Math.max(2, Math.ceil(rounds / block)), warmUp: 0 },
    async variant => {
      const before = processorTime()
      const loop = loopProcessorTime()
      for (let run = 0; run < block; run++) await variant.start(command)
      const after = processorTime()
      const busy = loopProcessorTime() - loop
      const own = after.own - before.own
      return { processor: (own + after.children - before.children) / block, host: own / block, loop: busy / block }
    },
  )
  const reference = median(wall.get(variants[0]).wall)
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length
  return variants.map(variant => {
    const { median: middle, p95, count } = summary(wall.get(variant).wall)
    const { processor: all, host, loop } = processor.get(variant)
    return {
      variant: variant.name,
      medianMs: middle,
      p95Ms: p95,
      rounds: count,
      ratio: middle / reference,
      processorMs: mean(all),
      hostProcessorMs: mean(host),
      // A blocking variant holds the loop for as long as it takes, most of which it sleeps.
      loopBusyMs: variant.blocking ? middle : mean(loop),
    }
  })
}

export async function bySize(variants, commands, sizes, options) {
  const sections = []
  for (const megabytes of sizes) {
    const hostMb = growTo(megabytes)
    for (const [name, command] of Object.entries(commands)) {
      sections.push({ askedMb: megabytes, hostMb, command: name, rows: await oneAtATime(variants, command, options) })
    }
  }
  return sections
}

/** `total` runs with at most `width` in flight; milliseconds per run, and of them those of the event loop's processor. */
async function inFlight(variant, command, width, total) {
  let left = total
  const worker = async () => {
    while (left-- > 0) await variant.start(command)
  }
  const loop = loopProcessorTime()
  const start = performance.now()
  await Promise.all(Array.from({ length: Math.min(width, total) }, worker))
  return { perRun: (performance.now() - start) / total, loop: (loopProcessorTime() - loop) / total }
}

/** Without the peers: a tenth of a second for each of some thousand runs would make this most of the time of all. */
export async function byConcurrency(variants, command, { widths, total, rounds }) {
  const asynchronous = variants.filter(({ blocking, peer }) => !blocking && !peer)
  const sections = []
  for (const width of widths) {
    const samples = await interleave(asynchronous, { rounds, warmUp: 1 }, variant =>
      inFlight(variant, command, width, total),
    )
    const reference = median(samples.get(asynchronous[0]).perRun)
    const rows = asynchronous.map(variant => {
      const perRunMs = median(samples.get(variant).perRun)
      const loopBusyMs = median(samples.get(variant).loop)
      return { variant: variant.name, perRunMs, loopBusyMs, ratio: perRunMs / reference }
    })
    sections.push({ width, total, rounds, hostMb: rssMb(), rows })
  }
  return sections
}

/** How late a timer of 1 ms comes while 32 runs are kept in flight. `idle`: with nothing in flight. */
export async function timerGaps(variants, command, { milliseconds, rounds }) {
  const idle = { name: 'idle', start: () => new Promise(resolve => setTimeout(resolve, 20)) }
  const asynchronous = [idle, ...variants.filter(({ blocking, peer }) => !blocking && !peer)]
  const gaps = new Map(asynchronous.map(variant => [variant, []]))
  await interleave(asynchronous, { rounds, warmUp: 0 }, async variant => {
    const list = gaps.get(variant)
    const end = performance.now() + milliseconds
    let last = performance.now()
    let timer = setTimeout(function tick() {
      const now = performance.now()
      list.push(now - last)
      last = now
      timer = setTimeout(tick, 1)
    }, 1)
    const worker = async () => {
      while (performance.now() < end) await variant.start(command)
    }
    await Promise.all(Array.from({ length: 32 }, worker))
    clearTimeout(timer)
    return {}
  })
  return asynchronous.map(variant => {
    const list = gaps.get(variant)
    const [p50Ms, p95Ms, maximumMs] = [0.5, 0.95, 1].map(share => percentile(list, share))
    return { variant: variant.name, ticks: list.length, p50Ms, p95Ms, maximumMs }
  })
}

/** The namespace engine, without a PID namespace, with 1, 10, … read-only directories below the writable root. */
export async function byCarveOuts({ createSandbox }, folder, command, { counts, rounds }) {
  const variants = []
  const sandboxes = []
  for (const count of counts) {
    const entries = [
      { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
      { path: { type: 'path', path: folder }, access: 'write' },
    ]
    for (let index = 0; index < count; index++) {
      const carved = path.join(folder, `carved-${index}`)
      mkdirSync(carved, { recursive: true })
      entries.push({ path: { type: 'path', path: carved }, access: 'read' })
    }
    const policy = { fileSystem: { kind: 'restricted', entries }, network: 'restricted' }
    const start = performance.now()
    const sandbox = await createSandbox({ policy, cwd: folder, linux: { engines: ['namespace'], processes: 'shared' } })
    const createMs = performance.now() - start
    sandboxes.push(sandbox)
    variants.push({ count, createMs, operations: sandbox.plan.mounts.operations.length, sandbox })
  }
  const samples = await interleave(variants, { rounds }, async ({ sandbox }) => {
    const start = performance.now()
    const { exitCode, stderr } = await sandbox.run(command.file, command.args)
    if (exitCode !== 0) throw new Error(`carve-outs: ${stderr.slice(0, 300)}`)
    return { wall: performance.now() - start }
  })
  await Promise.all(sandboxes.map(sandbox => sandbox[Symbol.asyncDispose]()))
  const reference = median(samples.get(variants[0]).wall)
  return variants.map(variant => {
    const { median: medianMs, p95: p95Ms } = summary(samples.get(variant).wall)
    const { count, createMs, operations } = variant
    return { count, operations, createMs, medianMs, p95Ms, ratio: medianMs / reference }
  })
}
