/** Everything that `npm run wine` asks, under node.exe. Writes its results to a file; the last line is the sum. */
import { addonChecks } from './addon.mjs'
import { counts, part, say } from './checks.mjs'
import { elevatedChecks, elevatedFaultChecks } from './elevated.mjs'
import { faultChecks } from './faults.mjs'
import { launchChecks } from './launch.mjs'
import { refusalChecks } from './refusals.mjs'
import { stateChecks } from './state.mjs'

process.on('uncaughtException', error => {
  say(`FAILED ${error.stack}`)
  counts.failed++
})

say(`node.exe ${process.version} ${process.arch}`)
await part('the shipped helper refuses where a token restricts nothing', refusalChecks)
await part('the addon: loading, facts, objects, lists, mutexes, secrets', addonChecks)
await part('a command that a token seems to hold: handles, job, words, environment, exit code', launchChecks)
await part('every call of the helper fails in turn, and no command starts', faultChecks)
await part('the journal of access lists, and every step of the setup failing in turn', stateChecks)
await part('a runner as another account: refusals, streams, trees, strangers', elevatedChecks)
await part('every call of a runner, and of who starts it, fails in turn', elevatedFaultChecks)
say(`sum ${JSON.stringify(counts)}`)
