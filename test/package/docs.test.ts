/**
 * The documents against the code: codes that exist are explained, codes that are explained exist, links lead somewhere, and
 * the first example of the README does what it says.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doctor } from '../../lib/doctor.ts'
import { BackendError } from '../../lib/errors.ts'
import { stageNames } from '../../lib/native/stages.ts'
import { inRoot, manifest, requireBuild, root, text, unionMembers } from './repository.ts'

const documents = [
  ...readdirSync(root).filter(name => name.endsWith('.md')),
  ...readdirSync(inRoot('docs')).map(name => `docs/${name}`),
  'prebuilds/README.md',
].filter(name => name.endsWith('.md'))

const errorCodes = unionMembers('lib/errors.ts', 'ErrorCode')
const noticeCodes = unionMembers('lib/notices.ts', 'NoticeCode')
const limitCodes = unionMembers('lib/plan/plan.ts', 'PlanLimitCode')

describe('the documents', () => {
  it('are there', () => {
    for (const name of ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
      expect(documents).toContain(name)
    expect(errorCodes.length).toBeGreaterThan(10)
    expect(noticeCodes.length).toBeGreaterThan(5)
    expect(limitCodes.length).toBeGreaterThan(3)
  })

  it('explain every error code, notice code and stage in errors.md', () => {
    const page = text('docs/errors.md')
    const stages = stageNames.filter(name => name !== 'none')
    const missing = [...errorCodes, ...noticeCodes, ...stages].filter(code => !page.includes(`\`${code}\``))
    expect(missing).toEqual([])
  })

  it('explain every limit of a plan in limits.md', () => {
    const page = text('docs/limits.md')
    expect(limitCodes.filter(code => !page.includes(`| \`${code}\` |`))).toEqual([])
  })

  it.each(documents)('%s names no error code that does not exist', name => {
    const named = [...text(name).matchAll(/\bERR_[A-Z_]*[A-Z]\b/g)].map(([code]) => code)
    expect(named.filter(code => !errorCodes.includes(code))).toEqual([])
  })

  it.each(documents)('%s names no npm script that does not exist', name => {
    const named = [...text(name).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script]) => script!)
    expect(named.filter(script => manifest.scripts[script] === undefined)).toEqual([])
  })

  it.each(documents)('%s has links that lead somewhere', name => {
    const broken = [...withoutCode(text(name)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter(target => !/^[a-z]+:/.test(target))
      .filter(target => !resolves(name, target))
    expect(broken).toEqual([])
  })
})

function resolves(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#')
  const page = file === '' ? from : path.join(path.dirname(from), file)
  if (!existsSync(inRoot(page))) return false
  if (anchor === undefined) return true
  const headings = [...withoutCode(text(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!))
  return headings.includes(anchor)
}

/** As repository hosts make them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}

const withoutCode = (page: string) => page.replace(/^```[\s\S]*?^```$/gm, '')

async function machineConfines(): Promise<boolean> {
  try {
    return (await doctor()).healthy
  } catch (error) {
    if (error instanceof BackendError) return false
    throw error
  }
}

const confines = await machineConfines()

describe('the example of the README', () => {
  let folder = ''
  let home = ''

  beforeAll(() => {
    requireBuild()
    folder = mkdtempSync(path.join(tmpdir(), 'castellan-readme-'))
    // Outside every root that workspace-write opens: /tmp is one of them, this is not.
    home = mkdtempSync('/var/tmp/castellan-readme-home-')
    mkdirSync(path.join(folder, '.git'))
    mkdirSync(path.join(folder, 'node_modules'))
    symlinkSync(root, path.join(folder, 'node_modules/castellan'))
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(home, { recursive: true, force: true })
  })

  it.skipIf(!confines)('runs as it is written (needs an engine that holds workspace-write)', async () => {
    const example = /^```js\n([\s\S]*?)^```$/m.exec(text('README.md'))?.[1]
    expect(example?.split('\n').filter(line => line !== '').length).toBeLessThanOrEqual(10)
    writeFileSync(path.join(folder, 'example.mjs'), example!)
    const env = { ...process.env, HOME: home }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: folder, env })
    expect(stdout).toMatch(/^0 hello\n/)
    expect(stdout).toContain('castellan-was-here: Read-only file system')
    expect(stdout).toMatch(/access: 'read'/)
    expect(stderr).toBe('')
    expect(readdirSync(home)).toEqual([])
  })
})
