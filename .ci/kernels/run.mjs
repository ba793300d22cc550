#!/usr/bin/env node
// npm run kernels: boots Debian's kernels in virtual machines (qemu, no acceleration needed) and asks inside each, as root
// and as an ordinary user, whether commands are held (test/kernels/enforce.mjs). Which engines must be usable is in the
// table below, and nothing else may be: what a kernel lacks leads to another engine or to a refusal.
//
//   npm run kernels -- [--only TEXT] [--folder DIR] [--limit SECONDS] [--jobs N] [--verbose]
//
// --only: rows whose name has this text. --folder: where kernels, the root file system and logs are kept; default
// /var/tmp/castellan-kernels. --limit: for one machine, default 900. --jobs: machines at once, default 1. --verbose: every
// check. Needs the built library and Debian's qemu-system-x86, busybox-static, bubblewrap, cpio, zstd and a C compiler.
// Prints a table and `N passed, M failed`.
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    folder: { type: 'string', default: '/var/tmp/castellan-kernels' },
    limit: { type: 'string', default: '900' },
    jobs: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
})

const every = 'namespace,bwrap,landlock'
const mounts = 'namespace,bwrap'
/** `abi`: what the kernel must answer for Landlock; at least, where newer kernels of the series may answer more. */
const rows = [
  { name: '5.10', series: '5.10', engines: mounts, abi: 0 },
  { name: '5.10, no user namespaces', series: '5.10', engines: 'none', abi: 0, append: 'castellan.userns=0' },
  { name: '6.1', series: '6.1', engines: every, abi: 2 },
  { name: '6.1, lsm=yama', series: '6.1', engines: mounts, abi: 0, append: 'lsm=yama' },
  { name: '6.1, no user namespaces', series: '6.1', engines: 'landlock', abi: 2, append: 'castellan.userns=0' },
  { name: '6.12', series: '6.12', engines: every, abi: 6 },
  { name: '6.16', series: '6.16', engines: every, abi: 7 },
  { name: '7', series: '7', engines: every, abi: 8 },
].filter(row => row.name.includes(options.only))
if (rows.length === 0) throw new Error(`no kernel has ${JSON.stringify(options.only)} in its name`)

function boot(row, kernel, initramfs) {
  const append = `console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off no_timer_check random.trust_cpu=on castellan.root=${row.engines} castellan.user=${row.engines} ${row.append ?? ''}`
  const machine = ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1536']
  const bare = ['-nographic', '-nodefaults', '-no-reboot', '-serial', 'stdio', '-monitor', 'none']
  const words = [...machine, ...bare, '-kernel', kernel, '-initrd', initramfs, '-append', append]
  const log = path.join(options.folder, `${row.name.replaceAll(/[^\w.=]+/g, '-')}.log`)
  const qemu = spawn('qemu-system-x86_64', words, { stdio: ['ignore', fs.openSync(log, 'w'), 'inherit'] })
  const timer = setTimeout(() => qemu.kill('SIGKILL'), Number(options.limit) * 1000)
  return new Promise((resolve, reject) => {
    qemu.on('error', reject)
    qemu.on('exit', () => {
      clearTimeout(timer)
      resolve(fs.readFileSync(log, 'latin1').replaceAll('\r', ''))
    })
  })
}

/** One result per user. A machine that did not come to an end failed, whatever it had passed until then. */
function results(row, log) {
  return ['0', '65534'].map(uid => {
    const part = log.split(`##USER ${uid}\n`)[1]?.split('##USER ')[0] ?? ''
    const ended = new RegExp(`^##ENDED ${uid} 0$`, 'm').test(part)
    const [, passed = '0', failed = '0'] = /^(\d+) passed, (\d+) failed$/m.exec(part) ?? []
    const [, release = '?', abi = '?'] = /^kernel (\S+) landlock (\d+)/m.exec(part) ?? []
    const problems = part.split('\n').filter(line => line.startsWith('FAIL'))
    if (!ended && problems.length === 0) problems.push(`FAIL did not come to an end: ${part.slice(-300)}`)
    const rightAbi = row.abi < 8 ? Number(abi) === row.abi : Number(abi) >= row.abi
    if (abi !== '?' && !rightAbi) problems.push(`FAIL Landlock ABI ${abi}, expected ${row.abi}`)
    if (options.verbose) console.log(part)
    const all = {
      kernel: row.name,
      release,
      user: uid === '0' ? 'root' : 'nobody',
      landlock: abi,
      engines: row.engines,
    }
    return { ...all, passed: Number(passed), failed: Math.max(Number(failed), problems.length), problems }
  })
}

fs.mkdirSync(options.folder, { recursive: true })
const series = [...new Set(rows.map(row => row.series))]
console.log(`fetching the newest kernels of ${series.join(', ')}`)
const fetched = execFileSync(path.join(here, 'fetch'), [options.folder, ...series], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
})
const kernels = new Map(fetched.split('\n').map(line => [line.split(' ')[0], line.split(' ')[2]]))
const initramfs = path.join(options.folder, 'initramfs.zst')
execFileSync(path.join(here, 'initramfs'), [initramfs], { stdio: 'inherit' })

const table = []
const waiting = [...rows]
async function work() {
  for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
    const since = Date.now()
    const found = results(row, await boot(row, kernels.get(row.series), initramfs))
    for (const { problems, ...rest } of found) {
      table.push(rest)
      for (const problem of problems) console.log(`${row.name} as ${rest.user}: ${problem}`)
    }
    console.log(`${row.name}: ${Math.round((Date.now() - since) / 1000)} s`)
  }
}
await Promise.all(Array.from({ length: Number(options.jobs) }, work))

const order = row => rows.findIndex(({ name }) => name === row.kernel)
console.table(table.sort((left, right) => order(left) - order(right)))
const sum = key => table.reduce((total, row) => total + row[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && table.every(row => row.passed > 0) ? 0 : 1
