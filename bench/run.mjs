// npm run bench -- [--short] [--host-mb 50,75,500] [--rounds N] [--json FILE] [--chart FILE] [--check]
//
// What sandboxed commands cost beside child_process.spawn, in one process, variants taking turns. Prints tables and writes
// JSON with the facts of the machine to bench/results/. `--short` takes less than 20 s, for CI; `--check` fails when a
// ratio is more than twice its target; `--chart` writes the first table as an SVG. BENCH_PEERS: see peers.mjs. Runs against dist (`npm run build`); CASTELLAN_DIST names another build.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import { authCosts } from './auth.mjs'
import { ratioChart } from './chart.mjs'
import { againstFloor } from './floor.mjs'
import { footprint } from './footprint.mjs'
import { slowDownInside } from './inside.mjs'
import { byCarveOuts, byConcurrency, bySize, timerGaps } from './launches.mjs'
import { machineFacts } from './machine.mjs'
import { policyQueries } from './policy-queries.mjs'
import { judge } from './targets.mjs'
import { commands, findBubblewrap, makeVariants, makeWorkspace } from './variants.mjs'

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'string' },
    chart: { type: 'string' },
    'host-mb': { type: 'string' },
    rounds: { type: 'string' },
  },
})
const { short } = options

function numbers(text, name) {
  const list = text.split(',').map(Number)
  if (list.length > 0 && list.every(value => Number.isFinite(value) && value > 0)) return list
  throw new Error(`--${name} takes positive numbers with commas between, not ${text}`)
}

const sizes = numbers(options['host-mb'] ?? (short ? '75' : '50,75,500'), 'host-mb')
const rounds = numbers(options.rounds ?? (short ? '15' : '60'), 'rounds')[0]

const folder = fileURLToPath(new URL('.', import.meta.url))
const dist = process.env.CASTELLAN_DIST ?? path.join(folder, '../dist')
const load = name => import(pathToFileURL(path.join(dist, name)).href)
const library = await load('index.js')
const policy = await load('policy/index.js')

const bubblewrap = findBubblewrap()
const capabilities = (await library.doctor()).capabilities
const results = {
  machine: machineFacts(capabilities.bubblewrap?.version ?? bubblewrap),
  settings: { short, sizes, rounds },
}
const began = performance.now()
/** On the standard error, so that the tables can be kept by themselves. */
function progress(what) {
  console.error(`bench: ${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${what}`)
}

progress('making the sandboxes and finding the peers')
const workspace = makeWorkspace()
const { variants, missing, dispose } = await makeVariants(library, workspace.folder)
try {
  results.missing = missing
  const sizeOptions = { rounds, block: short ? 5 : 20 }
  const ascending = sizes.toSorted((a, b) => a - b)
  const small = ascending.filter(size => size <= 100)
  progress(`one command at a time, host ${small.join(' and ')} MB`)
  results.bySize = await bySize(variants, commands, small, sizeOptions)
  // While the host is small: what follows must not be flattered by what fork(2) costs in a large one.
  const widths = short ? { widths: [32], total: 64, rounds: 3 } : { widths: [1, 8, 32], total: 200, rounds: 5 }
  progress(`${widths.widths.join(', ')} commands in flight`)
  results.byConcurrency = await byConcurrency(variants, commands.true, widths)
  progress('a timer beside 32 in flight')
  const gaps = short ? { milliseconds: 200, rounds: 2 } : { milliseconds: 500, rounds: 4 }
  results.timerGaps = await timerGaps(variants, commands.true, gaps)
  progress('the C floor, processes and memory')
  const floor = { rounds: short ? 5 : 20, block: 10 }
  results.againstFloor = await againstFloor(variants, commands.true, workspace.folder, floor)
  results.footprint = await footprint(variants)
  progress('work inside the sandbox')
  results.inside = await slowDownInside(variants, workspace.folder, { rounds: short ? 2 : 8, short })
  if (missing.namespace === undefined) {
    progress('carve-outs')
    const carving = { counts: short ? [1, 10, 100] : [1, 10, 100, 1000], rounds: short ? 10 : 40 }
    results.byCarveOuts = await byCarveOuts(library, workspace.folder, commands.true, carving)
  }
  progress('one command at a time, larger hosts')
  const large = ascending.filter(size => size > 100)
  results.bySize.push(...(await bySize(variants, commands, large, sizeOptions)))
  progress('starts, patches, keys and policies')
  // Each in a process of its own: a patch of 10 MB makes this host larger, and a whole start is what the other measures.
  const rowsOf = (...words) =>
    JSON.parse(execFileSync(process.execPath, [path.join(folder, words[0]), ...words.slice(1), '--json']))
  results.entry = rowsOf('entry.mjs', '--rounds', short ? '3' : '20')
  if (!short) results.applyPatch = rowsOf('apply-patch.mjs')
  results.auth = await authCosts(await load('auth/index.js'), { rounds: short ? 40 : 300, calls: 50 })
  results.policyQueries = policyQueries(policy, short ? [10, 1000] : [10, 1000, 100_000], short ? 3 : 9)
} finally {
  await dispose()
  workspace.remove()
}
results.targets = judge(results)

print()
const file = options.json ?? path.join(folder, 'results', `${results.machine.date.replaceAll(':', '-')}.json`)
mkdirSync(path.dirname(path.resolve(file)), { recursive: true })
writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
console.log(`\nwritten to ${path.relative(process.cwd(), file)}`)
if (options.chart !== undefined) {
  const { hostMb, rows } = results.bySize[0]
  const engines = new Map(variants.map(({ name, engine }) => [name, engine]))
  const title = `What one \`true\` costs, as a multiple of child_process.spawn, in a host of ${hostMb.toFixed(0)} MB`
  writeFileSync(
    options.chart,
    ratioChart({ title, rows: rows.map(row => ({ ...row, ours: engines.get(row.variant) !== undefined })) }),
  )
}
if (options.check && results.targets.some(({ verdict }) => verdict === 'gross')) {
  console.error('bench: a ratio is more than twice its target')
  process.exitCode = 1
}

