// The ways to run one command that are compared. Each gives `start`, which resolves (or returns, for `blocking` ones) once
// the command has ended and its output is collected; a command that failed makes the bench fail.
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { peerVariants } from './peers.mjs'

export const commands = {
  true: { file: 'true', args: [], output: '' },
  echo: { file: 'sh', args: ['-c', 'echo hi'], output: 'hi\n' },
}

/** A workspace with a `.git`, which the policy protects. */
export function makeWorkspace() {
  const folder = mkdtempSync(path.join(tmpdir(), 'castellan-bench-'))
  mkdirSync(path.join(folder, '.git'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export function findBubblewrap() {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const file = path.join(folder, 'bwrap')
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {}
  }
  return null
}

function collect(file, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const stdout = []
    const stderr = []
    child.stdout.on('data', chunk => stdout.push(chunk))
    child.stderr.on('data', chunk => stderr.push(chunk))
    child.once('error', reject)
    child.once('close', status => {
      resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() })
    })
  })
}

/**
 * The mounts and namespaces that the plans for this workspace have, in bubblewrap's own words, without filter and Landlock.
 * `isolated`: with a PID namespace and a fresh /proc.
 */
function bubblewrapArguments(folder, isolated) {
  const git = path.join(folder, '.git')
  const mounts = ['--ro-bind', '/', '/', '--bind', folder, folder, '--ro-bind', git, git, '--dev', '/dev']
  const processes = isolated ? ['--unshare-pid', '--proc', '/proc'] : []
  const namespaces = ['--unshare-user', '--unshare-ipc', '--unshare-net']
  return [...mounts, ...namespaces, ...processes, '--new-session', '--die-with-parent', '--']
}

/** Our ways to hold it. `shared` ones have no PID namespace; the others have one where the engine can. */
const held = [
  { name: 'landlock', linux: { engines: ['landlock'] } },
  { name: 'namespace shared', linux: { engines: ['namespace'], processes: 'shared' } },
  { name: 'namespace', linux: { engines: ['namespace'] } },
  { name: 'bwrap', linux: { engines: ['bwrap'] }, asynchronousOnly: true },
]

/** @param {{ status: number | null, stdout: string, stderr: string }} ended */
function check({ status, stdout, stderr }, command, name) {
  if (status === 0 && stdout === command.output) return
  throw new Error(`${name}: ${command.file} ended with ${status}: ${stderr.slice(0, 300)}`)
}

/** Every variant that this machine can do, the first of which the others are compared with; and why others are missing. */
export async function makeVariants({ createSandbox, policies }, folder) {
  const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
  const sandboxes = []
  const missing = {}
  const plainOnes = [
    { name: 'child_process.spawn', run: ({ file, args }) => collect(file, args, folder) },
    {
      name: 'child_process.spawnSync',
      blocking: true,
      run: ({ file, args }) => {
        const { status, stdout, stderr } = spawnSync(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
        return { status, stdout: stdout.toString(), stderr: stderr.toString() }
      },
    },
  ]
  const ours = []
  for (const { name, linux, asynchronousOnly = false } of held) {
    try {
      const sandbox = await createSandbox({ policy, cwd: folder, linux })
      sandboxes.push(sandbox)
      const { engine, namespaces } = sandbox.plan
      const isolated = namespaces?.pid === true
      if (engine !== 'landlock' && isolated !== (linux.processes !== 'shared'))
        throw new Error('the plan is another one')
      const result = ({ exitCode, stdout, stderr }) => ({ status: exitCode, stdout, stderr })
      const run = async ({ file, args }) => result(await sandbox.run(file, args))
      ours.push({ name: `${name} run`, engine, run })
      if (asynchronousOnly) continue
      const runSync = ({ file, args }) => result(sandbox.runSync(file, args))
      ours.push({ name: `${name} runSync`, engine, blocking: true, run: runSync })
    } catch (error) {
      missing[name] = `${error.code}: ${error.message}`
    }
  }
  const bubblewrap = findBubblewrap()
  if (bubblewrap === null) missing['system bwrap'] = 'there is no bwrap on PATH'
  else {
    for (const isolated of [false, true]) {
      const before = bubblewrapArguments(folder, isolated)
      plainOnes.push({
        name: isolated ? 'system bwrap' : 'system bwrap shared',
        run: ({ file, args }) => collect(bubblewrap, [...before, file, ...args], folder),
      })
    }
  }
  const peers = await peerVariants(folder)
  Object.assign(missing, peers.missing)
  const others = peers.variants.map(variant => ({ ...variant, peer: true }))
  const variants = [...plainOnes, ...others, ...ours].map(({ name, engine, blocking = false, peer = false, run }) => ({
    name,
    engine,
    blocking,
    peer,
    async start(command) {
      check(await run(command), command, name)
    },
  }))
  const dispose = async () => {
    await Promise.all(sandboxes.map(sandbox => sandbox[Symbol.asyncDispose]()))
    await peers.dispose()
  }
  return { variants, missing, dispose }
}
