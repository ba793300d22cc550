/** The checks for whoever has a Mac, as far as they go without one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { inRoot } from './repository.ts'

interface Report {
  readonly executed: boolean
  readonly system: { readonly platform: string }
  readonly parts: readonly {
    readonly name: string
    readonly done: number
    readonly needsMac: number
    readonly different: readonly string[]
  }[]
}

describe.skipIf(process.platform === 'darwin')('npm run macos-check, elsewhere', () => {
  let folder: string
  let printed: string
  let text: string

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'castellan-kit-'))
    const out = path.join(folder, 'report.json')
    const env = { ...process.env, TMPDIR: folder }
    printed = execFileSync(process.execPath, [inRoot('scripts/macos-check.mjs'), '--out', out], {
      encoding: 'utf8',
      env,
    })
    text = readFileSync(out, 'utf8')
  }, 120_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('goes as far as no Mac is needed, finds no difference, and says what is left', () => {
    const report = JSON.parse(text) as Report
    expect(report).toMatchObject({ executed: false, system: { platform: process.platform } })
    expect(report.parts.map(({ name, needsMac, different }) => [name, needsMac > 0, different])).toEqual([
      ['profiles', true, []],
      ['files', true, []],
      ['network', true, []],
      ['processes', true, []],
    ])
    expect(report.parts.find(({ name }) => name === 'profiles')?.done).toBeGreaterThan(100)
    expect(printed).toContain("nothing was compiled by Apple's compiler and nothing executed")
    expect(printed).toMatch(/files: \d+ checked, 0 different, \d+ need the kernel of a Mac/)
  })

  it('leaves nothing behind and names no place of this machine', () => {
    expect(readdirSync(folder)).toEqual(['report.json'])
    expect(text).not.toContain(folder)
  })
})
