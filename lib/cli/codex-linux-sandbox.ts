#!/usr/bin/env node
/** The program `codex-linux-sandbox`. A file of its own: not every package manager keeps the name in a link. */
import { end } from './ending.ts'
import { runLinuxSandboxEntry } from './linux-sandbox.ts'

end(await runLinuxSandboxEntry(process.argv.slice(2)))
