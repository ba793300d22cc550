/** The checks for whoever has a Windows machine, as far as they go without one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { inRoot } from './repository.ts'

describe.skipIf(process.platform === 'win32')('npm run windows-check, elsewhere', () => {
  let folder: string
  let printed: string
  let text: string

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'castellan-kit-'))
    const out = path.join(folder, 'report.json')
    const words = [inRoot('scripts/windows-check.mjs'), '--out', out]
    printed = execFileSync(process.execPath, words, { encoding: 'utf8', env: { ...process.env, TMPDIR: folder } })
    text = readFileSync(out, 'utf8')
  }, 120_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('makes every decision, finds no difference, and says what is left', () => {
    const report = JSON.parse(text)
    expect(report).toMatchObject({ executed: false, system: { platform: process.platform } })
    const parts = report.parts.map(({ name, needsWindows, different }: Record<string, unknown>) => [
      name,
      Number(needsWindows) > 0,
      different,
    ])
    expect(parts).toEqual([
      ['decisions', false, []],
      ['commands', true, []],
    ])
    expect(report.parts[0].done).toBeGreaterThan(119)
    expect(printed).toContain('no token was restricted and nothing executed')
    expect(printed).toMatch(/commands: 0 checked, 0 different, \d+ need Windows/)
  })

  it('leaves nothing behind and names no place of this machine', () => {
    expect(readdirSync(folder)).toEqual(['report.json'])
    expect(text).not.toContain(folder)
  })
})
