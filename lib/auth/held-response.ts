/**
 * Holds a 401 back until it is decided whether the request is repeated.
 *
 * Every other answer passes through untouched. The body of a 401 is kept so that it can still be handed on when there is
 * nothing to repeat with; one that is larger than such answers are is handed on at once and decides nothing.
 */
import type { Dispatcher } from 'undici'

type Handler = Dispatcher.DispatchHandler
type Controller = Dispatcher.DispatchController
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2]

const largestHeldBody = 256 * 1024

export class HeldResponse implements Handler {
  readonly #handler: Handler
  readonly #decide: (response: HeldResponse) => Promise<void>
  #held: { controller: Controller; headers: Headers; message: string | undefined; size: number } | undefined
  readonly #chunks: Buffer[] = []
  #decided = false

  constructor(handler: Handler, decide: (response: HeldResponse) => Promise<void>) {
    this.#handler = handler
    this.#decide = decide
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context)
  }

  onRequestUpgrade(...parameters: Parameters<NonNullable<Handler['onRequestUpgrade']>>): void {
    this.#handler.onRequestUpgrade?.(...parameters)
  }

  onResponseStart(controller: Controller, status: number, headers: Headers, message?: string): void {
    if (status === 401) this.#held = { controller, headers, message, size: 0 }
    else this.#handler.onResponseStart?.(controller, status, headers, message)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#held === undefined) {
      this.#handler.onResponseData?.(controller, chunk)
      return
    }
    this.#held.size += chunk.length
    // A copy: undici uses the memory again.
    this.#chunks.push(Buffer.from(chunk))
    if (this.#held.size > largestHeldBody) this.#letGo()
  }

  #letGo(): void {
    const { controller, headers, message } = this.#held!
    this.#held = undefined
    this.#handler.onResponseStart?.(controller, 401, headers, message)
    for (const chunk of this.#chunks.splice(0)) this.#handler.onResponseData?.(controller, chunk)
  }

  onResponseEnd(controller: Controller, trailers: Headers): void {
    if (this.#held === undefined) this.#handler.onResponseEnd?.(controller, trailers)
    else this.#conclude()
  }

  onResponseError(controller: Controller, error: Error): void {
    if (this.#held === undefined || controller.aborted) this.#handler.onResponseError?.(controller, error)
    // The status was read; that its body broke off changes nothing about the refused token.
    else this.#conclude()
  }

  #conclude(): void {
    if (this.#decided) return
    this.#decided = true
    this.#decide(this).catch((error: Error) => this.#handler.onResponseError?.(this.#held!.controller, error))
  }

  /** Hands the 401 on after all. */
  passOn(): void {
    const { controller, headers, message } = this.#held!
    const replay = new ReplayController(controller)
    this.#handler.onResponseStart?.(replay, 401, headers, message)
    for (const chunk of this.#chunks) this.#handler.onResponseData?.(replay, chunk)
    this.#handler.onResponseEnd?.(replay, {})
  }
}

/** The connection has moved on to other requests: pausing it for a body that lies in memory would stop those. */
class ReplayController implements Controller {
  readonly aborted = false
  readonly reason = null
  readonly paused = false
  readonly rawHeaders: NonNullable<Controller['rawHeaders']> | null
  readonly rawTrailers = null

  constructor(original: Controller) {
    this.rawHeaders = original.rawHeaders ?? null
  }

  abort(): void {}
  pause(): void {}
  resume(): void {}
}
