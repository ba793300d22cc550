// npm run package [-- --out DIR] [--host]
//
// Makes the tarball that is published, in .cache/release/. --host takes the addon of this checkout instead of prebuilds/.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { pack } from './package/stage.mjs'
import { cache } from './prebuild/toolchain.mjs'

const { values } = parseArgs({ options: { out: { type: 'string' }, host: { type: 'boolean', default: false } } })
try {
  const out = path.resolve(values.out ?? path.join(cache, 'release'))
  mkdirSync(out, { recursive: true })
  const { tarball, files, packedBytes, unpackedBytes } = pack({ out, host: values.host })
  console.log(`${tarball}: ${files.length} files, ${packedBytes} bytes, ${unpackedBytes} unpacked`)
} catch (error) {
  console.error(`pack: ${error.message}`)
  process.exitCode = 1
}
