/**
 * A disk of a few blocks that only this test's processes see: a tmpfs in a user and mount namespace of its own, which goes
 * away with its keeper. From outside it is read and filled through `/proc/<keeper>/root`, which needs no mount.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk {
  /** What to put before a command so that it runs where the disk is. */
  readonly prefix: readonly string[]
  write(name: string, text: string): void
  read(name: string): string
  names(): readonly string[]
  /** Takes every block that is left. */
  fill(): void
  /** Gives them back. */
  free(): void
  remove(): Promise<void>
}

/** Mounts the disk at `folder`; nothing when this system has no namespaces for that. */
export async function smallDisk(folder: string, size: string): Promise<SmallDisk | undefined> {
  const script = 'mount -t tmpfs -o size="$1",mode=700 none "$0" && echo mounted && exec cat'
  const keeper = spawn('unshare', ['-Urm', 'sh', '-c', script, folder, size], { stdio: ['pipe', 'pipe', 'ignore'] })
  const mounted = await Promise.race([
    once(keeper.stdout, 'data').then(([chunk]) => String(chunk).startsWith('mounted')),
    once(keeper, 'exit').then(() => false),
    once(keeper, 'error').then(() => false),
  ])
  if (!mounted) return undefined
  const inside = (name: string) => join(`/proc/${keeper.pid}/root`, folder, name)
  const filler = inside('filler')
  return {
    prefix: ['nsenter', '-t', String(keeper.pid), '-U', '-m', '--preserve-credentials'],
    write: (name, text) => writeFileSync(inside(name), text),
    read: name => readFileSync(inside(name), 'utf8'),
    names: () => readdirSync(inside('')),
    fill: () => fill(filler),
    free: () => rmSync(filler, { force: true }),
    remove: () => ended(keeper),
  }
}

function fill(path: string): void {
  const file = openSync(path, 'a')
  try {
    for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
      while (takes(file, size));
    }
  } finally {
    closeSync(file)
  }
}

function takes(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size, 1)) > 0
  } catch {
    return false
  }
}

async function ended(keeper: ChildProcess): Promise<void> {
  const exit = once(keeper, 'exit')
  keeper.stdin?.end()
  await exit
}
