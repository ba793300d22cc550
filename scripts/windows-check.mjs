/**
 * For whoever has a Windows machine: does it do what the model of it says?
 *
 *   npm run windows-check [-- --out FILE]
 *
 * Makes the plan of every case of the case tables, then runs commands under a restricted token in a temporary folder and compares
 * what happens with what the plan answers. Writes a report (default: castellan-windows-report.json) that can be attached to an issue;
 * it names no file outside of the temporary folder. Needs a build.
 *
 * On other systems it goes as far as no Windows is needed, and says so. Exits with 1 when something differs.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { loadLibrary, runCase } from '../test/conformance/windows-decisions.mjs'
import { checkCommands } from './windows-check/commands.mjs'

const { values } = parseArgs({ options: { out: { type: 'string', default: 'castellan-windows-report.json' } } })
const load = name => import(new URL(`../dist/${name}.js`, import.meta.url))
const isWindows = process.platform === 'win32'

async function checkDecisions() {
  const library = await loadLibrary(load)
  const part = { name: 'decisions', done: 0, needsWindows: 0, different: [] }
  for (const name of ['windows', 'windows-more']) {
    const document = JSON.parse(
      readFileSync(new URL(`../test/conformance/cases/${name}.json`, import.meta.url), 'utf8'),
    )
    for (const given of document.cases) {
      part.done++
      if (runCase(given, library, document).some(({ outcome }) => outcome === 'failed')) part.different.push(given.id)
    }
  }
  return part
}

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-check-')))
try {
  mkdirSync(path.join(folder, 'ws', '.git'), { recursive: true })
  mkdirSync(path.join(folder, 'outside'))
  const parts = [await checkDecisions(), await checkCommands({ load, isWindows, folder })]
  for (const { name, done, needsWindows, different } of parts) {
    const undone = needsWindows === 0 ? '' : `, ${needsWindows} need Windows`
    console.log(`${name}: ${done} checked, ${different.length} different${undone}`)
    for (const line of different) console.log(`  different: ${line}`)
  }
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const report = {
    castellan: version,
    system: { platform: process.platform, arch: process.arch, release: release(), node: process.version },
    executed: isWindows,
    parts,
  }
  const text = JSON.stringify(report, null, 2).replaceAll(JSON.stringify(folder).slice(1, -1), '<folder>')
  writeFileSync(values.out, `${text}\n`)
  console.log(`report: ${values.out}`)
  if (!isWindows) console.log(`this is ${process.platform}: no token was restricted and nothing executed`)
  if (parts.some(({ different }) => different.length > 0)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
