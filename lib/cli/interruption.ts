/**
 * Work that Ctrl-C, a hang-up or a polite kill may end: it is told to stop and may clean up. A second signal ends the
 * program at once, as signals do.
 */
import type { Ending } from './ending.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How the work ended, or, when it was interrupted before it succeeded, the signal that did it. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<Ending>): Promise<Ending> {
  const controller = new AbortController()
  let interruption: NodeJS.Signals | undefined
  const interrupt = (signal: NodeJS.Signals) => {
    interruption = signal
    for (const each of signals) process.off(each, interrupt)
    controller.abort()
  }
  for (const each of signals) process.on(each, interrupt)
  try {
    const ending = await work(controller.signal)
    return ending === 0 ? ending : (interruption ?? ending)
  } catch (error) {
    if (interruption === undefined) throw error
    return interruption
  } finally {
    for (const each of signals) process.off(each, interrupt)
  }
}
