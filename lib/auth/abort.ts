/**
 * Lets a caller stop waiting without stopping the work: a refresh that may have spent its token always ends (D25).
 */
import { AuthError } from './errors.ts'

/** @throws AuthError of kind `aborted` as soon as the signal fires; the promise goes on for the others. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? work : raceWith(work, signal)
}

async function raceWith<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined)
  let giveUp: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(new AuthError('aborted', { cause: signal.reason }))
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp)
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
