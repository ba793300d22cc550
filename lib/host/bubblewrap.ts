/**
 * Finds the system's bubblewrap and asks the program itself what it can do.
 *
 * A program that a command could have put there is never used: folders of PATH below this process's directory, the policy's
 * or any writable root are passed over, by their canonical path (spec/linux 4.1). It is started with an empty environment.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import path from 'node:path'

import type { BubblewrapCapability } from './capabilities.ts'
import { namespaceHint } from './namespace-hint.ts'

const timeout = 5000
const remembered = new Map<string, Promise<BubblewrapCapability>>()

const missing: BubblewrapCapability = Object.freeze({
  available: false,
  path: null,
  version: null,
  options: Object.freeze([]),
  how: 'looked for bwrap in every folder of PATH outside the working directory and the writable roots',
  errnoName: 'ENOENT',
  hint: 'install bubblewrap (package `bubblewrap`)',
})

/** A bubblewrap that was not looked for, because nothing will use it. */
export const unsoughtBubblewrap: BubblewrapCapability = Object.freeze({ ...missing, how: 'not looked for' })

/** `excluded`: folders that commands may write to, beside this process's own directory. */
export function findBubblewrap(
  searchPath: string | undefined,
  excluded: readonly string[],
): Promise<BubblewrapCapability> {
  const program = locate(searchPath, [...ownDirectory(), ...excluded].map(canonical))
  if (program === null) return Promise.resolve(missing)
  const { mtimeMs, ino } = statSync(program)
  const key = `${program}\0${mtimeMs}\0${ino}`
  let answer = remembered.get(key)
  if (answer === undefined) {
    answer = ask(program)
    remembered.set(key, answer)
  }
  return answer
}

/** None when it was removed. */
function ownDirectory(): string[] {
  try {
    return [process.cwd()]
  } catch {
    return []
  }
}

function locate(searchPath: string | undefined, excluded: readonly string[]): string | null {
  for (const folder of (searchPath ?? '/usr/local/bin:/usr/bin:/bin').split(':')) {
    if (!folder.startsWith('/')) continue
    const program = canonical(path.join(folder, 'bwrap'))
    if (!isExecutableFile(program)) continue
    if (excluded.some(root => root !== '/' && (program === root || program.startsWith(`${root}/`)))) continue
    return program
  }
  return null
}

async function ask(program: string): Promise<BubblewrapCapability> {
  const [help, version] = await Promise.all([start(program, ['--help']), start(program, ['--version'])])
  const options = [...new Set(help.text.match(/--[a-z][a-z0-9-]+/g) ?? [])].sort()
  const found = {
    path: program,
    version: /(\d+(?:\.\d+)+)/.exec(version.text)?.[1] ?? null,
    options: Object.freeze(options),
  }
  const tried = await start(program, [
    '--unshare-user',
    '--unshare-ipc',
    '--ro-bind',
    '/',
    '/',
    '--',
    '/proc/self/exe',
    '--version',
  ])
  if (tried.ok)
    return Object.freeze({ ...found, available: true, how: `${program} made a namespace with a read-only tree` })
  const said = tried.text.trim().split('\n').pop()?.slice(0, 200) ?? ''
  return Object.freeze({ ...found, available: false, how: `${program} said: ${said}`, hint: namespaceHint })
}

function start(program: string, args: readonly string[]): Promise<{ ok: boolean; text: string }> {
  return new Promise(resolve => {
    execFile(
      program,
      args,
      { env: {}, timeout, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 },
      (error, stdout, stderr) => {
        resolve({ ok: error === null, text: `${stdout}${stderr}` })
      },
    )
  })
}

function canonical(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
