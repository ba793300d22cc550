// The targets, each with the place in the results that answers it. `value` gives null when that was not measured.
// Bounds are ratios of medians of one run unless a unit is named.

/** The section whose host is closest to that size; null when none is within a fifth of it. */
function sizeSection(results, megabytes) {
  const distance = section => Math.abs(section.hostMb - megabytes)
  const closest = results.bySize
    .filter(section => section.command === 'true' && distance(section) <= megabytes / 5)
    .sort((a, b) => distance(a) - distance(b))[0]
  return closest ?? null
}

/** A host that has loaded the library and the bench is larger than a bare one: the smallest is told with the tables. */
const smallestRows = results =>
  results.bySize.find(section => section.command === 'true' && section.hostMb <= 120)?.rows

const ratioOf = (rows, variant) => rows?.find(row => row.variant === variant)?.ratio ?? null

function atSize(variant, megabytes) {
  return results => ratioOf(sizeSection(results, megabytes)?.rows, variant)
}

const againstPeer =
  (name, variant = 'namespace run') =>
  results => {
    const rows = sizeSection(results, 75)?.rows
    const [ours, theirs] = [variant, name].map(one => ratioOf(rows, one))
    return ours === null || theirs === null ? null : ours / theirs
  }

/** Both shapes that hold workspace-write: with processes of its own, as the peers have, and without. */
const againstPeers = [
  ["Codex's helper", 'Codex helper', 0.05],
  ["sandbox-runtime's library", 'sandbox-runtime', 0.04],
].flatMap(([words, peer, bound]) =>
  ['namespace run', 'namespace shared run'].map(variant => ({
    what: `${variant} / ${words}, host 75 MB`,
    bound,
    value: againstPeer(peer, variant),
    note: 'no peer in BENCH_PEERS',
  })),
)

const inside = (start, variant) => results =>
  ratioOf(results.inside?.find(({ work }) => work.startsWith(start))?.rows, variant)

function carveOuts(count) {
  return results => results.byCarveOuts?.find(row => row.count === count)?.ratio ?? null
}

const policyRow = (results, entries) => results.policyQueries?.find(row => row.entries === entries)

const accessQuestion = entries => results => policyRow(results, entries)?.accessRatio ?? null

const widest = results => results.byConcurrency?.find(({ width, hostMb }) => width === 32 && hostMb <= 150)

export const targets = [
  {
    what: 'landlock run / spawn, smallest host',
    bound: 0.65,
    value: results => ratioOf(smallestRows(results), 'landlock run'),
  },
  { what: 'landlock run / spawn, host 75 MB', bound: 0.5, value: atSize('landlock run', 75) },
  { what: 'landlock run / spawn, host 500 MB', bound: 0.06, value: atSize('landlock run', 500) },
  { what: 'landlock run / spawn, host 2 GB', bound: 0.02, value: atSize('landlock run', 2048) },
  {
    what: 'namespace shared run (protected .git) / spawn, smallest host',
    bound: 0.75,
    value: results => ratioOf(smallestRows(results), 'namespace shared run'),
  },
  {
    what: 'namespace run (own processes, with init) / system bwrap, host 75 MB',
    bound: 0.4,
    value: againstPeer('system bwrap'),
  },
  {
    what: 'namespace runSync (own processes, with init; no template is built) / spawnSync, smallest host',
    bound: 0.85,
    value: results => {
      const rows = smallestRows(results)
      const [ours, nodes] = ['namespace runSync', 'child_process.spawnSync'].map(variant => ratioOf(rows, variant))
      return ours === null || nodes === null ? null : ours / nodes
    },
  },
  ...againstPeers,
  { what: 'slow-down of find inside, landlock', bound: 1.2, value: inside('find', 'landlock run') },
  { what: 'slow-down of many program starts inside, landlock', bound: 1.05, value: inside('sh', 'landlock run') },
  {
    what: 'processes beside a command, landlock',
    unit: 'processes',
    bound: 0,
    value: results => results.footprint?.find(row => row.variant === 'landlock run')?.processes ?? null,
  },
  {
    what: 'processor time of the event loop per landlock run, one at a time',
    unit: 'µs',
    bound: 50,
    value: results => {
      const rows = results.bySize[0]?.rows.find(row => row.variant === 'landlock run')
      return rows === undefined ? null : rows.loopBusyMs * 1000
    },
  },
  {
    what: 'the same, 32 in flight',
    unit: 'µs',
    bound: 50,
    value: results => {
      const row = widest(results)?.rows.find(({ variant }) => variant === 'landlock run')
      return row === undefined ? null : row.loopBusyMs * 1000
    },
  },
  {
    what: '1 ms timer gap p50, 32 landlock runs in flight',
    unit: 'ms',
    bound: 3,
    value: results => results.timerGaps?.find(row => row.variant === 'landlock run')?.p50Ms ?? null,
  },
  {
    what: 'landlock run / spawn per run, 32 in flight, host below 150 MB',
    bound: 0.5,
    value: results => ratioOf(widest(results)?.rows, 'landlock run'),
  },
  {
    what: 'landlock run / C floor',
    bound: 1.5,
    value: results => ratioOf(results.againstFloor, 'landlock run'),
  },
  { what: 'namespace shared run, 100 carve-outs / 1', bound: 2, value: carveOuts(100) },
  { what: 'namespace shared run, 1000 carve-outs / 1', bound: 8, value: carveOuts(1000) },
  {
    what: "import 'castellan' beyond an empty module",
    unit: 'ms',
    bound: 30,
    value: ({ entry }) => {
      const [empty, imported] = ['an empty host', 'import castellan'].map(name =>
        entry?.find(({ host }) => host === name),
      )
      return imported === undefined ? null : imported.medianMs - empty.medianMs
    },
  },
  {
    what: 'a call on a poisoned login beyond its stat',
    unit: 'µs',
    bound: 2,
    value: results => results.auth?.poisonedOverStatUs ?? null,
  },
  { what: 'accessOf, 10 entries / path.resolve', bound: 1, value: accessQuestion(10) },
  { what: 'accessOf, 1000 entries / path.resolve', bound: 1, value: accessQuestion(1000) },
  { what: 'accessOf, 100 000 entries / path.resolve', bound: 2, value: accessQuestion(100_000) },
  {
    what: 'a policy of 1000 entries converted and resolved, with its digest, processor time',
    unit: 'ms',
    bound: 10,
    value: results => policyRow(results, 1000)?.prepareProcessorMs ?? null,
  },
]

/** `gross`: more than twice the target, which is what CI fails on. */
export function judge(results) {
  return targets.map(({ what, unit, bound, value, note }) => {
    const measured = value(results)
    const verdict =
      measured === null
        ? (note ?? 'not measured')
        : measured <= bound
          ? 'met'
          : measured <= bound * 2
            ? 'missed'
            : 'gross'
    return { what, unit: unit ?? '×', target: bound, measured, verdict }
  })
}
