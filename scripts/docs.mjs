// npm run docs [-- --out DIR] [--screenshots DIR]
//
// Makes the documentation site in .cache/site: the guides of docs/, and the API from the types. Every link of the result is then
// followed. --screenshots takes pictures of some pages at the width of a desktop and of a phone, with the chromium of this machine.
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { brokenLinks } from './docs/links.mjs'
import { makeSite } from './docs/site.mjs'
import { cache, root } from './prebuild/toolchain.mjs'

const { values } = parseArgs({ options: { out: { type: 'string' }, screenshots: { type: 'string' } } })
const out = path.resolve(values.out ?? path.join(cache, 'site'))

try {
  rmSync(out, { recursive: true, force: true })
  const warnings = await makeSite({ root, out })
  for (const warning of warnings) console.error(`warning: ${warning}`)
  const broken = brokenLinks(out)
  for (const { page, link } of broken) console.error(`broken: ${page}: ${link}`)
  if (values.screenshots !== undefined) {
    const { takeScreenshots } = await import('./docs/screenshots.mjs')
    mkdirSync(values.screenshots, { recursive: true })
    await takeScreenshots(out, values.screenshots)
  }
  console.log(`${out}/index.html: ${broken.length} broken links, ${warnings.length} warnings`)
  if (broken.length + warnings.length > 0) process.exitCode = 1
} catch (error) {
  console.error(`docs: ${error.message}`)
  process.exitCode = 1
}
