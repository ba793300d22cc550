/**
 * The row of Windows: the package in node.exe under Wine, and some of what `npm run wine` asks, with the files of the package. Wine takes
 * every call that restricts a token and restricts none, so nothing here is a test of enforcement, and the row says so. It fetches
 * nothing: where Wine was not put into .cache before, the row says that it was not run.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { cache, root } from '../prebuild/toolchain.mjs'
import { installWine } from '../wine/install.mjs'
import { underWine } from '../wine/place.mjs'
import { refusal } from './refusal.mjs'

/** The parts of `npm run wine` that are about loading and about the life of a command; the others take half an hour. */
const parts = ['the shipped helper refuses', 'the addon: loading', 'a command that a token seems to hold']
const place = path.join(cache, 'wine')
const name = 'Windows, x64, under Wine, which restricts no token'
const programs = {
  // Node.js cannot write to a pipe of Linux there.
  'windows.mjs': `import { writeFileSync } from 'node:fs'
const console = { log: line => writeFileSync(process.env.CASTELLAN_RESULTS, line) }
${refusal}`,
}

/** What this machine has not got, in words, or undefined. */
function missing(packaged) {
  if (!existsSync(path.join(packaged, 'prebuilds/win32-x64/castellan.node'))) return 'the tarball has no addon for it'
  if (spawnSync('bwrap', ['--version']).status !== 0) return 'there is no bubblewrap here'
  if (!existsSync(path.join(place, 'installed'))) return '`npm run wine` has not fetched Wine here'
  return undefined
}

/** The row, for others.mjs. `project` is the folder where the tarball is installed. */
export function wineRow(project) {
  const packaged = path.join(project, 'node_modules/castellan')
  return {
    name,
    ask: () => {
      const lack = missing(packaged)
      return lack === undefined ? askWine(project, packaged) : { notRun: lack }
    },
  }
}

function askWine(project, packaged) {
  for (const [file, text] of Object.entries(programs)) writeFileSync(path.join(project, file), text)
  const wine = installWine(place, () => {})
  // Makes Wine's first folders too, so that it comes before a program that is to be quick.
  const rig = spawnSync(process.execPath, ['scripts/wine.mjs', '--package', packaged], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CASTELLAN_ONLY: parts.join('|') },
  })
  const results = path.join(wine.home, 'package.json.txt')
  rmSync(results, { force: true })
  const loaded = underWine({
    wine,
    folders: [[project, '/app']],
    variables: { CASTELLAN_RESULTS: 'Z:\\home\\package.json.txt' },
    command: ['Z:\\node\\node.exe', 'Z:\\app\\windows.mjs'],
    seconds: 120,
  })
  const answer = loaded.status === 0 && existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined
  return told({ answer, loaded, rig: `${rig.stdout}${rig.stderr}` })
}

/** `answer` is what the package said, `rig` what `npm run wine` printed. Says only what is in them. */
export function told({ answer, loaded, rig }) {
  const version = /^node\.exe v(\S+)/m.exec(rig)?.[1]
  if (answer === undefined) return { version, did: '', trouble: `node.exe: ${loaded.error ?? loaded.status}` }
  const refused = answer.code !== undefined && answer.usable.length === 0
  if (!refused) return { version, did: '', trouble: `it did not refuse: ${JSON.stringify(answer)}` }
  const [, passed, all] = /^(\d+) of (\d+) checks passed under Wine/m.exec(rig) ?? []
  const ran = [...rig.matchAll(/^ok {4} (.+): (\d+) of (\d+) \(\d+ ms\)$/gm)].map(
    // Behind the colon stands what it is about.
    ([, words]) => words.replace(/:.*/, ''),
  )
  if (all === undefined || passed !== all || ran.length === 0 || /^FAILED/m.test(rig)) {
    return { version, did: '', trouble: rig.slice(-600) }
  }
  const job = `the package was loaded, \`doctor\` found no backend, and \`createSandbox\` refused (\`${answer.code}\`)`
  return { version, did: `${job}; ${all} checks passed of: ${ran.join('; ')}; enforcement was not tested` }
}
