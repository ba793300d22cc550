/**
 * The guides' programs: a block of JavaScript that imports castellan is a whole program, and the block of text after it is what it
 * prints. Shorter pieces in TypeScript must name what exists.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doctor } from '../../lib/doctor.ts'
import { inRoot, manifest, requireBuild, root, text } from '../package/repository.ts'

const pages = readdirSync(inRoot('docs')).filter(name => name.endsWith('.md'))
const blocks = pages.flatMap(page =>
  [...text('docs', page).matchAll(/^```(js|ts)\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```)?/gm)].map(
    ([, language, code, printed], index) => ({ name: `${page} ${index + 1}`, language, code: code!, printed }),
  ),
)
const programs = blocks.filter(({ language, printed }) => language === 'js' && printed !== undefined)
const healthy = await doctor().then(
  report => report.healthy,
  () => false,
)

beforeAll(requireBuild)

describe('the programs of the guides', () => {
  let folder = ''
  let home = ''
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-guides-')))
    // Outside every root that workspace-write opens: /tmp is one of them, this is not.
    home = mkdtempSync('/var/tmp/castellan-guides-home-')
    mkdirSync(path.join(folder, '.git'))
    mkdirSync(path.join(folder, 'node_modules'))
    symlinkSync(root, path.join(folder, 'node_modules/castellan'))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(home, { recursive: true, force: true })
  })

  it('are there', () => {
    expect(programs.length).toBeGreaterThanOrEqual(6)
  })

  it.skipIf(!healthy).each(programs)(
    'do what they say: $name (needs an engine that holds workspace-write)',
    async ({ name, code, printed }) => {
      const file = `${name.replaceAll(/\W/g, '-')}.mjs`
      writeFileSync(path.join(folder, file), code)
      // Of a folder that this user may not search, a missing program would be EACCES.
      const env = { ...process.env, HOME: home, PATH: '/usr/local/bin:/usr/bin:/bin' }
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder, env })
      expect(stdout).toBe(printed)
      expect(stderr).toBe('')
      expect(readdirSync(home)).toEqual([])
    },
  )
})

describe('the pieces of the guides', () => {
  it('import what exists', async () => {
    const missing: string[] = []
    for (const { name, code } of blocks) {
      for (const [, names, from] of code.matchAll(/import \{([^}]*)\} from '(castellan[\w/-]*)'/g)) {
        const entry = manifest.exports[from!.replace('castellan', '.')] as { default: string }
        const exported = Object.keys((await import(inRoot(entry.default))) as object)
        const wanted = names!.split(',').map(one => one.trim())
        missing.push(...wanted.filter(one => !exported.includes(one)).map(one => `${name}: ${one} of ${from}`))
      }
    }
    expect(missing).toEqual([])
  })
})
