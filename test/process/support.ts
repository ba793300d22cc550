/**
 * The ways to start a command that a test compares: Node's own spawn, and sandboxes of every engine that is there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

import { expect } from 'vitest'

import { createSandbox, doctor, type LinuxOptions, type Sandbox } from '../../lib/index.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'

export type Kind = 'unconfined' | 'namespace' | 'shared' | 'bwrap' | 'landlock'

const options: Readonly<Record<Exclude<Kind, 'unconfined'>, LinuxOptions>> = {
  namespace: { engines: ['namespace'], bubblewrap: 'never' },
  shared: { engines: ['namespace'], bubblewrap: 'never', processes: 'shared' },
  bwrap: { engines: ['bwrap'], bubblewrap: 'require' },
  landlock: { engines: ['landlock'], bubblewrap: 'never' },
}

const { engines } = await doctor()

function missing(kind: Kind): string | null {
  if (kind === 'unconfined') return null
  const report = engines.find(({ engine }) => engine === (kind === 'shared' ? 'namespace' : kind))
  return report?.usable === true ? null : (report?.reason ?? 'not on this platform')
}

const all: readonly Kind[] = ['unconfined', 'namespace', 'shared', 'bwrap', 'landlock']

/** The kinds of sandbox that can be made here, and why the others cannot. */
export const kinds = all.filter(kind => missing(kind) === null)
export const missingKinds = all.flatMap(kind => (missing(kind) === null ? [] : [`${kind}: ${missing(kind)}`]))

export function sandboxOf(kind: Kind, cwd: string): Promise<Sandbox> {
  if (kind === 'unconfined') return createSandbox({ policy: 'danger-full-access', cwd })
  return createSandbox({ policy: workspaceWrite(), cwd, linux: options[kind] })
}

/** Processes on this machine whose command line holds the word, without those of this test itself. */
export function processesNaming(word: string): number[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word)) return []
      // A process that has ended and was not waited for yet has an empty command line; this is one that runs.
      return /\) [ZX] /.test(readFileSync(`/proc/${name}/stat`, 'utf8')) ? [] : [Number(name)]
    } catch {
      return []
    }
  })
}

/** For what must come to be. The patience is for a busy machine; a test of how fast something is does not use this. */
export async function until(what: string | (() => string), holds: () => boolean, milliseconds = 60_000): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (!holds()) {
    if (performance.now() > deadline) {
      throw new Error(`not within ${milliseconds} ms: ${typeof what === 'string' ? what : what()}`)
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** An argument that no other test uses; `sleep` takes it as a number of seconds. */
let words = 0
export function uniqueSeconds(): string {
  words++
  return `${100_000 + (process.pid % 100_000)}.${words}${Math.floor(Math.random() * 1e6)}`
}

/** What this process holds: descriptors by kind, children, mounts. */
export interface Holdings {
  readonly descriptors: Readonly<Record<string, number>>
  readonly children: number
  readonly mounts: string
}

export function holdings(): Holdings {
  const descriptors: Record<string, number> = {}
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const kind = readlinkSync(`/proc/self/fd/${fd}`).replace(/:\[\d+\]$/, '')
      descriptors[kind] = (descriptors[kind] ?? 0) + 1
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return { descriptors, children: childrenOf(process.pid).length, mounts: readFileSync('/proc/self/mountinfo', 'utf8') }
}

/** Two looks that are alike: the result of a command may come a moment before its first process is reaped. */
export async function holdingsAtRest(): Promise<Holdings> {
  let last = holdings()
  await until('two looks are alike', () => {
    const before = last
    last = holdings()
    return JSON.stringify(before) === JSON.stringify(last)
  })
  return last
}

/** What is held now and was not before, in words; empty when nothing is. What an earlier test left may have gone. */
export function heldSince(before: Holdings): string[] {
  const now = holdings()
  const more = Object.entries(now.descriptors).filter(([kind, count]) => count > (before.descriptors[kind] ?? 0))
  return [
    ...more.map(([kind, count]) => `${count - (before.descriptors[kind] ?? 0)} × ${kind}`),
    ...(now.children > before.children ? [`${now.children - before.children} × child`] : []),
    ...(now.mounts === before.mounts ? [] : ['mounts']),
  ]
}

/** Waits a while for nothing to be held that was not before. The launcher looks through /proc at times, which is no leak. */
export async function nothingHeldSince(before: Holdings): Promise<void> {
  let held: string[] = []
  await until('everything is given back', () => {
    held = heldSince(before)
    return held.length === 0
  }).catch(() => {})
  expect(held).toEqual([])
}

/** Direct children, zombies included. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return []
    try {
      const found = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))
      return Number(found?.[1]) === parent ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

export type SpawnLike = (file: string, args: readonly string[], options?: Record<string, unknown>) => ChildProcess

export const nodeSpawn =
  (cwd: string): SpawnLike =>
  (file, args, given = {}) =>
    spawn(file, [...args], { cwd, ...given })
