/** The error that an aborted wait ends with, as Node makes it. A file of its own: a host that imports the library has it at once. */
export class AbortError extends Error {
  readonly code = 'ABORT_ERR'

  constructor(reason: unknown) {
    super('The operation was aborted', { cause: reason })
  }

  override get name(): string {
    return 'AbortError'
  }
}
