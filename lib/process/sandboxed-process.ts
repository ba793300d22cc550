/**
 * A running command with the contract of `child_process.ChildProcess`: the same members, the same events in the same
 * order. What differs is in the documentation of `kill` and `unref` only.
 *
 *   start failed:  'error'
 *   started:       'spawn' ─▶ ['exit'] ─▶ 'close', once every stream of the host has ended
 */
import { ChildProcess } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

import { type LinuxBinding, type NativeResult, type NativeSpawned, NativeStdio } from '../native/binding.ts'
import { runNumbers } from '../native/run-numbers.ts'
import type { LimitName } from '../plan/linux/process-limits.ts'
import { AbortError } from './abort-error.ts'
import type { Command } from './command.ts'
import type { Launch, Launcher } from './launch.ts'
import { launchFailure } from './launch.ts'
import { firedLimit } from './limit-names.ts'
import { defaultForceKillAfterDelay, type SpawnOptions } from './options.ts'
import { askedLimits, endOf, lostProtection } from './result.ts'
import { assertStarted, nativeOptions } from './run.ts'
import type { Runs } from './runs.ts'
import { signalNumber } from './signals.ts'

type Streams = [
  Writable | null,
  Readable | null,
  Readable | null,
  Readable | Writable | null | undefined,
  Readable | Writable | null | undefined,
]

/** A running command: what `child_process.spawn` gives, which can also be ended with its whole tree. */
export interface SandboxedProcess extends ChildProcess {
  /** The limit that ended the command, of `limits` and `timeout`; null when none did or it still runs. */
  readonly limit: LimitName | null
  /** As `lostProtection` of a result; null while it runs. */
  readonly lostProtection: string | null
  /** Ends the whole tree: `signal` (default: SIGTERM) to every process now, SIGKILL after `delay` ms (default: 2000). */
  terminate(signal?: NodeJS.Signals | number, delay?: number): void
}

/** Where Node tells of each child process that is made. */
const made = channel('child_process')

/**
 * A ChildProcess that was not made by Node's constructor: that one makes a handle which is freed only after Node's own spawn, and
 * holds the object until then, so for good.
 */
class WithoutHandle extends EventEmitter {
  connected = false
  killed = false

  constructor() {
    super()
    // As after the end of one that Node has started.
    Object.defineProperty(this, '_handle', { value: null, writable: true, configurable: true })
    if (made.hasSubscribers) made.publish({ process: this })
  }
}
Object.setPrototypeOf(WithoutHandle.prototype, ChildProcess.prototype)

export class NativeProcess extends (WithoutHandle as unknown as typeof ChildProcess) implements SandboxedProcess {
  declare pid?: number
  declare readonly stdin: Writable | null
  declare readonly stdout: Readable | null
  declare readonly stderr: Readable | null
  declare readonly stdio: Streams
  declare readonly exitCode: number | null
  declare readonly signalCode: NodeJS.Signals | null
  declare readonly spawnargs: string[]
  declare readonly spawnfile: string

  readonly #runs: Runs
  readonly #binding: LinuxBinding
  readonly #command: Command
  readonly #launcher: Launcher
  #id: number | undefined
  #open = 1
  readonly #grace: number
  readonly #endSignal: NodeJS.Signals | number | undefined
  #heard = 0
  #limit: LimitName | null = null
  #lostProtection: string | null = null
  #release: () => void = () => {}
  readonly #tellEnd: () => void

