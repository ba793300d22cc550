#!/usr/bin/env node
// npm run soak: many launches in one host, which is looked at from outside: descriptors, children and zombies, mounts,
// memory. Nothing of it may grow.
//
//   npm run soak -- [--launches 10000] [--engines namespace,landlock,bwrap] [--at-once 8]
//
// The engine `bwrap` gets a tenth of the launches, at least 100. Memory is the host's resident size: the last fifth of the
// launches may add no more than 4 MiB to what the fifth before had at most. Prints `N passed, M failed`.
import { fork } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    launches: { type: 'string', default: '10000' },
    engines: { type: 'string', default: 'namespace,landlock,bwrap' },
    'at-once': { type: 'string', default: '8' },
    host: { type: 'string' },
  },
})
const only = {
  namespace: { engines: ['namespace'], bubblewrap: 'never' },
  landlock: { engines: ['landlock'], bubblewrap: 'never' },
  bwrap: { engines: ['bwrap'], bubblewrap: 'require' },
}

/** The host: makes as many launches as it is told, of both kinds, then says so. */
async function host(engine) {
  const { createSandbox, policies } = await import('../../dist/bundle/index.js')
  const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
  const sandbox = await createSandbox({ policy, cwd: process.cwd(), linux: only[engine] })
  process.on('message', async count => {
    const each = async () => {
      while (count-- > 0) {
        if (count % 16 === 0) sandbox.runSync('true')
        else if (count % 16 === 1) await new Promise(done => sandbox.spawn('true').on('close', done))
        else await sandbox.run('true')
      }
    }
    await Promise.all(Array.from({ length: Number(options['at-once']) }, each))
    // What is garbage is not held.
    globalThis.gc?.()
    process.send('done')
  })
  process.send('ready')
}

const heard = child =>
  new Promise((resolve, reject) => {
    const ended = code => reject(new Error(`the host ended with ${code}`))
    child.once('exit', ended)
    child.once('message', message => {
      child.removeListener('exit', ended)
      resolve(message)
    })
  })

function lookAt(pid) {
  const read = file => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8')
  const children = fs.readdirSync(`/proc/${pid}/task`).map(task => read(`task/${task}/children`).trim())
  return {
    descriptors: fs.readdirSync(`/proc/${pid}/fd`).length,
    children: children.join(' ').split(' ').filter(Boolean).length,
    mounts: read('mountinfo').split('\n').length,
    hostMounts: fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    kib: Number(/VmRSS:\s+(\d+)/.exec(read('status'))[1]),
  }
}

let passed = 0
let failed = 0
function check(what, holds) {
  if (holds) passed++
  else failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`)
}

async function soak(engine, launches) {
  const ws = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-soak-')))
  const child = fork(fileURLToPath(import.meta.url), ['--host', engine, '--at-once', options['at-once']], {
    cwd: ws,
    execArgv: ['--expose-gc'],
  })
  try {
    await heard(child)
    const run = async count => {
      child.send(count)
      await heard(child)
    }
    await run(100)
    // Exits that were told are taken a moment later.
    await pause(1000)
    const before = lookAt(child.pid)
    const sizes = []
    const rounds = 10
    for (let round = 0; round < rounds; round++) {
      await run(Math.ceil(launches / rounds))
      sizes.push(lookAt(child.pid).kib)
    }
    let after = lookAt(child.pid)
    const same = key => after[key] <= before[key]
    for (let wait = 0; wait < 100 && !['descriptors', 'children'].every(same); wait++) {
      await pause(100)
      after = lookAt(child.pid)
    }
    for (const key of ['descriptors', 'children', 'mounts', 'hostMounts'])
      check(`${engine}, ${launches} launches: ${key} ${before[key]} -> ${after[key]}`, same(key))
    const growth = Math.max(...sizes.slice(8)) - Math.max(...sizes.slice(6, 8))
    check(`${engine}, ${launches} launches: resident KiB ${before.kib}, then ${sizes.join(' ')}`, growth <= 4096)
    const left = fs.readdirSync(ws)
    check(`${engine}, ${launches} launches: ${left.length} things left in the workspace`, left.length === 0)
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    await pause(500)
    fs.rmSync(ws, { recursive: true, force: true })
  }
}

if (options.host !== undefined) {
  await host(options.host)
} else {
  for (const engine of options.engines.split(',')) {
    const launches = Number(options.launches)
    await soak(engine, engine === 'bwrap' ? Math.max(100, Math.ceil(launches / 10)) : launches)
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
