/**
 * How long a patch takes, by its size and its kind. Prints a table; `--json` prints rows for `bench/run.mjs`.
 * Runs against dist (`npm run build:ts`); CASTELLAN_DIST names another build.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const dist = process.env.CASTELLAN_DIST ?? join(import.meta.dirname, '../dist')
const { applyPatch, parsePatch, planPatch } = await import(pathToFileURL(join(dist, 'apply-patch/index.js')).href)

const megabyte = 1_000_000
const rounds = 5

/** `size` bytes of lines with `make(index)` as text. */
function linesOf(size, make) {
  const lines = []
  for (let length = 0; length < size; length += lines.at(-1).length + 1) lines.push(make(lines.length))
  return lines
}

const patchOf = body => ['*** Begin Patch', '*** Update File: file', ...body, '*** End Patch', ''].join('\n')
const distinct = index => `  const value${index} = compute(${index}, 'some text to fill the line')`

/** Every second line is replaced, with the others as context: the patch is as large as the file, and a half more. */
function manyHunks(lines) {
  const body = []
  for (let at = 0; at + 8 <= lines.length; at += 8) {
    body.push('@@')
    for (let line = at; line < at + 8; line++) {
      if (line % 8 === 4) body.push(`-${lines[line]}`, `+${lines[line]} // changed`)
      else body.push(` ${lines[line]}`)
    }
  }
  return body
}

const scenarios = {
  'small patch, small file': () => {
    const lines = linesOf(10_000, distinct)
    return { lines, body: ['@@', ` ${lines[50]}`, `-${lines[51]}`, '+changed'] }
  },
  'small patch, 10 MB file': () => {
    const lines = linesOf(10 * megabyte, distinct)
    return { lines, body: ['@@', ` ${lines.at(-3)}`, `-${lines.at(-2)}`, '+changed'] }
  },
  '10 MB patch of hunks, 10 MB file': () => {
    const lines = linesOf(10 * megabyte, distinct)
    return { lines, body: manyHunks(lines) }
  },
  '10 MB patch in one hunk, 10 MB file': () => {
    const lines = linesOf(10 * megabyte, distinct)
    return { lines, body: ['@@', ...lines.map((line, at) => (at % 100 === 1 ? `-${line}` : ` ${line}`))] }
  },
  '10 MB patch found trimmed, 10 MB file': () => {
    const lines = linesOf(10 * megabyte, distinct)
    return { lines: lines.map(line => `\t${line.trim()} `), body: manyHunks(lines) }
  },
  '10 MB patch found normalised, 10 MB file': () => {
    const lines = linesOf(10 * megabyte, distinct)
    return { lines: lines.map(line => line.replaceAll("'", '’')), body: manyHunks(lines) }
  },
  '10 MB patch, 10 MB file of equal lines': () => {
    const lines = linesOf(10 * megabyte, () => '}')
    return { lines, body: manyHunks(lines.slice(0, 2 * megabyte)) }
  },
  '10 MB added file': () => ({ lines: [], add: linesOf(10 * megabyte, distinct) }),
  '10 MB patch that does not fit': () => {
    const lines = linesOf(10 * megabyte, distinct)
    return { lines, body: [...manyHunks(lines), '@@', ' nowhere'], fails: true }
  },
}

const median = values => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]

async function timed(act) {
  const start = performance.now()
  const result = await act()
  return [performance.now() - start, result]
}

async function measure(name, { lines, body, add, fails = false }) {
  const cwd = mkdtempSync(join(tmpdir(), 'castellan-bench-'))
  const text =
    add === undefined
      ? patchOf(body)
      : ['*** Begin Patch', '*** Add File: added', ...add.map(line => `+${line}`), '*** End Patch'].join('\n')
  const times = { parse: [], plan: [], apply: [] }
  try {
    for (let round = 0; round < rounds; round++) {
      writeFileSync(join(cwd, 'file'), lines.map(line => `${line}\n`).join(''))
      rmSync(join(cwd, 'added'), { force: true })
      times.parse.push((await timed(() => parsePatch(text)))[0])
      const expected = fails ? error => error.code : () => 'applied'
      times.plan.push((await timed(() => planPatch(text, { cwd }).catch(error => error)))[0])
      const [time, result] = await timed(() => applyPatch(text, { cwd }).catch(error => error))
      times.apply.push(time)
      if (fails ? expected(result) !== 'ERR_PATCH_NO_MATCH' : result instanceof Error) throw result
    }
    const fileSize = add === undefined ? readFileSync(join(cwd, 'file')).length : 0
    const row = { name, patchBytes: text.length, fileBytes: fileSize }
    return { ...row, parse: median(times.parse), plan: median(times.plan), apply: median(times.apply) }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

const rows = []
for (const [name, make] of Object.entries(scenarios)) rows.push(await measure(name, make()))

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows))
} else {
  const size = bytes => `${(bytes / megabyte).toFixed(2)} MB`
  const time = milliseconds => `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`
  console.log(`median of ${rounds}, Node ${process.version}; apply includes parse, verification, fsync and rename\n`)
  console.log('| patch | patch size | file size | parse | plan with diff | apply |')
  console.log('|---|--:|--:|--:|--:|--:|')
  for (const row of rows) {
    const sizes = `${size(row.patchBytes)} | ${size(row.fileBytes)}`
    console.log(`| ${row.name} | ${sizes} | ${time(row.parse)} | ${time(row.plan)} | ${time(row.apply)} |`)
  }
}
