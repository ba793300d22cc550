/** Everything that `npm run wine` asks, under node.exe. Writes its results to a file; the last line is the sum. */
import { addonChecks } from './addon.mjs'
import { addonFaultChecks } from './addon-faults.mjs'
import { counts, part, say } from './checks.mjs'
import { elevatedChecks, elevatedFaultChecks } from './elevated.mjs'
import { faultChecks } from './faults.mjs'
import { launchChecks } from './launch.mjs'
import { libraryFaultChecks } from './library-faults.mjs'
import { refusalChecks } from './refusals.mjs'
import { stateChecks } from './state.mjs'

process.on('uncaughtException', error => {
  say(`FAILED ${error.stack}`)
  counts.failed++
})

const parts = [
  ['the shipped helper refuses where a token restricts nothing', refusalChecks],
  ['the addon: loading, facts, objects, lists, mutexes, secrets', addonChecks],
  ['a command that a token seems to hold: handles, job, words, environment, exit code', launchChecks],
  ['every call of the helper fails in turn, and no command starts', faultChecks],
  ['every call of the addon fails in turn, and is told', addonFaultChecks],
  ['every call of the addon fails in turn, and no command of the library starts by it', libraryFaultChecks],
  ['the journal of access lists, and every step of the setup failing in turn', stateChecks],
  ['a runner as another account: refusals, streams, trees, strangers', elevatedChecks],
  ['every call of a runner, and of who starts it, fails in turn', elevatedFaultChecks],
]
// For whoever works at some of them: CASTELLAN_ONLY has a part of the name of each, with | between them.
const only = (process.env.CASTELLAN_ONLY ?? '').split('|')

say(`node.exe ${process.version} ${process.arch}`)
for (const [name, checks] of parts) if (only.some(one => name.includes(one))) await part(name, checks)
say(`sum ${JSON.stringify(counts)}`)
