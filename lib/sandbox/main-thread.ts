import { BackendError } from '../errors.ts'

/** Throws BackendError (capability `main-thread`): a worker must not confine the threads that started it. */
export function refuseWorker(isMainThread: boolean): void {
  if (isMainThread) return
  const message =
    'cannot confine a worker thread: the other threads of the process would escape, or be confined unasked'
  throw new BackendError(message, { capability: 'main-thread', hint: 'call it first of all in the main thread' })
}
