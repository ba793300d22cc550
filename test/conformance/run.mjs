/**
 * Runs conformance cases against the built library: node test/conformance/run.mjs [options] [FILE…]
 *
 *   --only REGEX   only cases whose id matches
 *   --era ERA      only cases of that version of the model
 *   --strict       what is skipped counts as failed
 *
 * Without a file the cases in test/conformance/cases run. A file says its schema; the module `<name>.mjs` beside this one
 * runs schema `<name>/1`: it exports `schema`, `loadLibrary(load)` and `runCase(case, library, document)`.
 *
 * Prints every failure, what was skipped and why, the counts of questions, and in the last line the counts of cases. Exits
 * with 1 when a case failed, with 2 when the run could not be made.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { removeAll } from './case-tree.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))

class UsageError extends Error {}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { only: { type: 'string' }, era: { type: 'string' }, strict: { type: 'boolean', default: false } },
    })
    const casesFolder = join(HERE, 'cases')
    const files = positionals.length > 0 ? positionals : readdirSync(casesFolder).map(name => join(casesFolder, name))
    return { files, only: values.only && new RegExp(values.only), era: values.era, strict: values.strict }
  } catch (error) {
    throw new UsageError(error.message, { cause: error })
  }
}

async function runnerFor(schema) {
  const [, name] = /^([a-z][a-z-]*)\/\d+$/.exec(String(schema)) ?? []
  const file = join(HERE, `${name}.mjs`)
  const runner = name !== undefined && existsSync(file) ? await import(file) : {}
  if (runner.schema !== schema) throw new UsageError(`there is no runner for schema ${JSON.stringify(schema)}`)
  return runner
}

function loadFromDist(name) {
  const file = join(DIST, `${name}.js`)
  if (!existsSync(file)) throw new UsageError(`${file} is missing: run "npm run build:ts" first`)
  return import(file)
}

function print(id, { asked, expected, got }) {
  console.log(`FAILED ${id}  ${JSON.stringify(asked)}`)
  console.log(`  expected ${JSON.stringify(expected)}`)
  console.log(`  got      ${got === undefined ? 'nothing' : JSON.stringify(got)}`)
}

/** Counts of one kind of thing; a case counts by its worst question. */
class Tally {
  passed = 0
  failed = 0
  skipped = 0

  toString() {
    const skipped = this.skipped === 0 ? '' : `, ${this.skipped} skipped`
    return `${this.passed} passed, ${this.failed} failed${skipped}`
  }
}

function judge(results, strict) {
  const failing = results.filter(({ outcome }) => outcome === 'failed' || (strict && outcome === 'skipped'))
  if (failing.length > 0) return 'failed'
  return results.every(({ outcome }) => outcome === 'skipped') && results.length > 0 ? 'skipped' : 'passed'
}

function record(id, results, totals, strict) {
  totals.cases[judge(results, strict)]++
  for (const result of results) {
    const skipFails = strict && result.outcome === 'skipped'
    totals.questions[skipFails ? 'failed' : result.outcome]++
    if (result.outcome === 'failed') print(id, result)
    if (result.outcome !== 'skipped') continue
    totals.reasons.set(result.reason, (totals.reasons.get(result.reason) ?? 0) + 1)
    if (skipFails) console.log(`FAILED ${id}  ${JSON.stringify(result.asked)}\n  skipped: ${result.reason}`)
  }
}

async function runFile(file, options, totals) {
  const document = JSON.parse(readFileSync(file, 'utf8'))
  const runner = await runnerFor(document.schema)
  const library = await runner.loadLibrary(loadFromDist)
  for (const given of document.cases) {
    if (options.only && !options.only.test(given.id)) continue
    if (options.era && given.era !== options.era) continue
    record(given.id, await runner.runCase(given, library, document), totals, options.strict)
    // Lets a signal in between two cases.
    await new Promise(resolve => setImmediate(resolve))
  }
}

async function main() {
  const options = readOptions()
  const totals = { cases: new Tally(), questions: new Tally(), reasons: new Map() }
  for (const file of options.files) await runFile(file, options, totals)
  for (const [reason, count] of totals.reasons) console.log(`skipped ${count}: ${reason}`)
  console.log(`questions: ${totals.questions}`)
  console.log(String(totals.cases))
  if (totals.cases.failed > 0) process.exitCode = 1
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => {
    removeAll()
    process.exit(code)
  })
}

try {
  await main()
} catch (error) {
  console.error(error instanceof UsageError ? `cannot run: ${error.message}` : error)
  process.exitCode = 2
} finally {
  removeAll()
}
