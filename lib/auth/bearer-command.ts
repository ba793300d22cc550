/**
 * A bearer that a configured command prints (auth.md §3), presented as an API key.
 *
 * The command runs without a shell and without input, for at most its time-out. Its output is a secret: it is trimmed,
 * cached in memory and quoted nowhere, and neither is what it prints on its error stream.
 */
import { execFile } from 'node:child_process'
import { AuthError } from './errors.ts'
import { emptyRecord } from './record.ts'
import { AuthSnapshot } from './snapshot.ts'

export interface BearerCommand {
  /** A bare name looked up in PATH, or a path; a relative one starts at `cwd`. */
  readonly command: string
  readonly args?: readonly string[]
  readonly cwd?: string
  /** Default 5000. */
  readonly timeoutMs?: number
  /** The age at which the command is run again, in milliseconds. 0: never by age. Default 300 000. */
  readonly refreshIntervalMs?: number
}

const largestOutput = 64 * 1024

export class BearerSource {
  readonly #command: BearerCommand
  readonly #now: () => number
  #cached: { readonly snapshot: AuthSnapshot; readonly at: number } | undefined
  #running: Promise<AuthSnapshot> | undefined

  constructor(command: BearerCommand, now: () => number) {
    this.#command = command
    this.#now = now
  }

  /** The current bearer; runs the command when there is none or it is too old. @throws AuthError `external`. */
  async resolve(): Promise<AuthSnapshot> {
    const { refreshIntervalMs = 300_000 } = this.#command
    const cached = this.#cached
    const fresh = cached !== undefined && (refreshIntervalMs === 0 || this.#now() - cached.at < refreshIntervalMs)
    return fresh ? cached.snapshot : this.refresh()
  }

  /** Runs the command, once for all callers that ask meanwhile. @throws AuthError `external`. */
  refresh(): Promise<AuthSnapshot> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<AuthSnapshot> {
    const bearer = await runBearerCommand(this.#command)
    const record = Object.freeze({ ...emptyRecord, authMode: 'apikey' as const, apiKey: bearer })
    const snapshot = new AuthSnapshot(record, 'command')
    this.#cached = { snapshot, at: this.#now() }
    return snapshot
  }
}

function runBearerCommand({ command, args = [], cwd, timeoutMs = 5_000 }: BearerCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      timeout: timeoutMs,
      maxBuffer: largestOutput,
      killSignal: 'SIGKILL',
      encoding: 'buffer',
    } as const
    const child = execFile(command, [...args], options, (error, stdout) => {
      const bearer = error === null ? decodeOutput(stdout) : ''
      if (bearer === '') reject(new AuthError('external', { operation: 'command' }))
      else resolve(bearer)
    })
    child.stdin?.end()
  })
}

function decodeOutput(output: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(output).trim()
  } catch {
    return ''
  }
}
