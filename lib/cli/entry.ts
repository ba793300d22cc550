#!/usr/bin/env node
/** What the scripts of an entry directory start: the first argument is the name by which they were called. */
import { dispatchEntry } from '../entry/dispatch.ts'

const [executable = '', , name = '', ...args] = process.argv
await dispatchEntry([executable, name, ...args], name)
process.stderr.write(`castellan: there is no entry ${JSON.stringify(name)}\n`)
process.exitCode = 2
