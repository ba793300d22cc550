/**
 * What the Windows helper says of itself (`native/windows-binding.ts`), as errors. Nothing is guessed from exit codes, and a helper
 * that says anything unexpected is ended: its command must not run on words that nobody understood.
 */
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'

import { BackendError, LaunchError } from '../errors.ts'
import { FrameDecoder, type FrameResult } from '../plan/windows/frame.ts'
import {
  afterRunnerMessage,
  type ConversationState,
  type RunnerMessage,
  readRunnerMessage,
} from '../plan/windows/runner-messages.ts'
import { SpawnError } from '../process/spawn-error.ts'

/** The command, as far as errors name it. */
export interface NamedCommand {
  readonly file: string
  readonly args: readonly string[]
}

/** Errors of CreateProcess that are the command's own: Win32 number to errno (ENOENT, EACCES, ENOEXEC). */
const commandsFault: Readonly<Record<number, number>> = { 2: 2, 3: 2, 5: 13, 193: 8, 216: 8, 267: 2, 740: 13 }

/** Why nothing ran, or why the end is not known. */
export function helperError(
  { stage, win32, message }: Extract<RunnerMessage, { type: 'error' }>,
  command: NamedCommand,
) {
  const errno = stage === 'create-process' ? commandsFault[win32] : undefined
  const failure = new LaunchError(`cannot confine the command: ${message} (${stage}, Win32 error ${win32})`, { stage })
  return errno === undefined
    ? failure
    : new SpawnError(command.file, command.args, errno, failure, ` (Win32 error ${win32})`)
}

export function brokenConversation(why: string): LaunchError {
  return new LaunchError(`cannot confine the command: ${why}`, { stage: 'helper' })
}

/** One helper's words, as they come. */
export class HelperTalk {
  readonly #decoder = new FrameDecoder()
  state: ConversationState = 'starting'
  #failure: Extract<RunnerMessage, { type: 'error' }> | null = null
  #ran = false

  get ran(): boolean {
    return this.#ran
  }

  take(bytes: Uint8Array): void {
    for (const result of this.#decoder.push(bytes)) this.#take(result)
  }

  #take(result: FrameResult): void {
    const message = 'flaw' in result ? null : readRunnerMessage(result.message)
    // The helper passes descriptors on; output by messages is the runner's.
    this.state = message?.type === 'output' ? 'broken' : afterRunnerMessage(this.state, message)
    if (this.state === 'running') this.#ran = true
    if (message?.type === 'error' && this.state === 'ended') this.#failure = message
  }

  /** Null where it said everything that it should have until now. `over`: it says no more. */
  problem(command: NamedCommand, over: boolean): Error | null {
    if (this.state === 'broken') return brokenConversation('the helper said something that it cannot say')
    if (this.#failure !== null) return helperError(this.#failure, command)
    if (!over || this.state === 'ended') return null
    const when = this.#ran ? 'before the command had' : 'before the command was started'
    return brokenConversation(`the helper ended ${when}`)
  }
}

/** The helper of a child that runs. */
export class HelperConversation {
  readonly #talk = new HelperTalk()
  /** Resolves when the command runs under the token; rejects, and nothing was executed. */
  readonly started: Promise<void>
  readonly #over: Promise<Error | null>
  readonly #command: NamedCommand

  constructor(child: ChildProcess, status: Readable | null | undefined, command: NamedCommand) {
    this.#command = command
    this.#over = new Promise<Error | null>(resolve => {
      child.once('error', resolve)
      status?.once('error', resolve)
      status?.once('end', () => resolve(null))
      status?.once('close', () => resolve(null))
    })
    this.started = new Promise((resolve, reject) => {
      status?.on('data', (bytes: Buffer) => {
        this.#talk.take(bytes)
        const problem = this.#talk.problem(command, false)
        if (problem === null) {
          if (this.#talk.ran) resolve()
          return
        }
        // Once the command runs, only its end can be told by this.
        reject(problem)
        child.kill('SIGKILL')
      })
      this.#over.then(error => {
        if (this.#talk.ran) return resolve()
        reject(error === null ? this.#talk.problem(command, true) : helperMissing(error))
      })
    })
  }

  /**
   * Resolves when the helper has told the command's end; rejects where that is not known. `killed`: a signal ended the helper, and
   * the command with it, which is an end as well.
   */
  async finished(killed: boolean): Promise<void> {
    await this.#over
    const problem = this.#talk.problem(this.#command, !killed)
    if (problem !== null) throw problem
  }
}

export function helperMissing(cause: Error): BackendError {
  return new BackendError(`cannot start the helper program: ${cause.message}`, { capability: 'windows-helper', cause })
}