function print() {
  const { machine } = results
  const who = machine.userId === 0 ? 'root' : `user ${machine.userId}`
  console.log(
    `Node ${machine.node}, libuv ${machine.libuv}, Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}, ` +
      `${machine.architecture}, bubblewrap ${machine.bubblewrap ?? 'none'}, as ${who}, load ${machine.loadAverage.join(' ')}`,
  )
  for (const [name, reason] of Object.entries(results.missing)) console.log(`not measured: ${name}: ${reason}`)
  for (const section of results.bySize) {
    heading(`\`${section.command}\`, one at a time, host ${section.hostMb.toFixed(0)} MB, ${rounds} rounds`)
    table(['', '× spawn', 'median', 'p95', 'processor', 'of it host', 'loop busy'], section.rows, row => [
      row.variant,
      ratio(row.ratio),
      ...[row.medianMs, row.p95Ms, row.processorMs, row.hostProcessorMs, row.loopBusyMs].map(milliseconds),
    ])
  }
  for (const { width, total, hostMb, rows } of results.byConcurrency) {
    heading(`\`true\`, ${width} in flight, ${total} runs, host ${hostMb.toFixed(0)} MB`)
    table(['', '× spawn', 'per run', 'loop busy'], rows, row => [
      row.variant,
      ratio(row.ratio),
      milliseconds(row.perRunMs),
      milliseconds(row.loopBusyMs),
    ])
  }
  heading('a timer of 1 ms beside 32 runs in flight, host as above')
  table(['', 'p50', 'p95', 'longest', 'ticks'], results.timerGaps, row => [
    row.variant,
    ...[row.p50Ms, row.p95Ms, row.maximumMs].map(milliseconds),
    String(row.ticks),
  ])
  if (results.againstFloor !== null) {
    heading('against the least that `true` costs here')
    table(['', '× floor', 'median'], results.againstFloor, row => [
      row.variant,
      ratio(row.ratio),
      milliseconds(row.medianMs),
    ])
  }
  heading('beside a running command')
  table(['', 'processes', 'private memory'], results.footprint, row => [
    row.variant,
    String(row.processes),
    `${row.privateKib} KiB`,
  ])
  for (const { work, rows } of results.inside) {
    heading(`inside: ${work}`)
    table(['', '× unconfined', 'median'], rows, row => [row.variant, ratio(row.ratio), milliseconds(row.medianMs)])
  }
  if (results.byCarveOuts !== undefined) {
    heading('namespace engine (shared), `true`, by carve-outs')
    table(['carve-outs', '× 1', 'median', 'p95', 'operations', 'createSandbox'], results.byCarveOuts, row => [
      String(row.count),
      ratio(row.ratio),
      milliseconds(row.medianMs),
      milliseconds(row.p95Ms),
      String(row.operations),
      milliseconds(row.createMs),
    ])
  }
  heading('a host that starts, imports and ends')
  table(['', '× empty host', 'median'], results.entry, row => [row.host, ratio(row.ratio), milliseconds(row.medianMs)])
  if (results.applyPatch !== undefined) {
    heading('patches')
    table(['', 'parse', 'plan with diff', 'apply'], results.applyPatch, row => [
      row.name,
      ...[row.parse, row.plan, row.apply].map(milliseconds),
    ])
  }
  heading('a question to the policy; ratios are medians over neighbours in time')
  const nanoseconds = value => `${value.toFixed(0)} ns`
  table(
    ['entries', 'path.resolve', 'enforcedAccessOf', '× path.resolve', 'accessOf', '× path.resolve'],
    results.policyQueries,
    row => [
      String(row.entries),
      nanoseconds(row.pathResolveNs),
      nanoseconds(row.enforcedNs),
      ratio(row.enforcedRatio),
      nanoseconds(row.accessNs),
      ratio(row.accessRatio),
    ],
  )
  heading('a policy converted both ways and resolved, digest included')
  table(['entries', 'median', 'processor', 'the first time'], results.policyQueries, row => [
    String(row.entries),
    ...[row.prepareMs, row.prepareProcessorMs, row.prepareFirstMs].map(milliseconds),
  ])
  heading(`keys, one call at a time, auth.json of ${results.auth.fileBytes} bytes`)
  const microseconds = value => `${value.toFixed(2)} µs`
  table(['', 'median', 'p95'], results.auth.rows, row => [row.what, microseconds(row.median), microseconds(row.p95)])
  heading('targets')
  table(['', 'target', 'measured', ''], results.targets, ({ what, unit, target, measured, verdict }) => {
    const value = number => (unit === '×' ? ratio(number) : `${number.toFixed(1)} ${unit}`)
    return [
      what,
      `≤ ${value(target)}`,
      measured === null ? '' : value(measured),
      verdict === 'gross' ? 'missed by more than 2×' : verdict,
    ]
  })
}

function heading(text) {
  console.log(`\n${text}\n`)
}

function ratio(value) {
  return value < 0.1 ? value.toFixed(3) : value.toFixed(2)
}

function milliseconds(value) {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

function table(head, rows, cells) {
  const lines = [head, ...rows.map(cells)]
  const widths = head.map((_, column) => Math.max(3, ...lines.map(line => line[column].length)))
  const text = line =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  console.log([text(lines[0]), rule, ...lines.slice(1).map(text)].join('\n'))
}
