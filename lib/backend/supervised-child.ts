/**
 * A child process of Node that stands for a command: its events are told in the words of the command. That a helper was started is
 * nobody's business, so nothing is told until it is known whether the command runs:
 *
 *   start failed:  'error' ─▶ 'close'
 *   started:       'spawn' ─▶ 'exit' ─▶ 'close'
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'

import type { LimitName } from '../plan/linux/process-limits.ts'
import { AbortError } from '../process/abort-error.ts'
import type { Command } from '../process/command.ts'
import { defaultForceKillAfterDelay, type SpawnOptions } from '../process/options.ts'
import { watchOutput } from '../process/output-limit.ts'
import type { SandboxedProcess } from '../process/sandboxed-process.ts'
import { signalNumber } from '../process/signals.ts'

/** When and how the tree of the command is ended (`TreeEnding`). */
export interface Ending {
  readonly limit: LimitName | null
  exceeded(limit: LimitName): void
  terminate(signal?: number, delay?: number): void
  exited(): void
}

export interface StartedChild {
  readonly child: ChildProcess
  /** Resolves when the command runs; rejects, and nothing was executed. */
  readonly confined: Promise<void>
}

/** `ended`: called once, when nothing of the command runs any more, or when it could not be started. */
export function superviseChild(
  { child, confined }: StartedChild,
  ending: Ending,
  command: Command,
  options: SpawnOptions,
  ended: () => void,
): SandboxedProcess {
  const process = asSandboxed(child, command, ending)
  const most = command.limits.outputBytes
  if (most !== undefined) {
    const sockets = [child.stdout, child.stderr].filter(stream => stream !== null) as unknown as Socket[]
    watchOutput(sockets, most, () => ending.exceeded('outputBytes'))
  }
  const release = endWhenAborted(process, ending, options)
  let isOver = false
  holdEvents(child, confined, () => {
    if (isOver) return
    isOver = true
    release()
    ending.exited()
    ended()
  })
  return process
}

function asSandboxed(child: ChildProcess, command: Command, ending: Ending): SandboxedProcess {
  const { kill } = child
  const terminate = (signal?: NodeJS.Signals | number, delay: number = defaultForceKillAfterDelay) => {
    ending.terminate(signalNumber(signal), delay)
    if (child.exitCode === null && child.signalCode === null) define(child, { killed: true })
  }
  define(child, {
    spawnfile: command.file,
    spawnargs: [command.argv0, ...command.args],
    // Without the helper's own.
    stdio: child.stdio.slice(0, command.stdio.length),
    terminate,
    kill: (signal?: NodeJS.Signals | number) => kill.call(child, signalNumber(signal)),
    [Symbol.dispose]: () => terminate('SIGKILL', 0),
    async [Symbol.asyncDispose]() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = new Promise<void>(resolve => {
        child.once('exit', () => resolve())
      })
      terminate('SIGKILL', 0)
      await exited
    },
  })
  Object.defineProperty(child, 'limit', { get: (): LimitName | null => ending.limit, enumerable: true })
  return child as SandboxedProcess
}

function endWhenAborted(child: SandboxedProcess, ending: Ending, { signal }: SpawnOptions): () => void {
  if (signal === undefined) return () => {}
  const abort = () => {
    ending.terminate()
    child.emit('error', new AbortError(signal.reason))
  }
  if (signal.aborted) process.nextTick(abort)
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

type Event = readonly [name: string | symbol, values: readonly unknown[]]

/** Tells nothing until `confined` is settled. `over`: called when the command has ended, or was not started. */
function holdEvents(child: ChildProcess, confined: Promise<void>, over: () => void): void {
  const emit = child.emit.bind(child) as (name: string | symbol, ...values: unknown[]) => boolean
  const held: Event[] = []
  let state: 'pending' | 'running' | 'failed' = 'pending'
  // Node's own 'spawn' and 'error' are about the helper. So far only `confined` listens to them.
  const inner = { spawn: child.listeners('spawn'), error: child.listeners('error') }
  child.removeAllListeners()
  define(child, {
    emit(name: string | symbol, ...values: unknown[]): boolean {
      if (name === 'exit') over()
      if (name === 'spawn') for (const listener of inner.spawn) listener()
      if (name === 'error' && state === 'pending' && !(values[0] instanceof AbortError)) {
        for (const listener of inner.error) listener(...values)
        return true
      }
      if (state === 'pending' && (name === 'spawn' || name === 'exit' || name === 'close')) {
        held.push([name, values])
        return true
      }
      if (state === 'failed' && (name === 'spawn' || name === 'exit')) return false
      return emit(name, ...values)
    },
  })
  const settle = (next: 'running' | 'failed') => {
    state = next
    for (const [name, values] of held.splice(0)) child.emit(name as string, ...(values as []))
  }
  confined.then(
    () => settle('running'),
    (error: NodeJS.ErrnoException) => {
      over()
      define(child, { exitCode: typeof error.errno === 'number' ? error.errno : -1, pid: undefined })
      state = 'failed'
      emit('error', error)
      // Not in the same turn: who awaited the error must still be able to await 'close'.
      setImmediate(() => settle('failed'))
    },
  )
}

/** The members that `ChildProcess` declares read-only. */
function define(child: ChildProcess, members: Record<PropertyKey, unknown>): void {
  for (const name of Reflect.ownKeys(members)) {
    Object.defineProperty(child, name, {
      value: members[name],
      writable: true,
      enumerable: typeof name === 'string' && typeof members[name] !== 'function',
      configurable: true,
    })
  }
}
