// Gives the programs named on the command line their execute bit, which the TypeScript compiler does not set.
import { chmodSync } from 'node:fs'

for (const file of process.argv.slice(2)) chmodSync(file, 0o755)
