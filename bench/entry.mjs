/**
 * What the library costs the start of a host: a whole Node process that does nothing, one that imports an entry point of the
 * package, and one that calls `dispatchEntry` for a start that is its own, in turns. Runs against dist/bundle (`npm run build:ts`).
 * `--rounds N`, default 20; `--json` prints rows for `bench/run.mjs`.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const at = process.argv.indexOf('--rounds')
const rounds = at === -1 ? 20 : Number(process.argv[at + 1])
const dist = process.env.CASTELLAN_DIST ?? join(import.meta.dirname, '../dist')
const quoted = file => JSON.stringify(pathToFileURL(join(dist, 'bundle', file)).href)
const importing = file => `import ${quoted(file)}`
const calling = file => `import { dispatchEntry } from ${quoted(file)}; await dispatchEntry(process.argv)`
const hosts = {
  'an empty host': '',
  'import castellan': importing('index.js'),
  'import castellan/policy': importing('policy.js'),
  'import castellan/auth': importing('auth.js'),
  'import castellan/apply-patch': importing('apply-patch.js'),
  'dispatchEntry from castellan/entry': calling('entry.js'),
  'dispatchEntry from castellan': calling('index.js'),
}

const times = Object.fromEntries(Object.keys(hosts).map(name => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, source] of Object.entries(hosts)) {
    const start = performance.now()
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', source])
    times[name].push(performance.now() - start)
    if (status !== 0) throw new Error(`${name} ended with ${status}`)
  }
}

const median = values => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
const floor = median(times['an empty host'])
if (process.argv.includes('--json')) {
  const rows = Object.entries(times).map(([host, values]) => ({
    host,
    medianMs: median(values),
    ratio: median(values) / floor,
  }))
  console.log(JSON.stringify(rows))
  process.exit(0)
}
console.log(`median of ${rounds} processes, taking turns, Node ${process.version}\n`)
console.log('| host | start to end | as a multiple |')
console.log('|---|--:|--:|')
for (const [name, values] of Object.entries(times)) {
  console.log(`| ${name} | ${median(values).toFixed(1)} ms | ${(median(values) / floor).toFixed(2)} |`)
}
