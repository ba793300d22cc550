/** The program `codex-linux-sandbox`. A file of its own: not every package manager keeps the name in a link. */
import { end } from './ending.ts'
import { runLinuxSandboxEntry } from './linux-sandbox.ts'

/** Awaited by whoever starts this file: see main.ts. */
export const ended: Promise<void> = runLinuxSandboxEntry(process.argv.slice(2)).then(end)
