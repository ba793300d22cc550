/** `castellan windows`: what a person gets who is on another system, or asks for something that there is not. */
import { afterAll, describe, expect, it } from 'vitest'

import { castellan, ensureBuilt, temporaryPlace } from './castellan.ts'

ensureBuilt()
const place = temporaryPlace()
afterAll(() => place.remove())

const windows = (...words: string[]) => castellan(['windows', ...words], { cwd: place.path })

describe('castellan windows', () => {
  it('shows the steps of a setup and of a cleanup, the marker of a setup last, and does none', () => {
    const { code, stdout } = windows('setup', '--dry-run')
    expect(code).toBe(0)
    const steps = stdout.trim().split('\n').slice(1)
    expect(steps[0]).toBe('1. check-elevation')
    expect(steps.at(-1)).toMatch(/^\d+\. fill-marker$/)
    const cleanup = windows('cleanup', '--dry-run', '--accounts', '--json')
    expect(JSON.parse(cleanup.stdout)).toMatchObject({
      dryRun: true,
      steps: expect.arrayContaining(['remove firewall rules']),
    })
    expect(JSON.parse(windows('cleanup', '--dry-run', '--json').stdout).steps).not.toContain('remove firewall rules')
  })

  it.skipIf(process.platform === 'win32')('says on other systems that there is nothing to set up', () => {
    for (const word of ['setup', 'status', 'cleanup']) {
      const { code, stderr } = windows(word)
      expect(code).not.toBe(0)
      expect(stderr).toContain('nothing to set up on this system')
    }
  })

  it.each([
    [[], 'one of setup, status, cleanup'],
    [['stauts'], 'status'],
    [['setup', 'more'], 'takes no argument'],
    [['status', '--accounts'], 'has no option --accounts'],
    [['cleanup', '--proxy-port', '1'], 'has no option --proxy-port'],
    [['setup', '--proxy-port', '0'], 'is no port'],
    [['setup', '--proxy-port', '65536'], 'is no port'],
  ])('refuses %j', (words, told) => {
    const { code, stdout, stderr } = windows(...words)
    expect(code).toBe(2)
    expect(stderr).toContain(told)
    expect(stdout).toBe('')
  })
})
