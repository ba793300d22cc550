/**
 * For whoever has a Mac: does this system do what the model of it says?
 *
 *   npm run macos-check [-- --out FILE]
 *
 * Compiles every profile of the case tables with the system's own compiler, then runs commands under profiles in a temporary
 * folder and on loopback, and compares what happens with what the model answers. Writes a report (default:
 * castellan-macos-report.json) that can be attached to an issue; it names no file outside of the temporary folder. Needs a build.
 *
 * On other systems it goes as far as no kernel of a Mac is needed, and says so. Exits with 1 when something differs.
 */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { checkFiles } from './macos-check/files.mjs'
import { loadKit } from './macos-check/kit.mjs'
import { checkNetwork } from './macos-check/network.mjs'
import { checkProcesses } from './macos-check/processes.mjs'
import { checkProfiles } from './macos-check/profiles.mjs'

const { values } = parseArgs({ options: { out: { type: 'string', default: 'castellan-macos-report.json' } } })
const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-check-')))

try {
  const kit = await loadKit(folder)
  const parts = []
  for (const check of [checkProfiles, checkFiles, checkNetwork, checkProcesses]) {
    const part = await check(kit)
    parts.push(part)
    const undone = part.needsMac === 0 ? '' : `, ${part.needsMac} need the kernel of a Mac`
    console.log(`${part.name}: ${part.done} checked, ${part.different.length} different${undone}`)
    for (const line of part.different) console.log(`  different: ${line}`)
    for (const line of part.told) console.log(`  ${line}`)
  }
  const report = {
    castellan: kit.version,
    system: { platform: process.platform, arch: process.arch, release: release(), node: process.version },
    capabilities: kit.capabilities,
    executed: kit.isMac,
    parts,
  }
  writeFileSync(values.out, `${JSON.stringify(report, null, 2).replaceAll(folder, '<folder>')}\n`)
  console.log(`report: ${values.out}`)
  if (!kit.isMac)
    console.log(`this is ${process.platform}: nothing was compiled by Apple's compiler and nothing executed`)
  if (parts.some(({ different }) => different.length > 0)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
