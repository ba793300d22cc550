// The calls of restrictCurrentProcess in place (native/linux/confine_process.cc): a process of its own for each that fails,
// which is looked at from inside. What native code tells must be what holds: nothing, all, or the filter alone.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const RLIMIT_RSS = 5
const NOBODY = 65534
const self = fileURLToPath(import.meta.url)

/** `report` takes what was tried and what was wrong with it. */
export function sweepInPlace(report) {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-in-place-')))
  fs.chmodSync(base, 0o777)
  fs.mkdirSync(path.join(base, 'ws'))
  const stages = new Map()
  let points = 0
  try {
    // Before Landlock's ABI 8 the last call always fails, by the kernel.
    for (let ordinal = 1, inARow = 0; inARow < 3 && ordinal < 200; ordinal++) {
      const { stdout, stderr } = spawnSync(process.execPath, [self, base, String(ordinal)], { encoding: 'utf8' })
      if (stdout === '') {
        report(`in place, call ${ordinal}`, [stderr || 'said nothing'])
        return
      }
      const { failure, opened, filters, outside } = JSON.parse(stdout)
      const byFault = failure?.errno === os.constants.errno.EIO || failure?.stage === 'capabilities'
      inARow = byFault ? 0 : inARow + 1
      if (byFault) points++
      const outcome = failure === undefined ? 'confined' : `${failure.stage}${failure.partly ? ', partly' : ''}`
      stages.set(outcome, (stages.get(outcome) ?? 0) + 1)
      const filtered = failure === undefined || failure.partly ? '1' : '0'
      const problems = []
      if (filters !== filtered) problems.push(`threads have ${filters} filters more, not ${filtered}`)
      if (outside !== (failure === undefined ? 'EACCES' : 'written')) problems.push(`outside: ${outside}`)
      if (opened !== 0) problems.push(`${opened} descriptors stay`)
      report(`in place, call ${ordinal} (${outcome})`, problems)
    }
  } finally {
    fs.rmSync(base, { recursive: true, force: true })
  }
  const counts = [...stages].map(([stage, count]) => `${stage} ${count}`).join(', ')
  console.log(`in place: ${points} calls failed (${counts})`)
  if (points === 0) report('in place', ['no call was made to fail'])
}

async function confineAndLook(base, ordinal) {
  const { createSandbox, policies } = await import('../../dist/index.js')
  const { loadBinding } = await import('../../dist/native/binding.js')
  const { nativePlanImage } = await import('../../dist/backend/plan-records.js')
  const { stageOf } = await import('../../dist/native/stages.js')
  const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
  const { plan } = await createSandbox({ policy, cwd: path.join(base, 'ws'), linux: { engines: ['landlock'] } })
  const binding = loadBinding()
  const compiled = binding.compilePlan(nativePlanImage(plan))
  // With capabilities nothing is done in place.
  if (process.getuid() === 0) {
    process.setgroups([])
    process.setgid(NOBODY)
    process.setuid(NOBODY)
  }
  const opened = () => fs.readdirSync('/proc/self/fd').length
  const filters = () =>
    fs.readdirSync('/proc/self/task').map(thread => {
      const status = fs.readFileSync(`/proc/self/task/${thread}/status`, 'utf8')
      return Number(/^Seccomp_filters:\s+(\d+)$/m.exec(status)[1])
    })
  const before = { opened: opened(), filters: filters() }
  binding.setSoftLimit(RLIMIT_RSS, ordinal * 1024 + os.constants.errno.EIO * 4 + 1)
  const failure = binding.confineProcess(compiled)
  const more = new Set(filters().map(count => count - Math.min(...before.filters)))
  let outside = 'written'
  try {
    fs.writeFileSync(path.join(base, 'planted'), 'x')
  } catch (error) {
    outside = error.code
  }
  const told = failure === undefined ? {} : { failure: { ...failure, stage: stageOf(failure.stage) } }
  console.log(JSON.stringify({ ...told, opened: opened() - before.opened, filters: [...more].join(), outside }))
}

if (process.argv[1] === self) await confineAndLook(process.argv[2], Number(process.argv[3]))