  /** `ended`: called once, when nothing of the command runs any more, or when it could not be started. */
  constructor(runs: Runs, launcher: Launcher, command: Command, options: SpawnOptions, ended: () => void) {
    super()
    this.#runs = runs
    this.#binding = runs.binding
    this.#command = command
    this.#launcher = launcher
    this.#tellEnd = ended
    this.#grace = options.forceKillAfterDelay ?? defaultForceKillAfterDelay
    this.#endSignal = options.killSignal
    this.#assign({
      spawnfile: command.file,
      spawnargs: [command.argv0, ...command.args],
      exitCode: null,
      signalCode: null,
    })
    const launch = launcher.prepare(command)
    let spawned: NativeSpawned
    try {
      const numbers = runNumbers(launch.stdio, nativeOptions(launch, command, options, undefined))
      spawned = runs.binding.spawn(launch.plan, launch.request, numbers)
    } finally {
      launch.release()
    }
    this.#openStreams(spawned, launch)
    if (spawned.failure !== undefined) {
      ended()
      this.#failed(launchFailure(spawned.failure, command, launcher))
    } else this.#running(spawned, launch, options)
  }

  /** The limit that ended the command, of `limits` and `timeout`; null when none did or it still runs. */
  get limit(): LimitName | null {
    return this.#limit
  }

  /** As `lostProtection` of a result; null while it runs. */
  get lostProtection(): string | null {
    return this.#lostProtection
  }

  /**
   * Sends a signal to the command (default: SIGTERM). Returns whether it was delivered. Processes that the command started
   * get it only when they share its fate through the terminal or through the command; `terminate` ends them all.
   * Throws OptionError (`ERR_INVALID_OPTION`) for an unknown signal.
   */
  override kill(signal?: NodeJS.Signals | number): boolean {
    const number = signalNumber(signal)
    if (this.#id === undefined || this.exitCode !== null || this.signalCode !== null) return false
    const delivered = this.#binding.signal(this.#id, number) === 0
    if (delivered) this.#assign({ killed: true })
    return delivered
  }

  /** Ends the whole tree: `signal` (default: SIGTERM) to every process now, SIGKILL after `delay` ms (default: 2000). */
  terminate(signal?: NodeJS.Signals | number, delay: number = defaultForceKillAfterDelay): void {
    const number = signalNumber(signal)
    if (this.#id === undefined) return
    this.#binding.terminate(this.#id, number, delay)
    if (this.exitCode === null && this.signalCode === null) this.#assign({ killed: true })
  }

  override ref(): void {
    if (this.#id !== undefined) this.#runs.reference(this.#id, true)
  }

  override unref(): void {
    if (this.#id !== undefined) this.#runs.reference(this.#id, false)
  }

  override [Symbol.dispose](): void {
    this.terminate('SIGKILL', 0)
  }

  /** Ends the whole tree and waits for the command's end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#id === undefined || this.exitCode !== null || this.signalCode !== null) return
    const ended = new Promise<void>(resolve => {
      this.once('exit', () => resolve())
    })
    this.terminate('SIGKILL', 0)
    await ended
  }

  #openStreams(spawned: NativeSpawned, launch: Launch): void {
    const internal = new Set([launch.reportDescriptor])
    const count = this.#command.stdio.length
    const streams = Array.from({ length: count }, (_, index) => {
      if (internal.has(index)) return null
      if (spawned.failure !== undefined)
        return this.#command.stdio[index]! < NativeStdio.ignore ? this.#unconnected(index) : null
      const fd = spawned.hostEnds[index] ?? -1
      return fd < 0 ? null : this.#stream({ fd }, index)
    })
    this.#assign({
      stdio: streams,
      stdin: streams[0] ?? null,
      stdout: streams[1] ?? null,
      stderr: streams[2] ?? null,
    })
  }

  /** As in Node: a command that could not be started has its streams as well, without anything in them. */
  #unconnected(index: number): Socket {
    const socket = this.#stream({}, index)
    socket.push(null)
    return socket
  }

  #stream(connection: { fd?: number }, index: number): Socket {
    const readable = index !== 0
    const socket = new Socket({ ...connection, readable, writable: index === 0 || index > 2 })
    if (readable && index <= 2) {
      this.#open++
      this.#count(socket)
      socket.once('close', () => this.#closed())
    }
    return socket
  }

  /** Holds `outputBytes`: what comes beyond it is dropped, and the tree is ended. */
  #count(socket: Socket): void {
    const most = this.#command.limits.outputBytes
    if (most === undefined) return
    const push = socket.push.bind(socket)
    socket.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk === null) return push(null)
      const room = Math.max(0, most - this.#heard)
      this.#heard += chunk.length
      if (this.#heard <= most) return push(chunk, encoding)
      if (this.#limit === null) {
        this.#limit = 'outputBytes'
        this.terminate(this.#endSignal, this.#grace)
      }
      return room === 0 || push(chunk.subarray(0, room), encoding)
    }
  }

  #running(spawned: NativeSpawned, launch: Launch, options: SpawnOptions): void {
    this.#id = spawned.id
    this.#assign({ pid: spawned.pid })
    this.#runs.track(spawned.id, native => this.#ended(native, launch))
    process.nextTick(() => this.emit('spawn'))
    this.#endWhenAborted(options)
  }

  #endWhenAborted({ signal }: SpawnOptions): void {
    const end = () => this.terminate(this.#endSignal, this.#grace)
    if (signal === undefined) return
    const abort = () => {
      end()
      this.emit('error', new AbortError(signal.reason))
    }
    if (signal.aborted) process.nextTick(abort)
    else signal.addEventListener('abort', abort, { once: true })
    this.#release = () => signal.removeEventListener('abort', abort)
  }

  #ended(native: NativeResult, launch: Launch): void {
    this.#release()
    this.#tellEnd()
    try {
      assertStarted(native, launch, this.#command, this.#launcher)
    } catch (error) {
      this.#failed(error as Error)
      return
    }
    const { exitCode, signal } = endOf(native)
    this.#lostProtection = lostProtection(native, this.#launcher)
    const told = signal === null ? 0 : signalNumber(signal)
    this.#limit ??= firedLimit(native, told, askedLimits(this.#command.limits))
    if (native.limit !== 0) this.#assign({ killed: true })
    this.#assign({ exitCode, signalCode: signal })
    this.stdin?.destroy()
    this.emit('exit', exitCode, signal)
    // As in Node: output that nobody reads must not keep 'close' from coming.
    process.nextTick(() => this.#drain())
    this.#closed()
  }

  #failed(error: Error): void {
    const errno = (error as NodeJS.ErrnoException).errno
    this.#assign({ exitCode: typeof errno === 'number' ? errno : -1, pid: undefined })
    this.stdin?.destroy()
    process.nextTick(() => {
      this.emit('error', error)
      // Not in the same turn: who awaited the error must still be able to await 'close'.
      setImmediate(() => {
        this.#drain()
        this.#closed()
      })
    })
  }

  #drain(): void {
    for (const stream of this.stdio) {
      const readable = stream as Readable | null | undefined
      if (readable?.readable && !readable.readableFlowing && readable.listenerCount('readable') === 0) readable.resume()
    }
  }

  #closed(): void {
    this.#open--
    if (this.#open === 0) this.emit('close', this.exitCode, this.signalCode)
  }

  /** The members that `ChildProcess` declares read-only. */
  #assign(members: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(members)) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true })
    }
  }
}
