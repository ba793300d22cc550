/**
 * Runs the program `castellan` as a user would: the compiled one, in a process of its own, never with this process's
 * colours or debugging settings.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../../', import.meta.url))
export const program = path.join(repository, 'dist/bundle/castellan.js')

/** Builds once where nothing was built yet, and joins the modules anew when they are newer than what was joined. */
export function ensureBuilt(): void {
  const build = (...command: string[]) =>
    execFileSync(command[0]!, command.slice(1), { cwd: repository, stdio: 'pipe' })
  const dist = path.join(repository, 'dist')
  if (!existsSync(path.join(dist, 'index.js'))) build('npm', 'run', 'build:ts')
  const joined = existsSync(program) ? statSync(program).mtimeMs : 0
  const modules = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    name => name.endsWith('.js') && !name.startsWith('bundle'),
  )
  if (modules.some(name => statSync(path.join(dist, name)).mtimeMs > joined)) build('npm', 'run', 'build:bundle')
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

export interface CallOptions {
  readonly cwd?: string
  readonly input?: Buffer | string
  readonly env?: Readonly<Record<string, string>>
}

const { NO_COLOR: _, FORCE_COLOR: __, CASTELLAN_DEBUG: ___, ...plainEnvironment } = process.env

export function castellan(args: readonly string[], { cwd, input = '', env = {} }: CallOptions = {}): Ended {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: cwd ?? repository,
    input,
    env: { ...plainEnvironment, ...env },
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  })
  return { code: status, signal, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout }
}

export function startCastellan(args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn(process.execPath, [program, ...args], { env: plainEnvironment, stdio: 'pipe', ...options })
}

/** The engines that this machine can use, from the program's own examination. */
export function enginesHere(): readonly string[] {
  const { engines } = JSON.parse(castellan(['doctor', '--json']).stdout) as {
    engines: { engine: string; usable: boolean }[]
  }
  return engines.flatMap(({ engine, usable }) => (usable ? [engine] : []))
}

export interface Place {
  readonly path: string
  remove(): void
}

export function temporaryPlace(): Place {
  const place = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-cli-')))
  return { path: place, remove: () => rmSync(place, { recursive: true, force: true }) }
}

/** Resolves with everything printed so far once `wanted` has been printed; fails after a minute. */
export function printed(child: ChildProcess, wanted: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error(`${wanted} was not printed, only ${JSON.stringify(text)}`)), 60_000)
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (!wanted.test(text)) return
      clearTimeout(timer)
      resolve(text)
    })
  })
}

export function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const { exitCode, signalCode } = child
  if (exitCode !== null || signalCode !== null) return Promise.resolve({ code: exitCode, signal: signalCode })
  return new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal })))
}

let markers = 0

/** An argument for `sleep` that no other process of this machine has: what is told inside may be another process id. */
export function marker(): string {
  markers++
  return `7${process.pid}${String(markers).padStart(3, '0')}`
}

/** How many processes have this argument. */
export function running(argument: string): number {
  const commands = readdirSync('/proc').flatMap(name => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/cmdline`, 'utf8')] : []
    } catch {
      return []
    }
  })
  return commands.filter(command => command.split('\0').includes(argument)).length
}

/** Whether so many processes have this argument, given half a minute. */
export async function comesTo(count: number, argument: string): Promise<boolean> {
  const pause = () => new Promise(resolve => setTimeout(resolve, 30))
  for (let tries = 0; tries < 1000; tries++) {
    // A process in the middle of execve(2) has no arguments for a moment: a look that finds it decides, and none needs two.
    if (running(argument) === count) {
      if (count > 0) return true
      await pause()
      if (running(argument) === 0) return true
    }
    await pause()
  }
  return false
}
