// Feeds random texts to the patch parser, the place search and the detection of calls: npm run fuzz [-- --steps N --seed N].
// A step is one line that the parser is given. Ends with 1 when something but the documented errors is thrown, when one text
// takes longer than a minute, or when a text that is twice as long takes far more than twice the time. Runs against dist.
import { parseArgs } from 'node:util'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const patience = 60_000

if (isMainThread) watch()
else fuzz(workerData)

/** The watcher: a loop that never comes back can only be seen from outside. */
function watch() {
  const { values } = parseArgs({ options: { steps: { type: 'string' }, seed: { type: 'string' } } })
  const steps = Number(values.steps ?? 10_000_000)
  const seed = Number(values.seed ?? Date.now() % 2 ** 31)
  if (!(steps > 0) || !Number.isInteger(seed)) throw new Error('--steps and --seed take whole numbers')
  const progress = new BigInt64Array(new SharedArrayBuffer(16))
  const worker = new Worker(new URL(import.meta.url), { workerData: { steps, seed, progress } })
  let [last, since] = [-1n, performance.now()]
  const timer = setInterval(() => {
    const texts = Atomics.load(progress, 0)
    if (process.stderr.isTTY) process.stderr.write(`\r${Atomics.load(progress, 1)} of ${steps} steps`)
    if (texts !== last) [last, since] = [texts, performance.now()]
    else if (performance.now() - since > patience) fail(`text ${texts} of seed ${seed} does not come to an end`)
  }, 500)
  worker.on('error', error => fail(`text ${Atomics.load(progress, 0)} of seed ${seed}: ${error.stack}`))
  worker.on('message', summary => {
    clearInterval(timer)
    console.log(`${summary} (seed ${seed})`)
  })
}

function fail(message) {
  console.error(`\n${message}`)
  process.exit(1)
}

async function fuzz({ steps, seed, progress }) {
  const { parentPort } = await import('node:worker_threads')
  const dist = path => import(new URL(`../dist/apply-patch/${path}`, import.meta.url).href)
  const { parsePatch, detectApplyPatch, PatchInvalidError, PatchNoMatchError } = await dist('index.js')
  const { placeHunks } = await dist('place.js')
  const { readDocument } = await dist('document.js')
  const { editDocument } = await dist('edit.js')
  const random = generator(seed)
  const counts = { patch: 0, invalid: 0, placed: 0, refused: 0, calls: 0 }
  const file = readDocument(Buffer.from('x\n x\ny\n\nz — z\r\nx\n'))
  let [done, texts] = [0, 0]
  const attempt = (act, expected) => {
    try {
      return act()
    } catch (error) {
      if (!(error instanceof expected)) throw error
      return null
    }
  }
  while (done < steps) {
    const text = makeText(random)
    const patch = attempt(() => parsePatch(text), PatchInvalidError)
    counts[patch === null ? 'invalid' : 'patch']++
    for (const section of patch?.sections ?? []) {
      if (section.kind !== 'update') continue
      const placed = attempt(() => placeHunks(file, section), PatchNoMatchError)
      if (placed !== null) editDocument(file, placed)
      counts[placed === null ? 'refused' : 'placed']++
    }
    if (texts % 8 === 0 && detectApplyPatch(['bash', '-lc', text]).kind !== 'none') counts.calls++
    done += text.split('\n').length
    Atomics.store(progress, 0, BigInt(++texts))
    Atomics.store(progress, 1, BigInt(done))
  }
  checkGrowth(parsePatch, detectApplyPatch)
  parentPort.postMessage(`${done} steps in ${texts} texts: ${JSON.stringify(counts)}`)
}

const pieces = [
  '*** Begin Patch', '*** End Patch', '*** Add File: a', '*** Delete File: a', '*** Update File: a', '*** Update File: a',
  '*** Move to: b', '*** End of File', '*** Environment ID: e', '\\ No newline at end of file', '@@', '@@ x', '@@ y', '@@x',
  '+x', '+', '-x', '-', ' x', ' ', ' y', ' z - z', '', '\r', '+\r', '*** ', '<<EOF', "<<'EOF'", 'EOF', '```', '~~~diff',
  "apply_patch <<'EOF'", "cd 'd' && apply_patch <<EOF", "'", '"', '\ufeff', '\u2028', '\0', '\ud800', '+é\u00a0—',
] // biome-ignore format: a table

/** Mostly near to a patch: text that is refused at its first line tries nothing. */
function makeText(random) {
  const lines = random(3) > 0 ? sections(random) : Array.from({ length: random(40) }, () => line(random))
  // One line in a text of forty goes wrong, or none.
  if (random(2) === 0 && lines.length > 0) lines.splice(random(lines.length), random(2), line(random))
  const framed = random(12) > 0 ? ['*** Begin Patch', ...lines, '*** End Patch'] : lines
  const text = framed.join(random(10) === 0 ? '\r\n' : '\n')
  return random(12) === 0 ? `apply_patch <<'EOF'\n${text}\nEOF\n` : text
}

function sections(random) {
  const some = (limit, make) => Array.from({ length: random(limit) }, make).flat()
  const pick = (...choices) => choices[random(choices.length)]
  const hunk = () => [
    ...some(3, () => pick('@@', '@@ x', '@@ y')),
    '@@',
    ...some(5, () => pick(' x', '  x', ' y', ' ', '', ' z - z')),
    pick('-x', '+x', ' x', '-y'),
    ...some(3, () => pick('-x', '+x', '+', '+\r')),
    ...pick([], [], ['\\ No newline at end of file']),
    ...pick([], [], ['*** End of File']),
  ]
  const section = () =>
    pick(
      () => ['*** Add File: a', ...some(4, () => pick('+x', '+', '+\r'))],
      () => ['*** Delete File: a'],
      () => ['*** Update File: a', ...pick([], ['*** Move to: b']), ...hunk(), ...some(4, hunk)],
    )()
  return [...section(), ...some(4, section)]
}

function line(random) {
  const piece = pieces[random(pieces.length)]
  if (random(10) > 0) return piece
  const at = random(piece.length + 1)
  return piece.slice(0, at) + String.fromCharCode(random(random(2) === 0 ? 128 : 0xffff)) + piece.slice(at + random(2))
}

/** Sixteen times the length may take many times sixteen on a busy machine, but never the square of it. */
function checkGrowth(...readers) {
  for (const piece of pieces) {
    for (const read of readers) {
      const time = count => {
        const text = `*** Begin Patch\n*** Update File: a\n${`${piece}\n`.repeat(count)}*** End Patch`
        const start = performance.now()
        try {
          read(text)
        } catch {
          // Refusing counts, too.
        }
        return performance.now() - start
      }
      const short = time(10_000)
      const long = time(160_000)
      if (long > 2000 && long > short * 16 * 8)
        throw new Error(`${JSON.stringify(piece)} grows: ${short} ms, ${long} ms`)
    }
  }
}

/** Mulberry32: numbers below `limit`, the same for the same seed. */
function generator(seed) {
  let state = seed >>> 0
  return limit => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}
