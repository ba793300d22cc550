/** What the scripts of an entry directory start: the first argument is the name by which they were called. */
import { dispatchEntry } from '../entry/dispatch.ts'

const [executable = '', , name = '', ...args] = process.argv

/** Awaited by whoever starts this file: see main.ts. */
export const ended: Promise<void> = dispatchEntry([executable, name, ...args], name).then(() => {
  process.stderr.write(`castellan: there is no entry ${JSON.stringify(name)}\n`)
  process.exitCode = 2
})
