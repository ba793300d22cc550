/** The README's support table is the one that the last run of the matrix made, and says nothing that it did not see. */
import { describe, expect, it } from 'vitest'

import { askProgram, everything, type StepResult } from '../../scripts/matrix/ask.mjs'
import { type MatrixResults, table, withTable } from '../../scripts/matrix/table.mjs'
import { told } from '../../scripts/matrix/wine.mjs'
import { text } from './repository.ts'

const results = JSON.parse(text('scripts/matrix/results.json')) as MatrixResults

const answers: Readonly<Record<string, string>> = {
  'host.mjs': '{"inside":"inside","refused":true,"engine":"bwrap"}\n',
  'host.cjs': '{"inside":"inside","refused":true,"engine":"bwrap"}\n',
  doctor: 'ENGINE\n\nHealthy: workspace-write holds here.\n',
  'echo inside > made && cat made': 'inside\n',
  'echo x > "$HOME/command" || echo refused': 'refused\n',
  'auth-host.mjs': 'logged in\nlogged out: removed true, revoked true\n',
}

/** Every program goes well but those that `change` has an answer for. */
function starting(change: Readonly<Record<string, Partial<StepResult>>> = {}) {
  const started: string[] = []
  const start = (args: readonly string[]) => {
    const word = args.at(-1)!
    started.push(word)
    return { status: 0, stdout: answers[word]!, stderr: '', ...change[word] }
  }
  return { start, started }
}

describe('a row of a program', () => {
  const all = { args: ['host.mjs'], all: true }

  it('says of its own host what that did, and nothing of what was not asked', () => {
    const { start, started } = starting()
    expect(askProgram({ args: ['host.mjs'] }, start)).toEqual({
      did: 'a command ran and a write was refused (engine `bwrap`)',
    })
    expect(started).toEqual(['host.mjs'])
  })

  it('that asks everything starts the command line, a host by require and the auth example, and says so', () => {
    const { start, started } = starting()
    const { did, trouble } = askProgram(all, start)
    expect([trouble, started]).toEqual([undefined, Object.keys(answers)])
    expect(did).toMatch(/ESM.*`require`.*`castellan run`.*`castellan doctor`.*auth example/)
  })

  const bad: readonly [string, Partial<StepResult>][] = [
    ['host.mjs', { stdout: '{"inside":"inside","refused":false,"engine":"bwrap"}' }],
    ['host.cjs', { stdout: '{"inside":"","refused":true,"engine":"bwrap"}' }],
    ['doctor', { stdout: 'Unhealthy: nothing holds here\n' }],
    ['echo inside > made && cat made', { status: 125, stdout: '' }],
    ['echo x > "$HOME/command" || echo refused', { stdout: '' }],
    ['auth-host.mjs', { stdout: 'logged out: removed true, revoked false\n' }],
  ]
  it.each(bad)('fails with %s, even where that ends with 0', (word, result) => {
    const { start, started } = starting({ [word]: result })
    const index = Object.keys(answers).indexOf(word)
    const name = ['its host', ...everything.map(step => step.name)][index]!
    const { did, trouble } = askProgram(all, start)
    expect([did, started.length, trouble?.startsWith(`${name}: `)]).toEqual(['', index + 1, true])
  })
})

describe('the row of Windows', () => {
  const rig = [
    'node.exe v22.23.3 x64',
    'ok     the addon: loading, facts: 12 of 12 (40 ms)',
    'ok     jobs and handles: 30 of 30 (900 ms)',
    'sum {"passed":42,"failed":0}',
    '',
    '42 of 42 checks passed under Wine.',
  ]
  const answer = { code: 'ERR_BACKEND_UNAVAILABLE', usable: [] }
  const run = { answer, loaded: { status: 0 }, rig: rig.join('\n') }

  it('says which parts ran, that the package refused, and that enforcement was not tested', () => {
    expect(told(run)).toEqual({
      version: '22.23.3',
      did:
        'the package was loaded, `doctor` found no backend, and `createSandbox` refused (`ERR_BACKEND_UNAVAILABLE`); ' +
        '42 checks passed of: the addon; jobs and handles; enforcement was not tested',
    })
  })

  it.each([
    ['the package did not load', { ...run, answer: undefined }, 'node.exe: 0'],
    ['it made a sandbox that nothing holds', { ...run, answer: { usable: [] } }, 'did not refuse'],
    ['it found a backend', { ...run, answer: { ...answer, usable: ['unelevated'] } }, 'did not refuse'],
    ['a check failed', { ...run, rig: rig.join('\n').replace('42 of 42', '41 of 42') }, '41 of 42'],
    ['a part failed', { ...run, rig: rig.join('\n').replace('ok     jobs', 'FAILED jobs') }, 'FAILED jobs'],
    ['the rig came to no end', { ...run, rig: rig.slice(0, 2).join('\n') }, 'loading'],
  ])('fails where %s', (_, bad, trouble) => {
    expect(told(bad)).toMatchObject({ did: '', trouble: expect.stringContaining(trouble) as string })
  })
})

describe('the support table', () => {
  it('of the README is made from the results', () => {
    expect(withTable(text('README.md'), results)).toBe(text('README.md'))
  })

  it('has the documented runtimes and package managers in it', () => {
    const names = results.rows.map(({ name }) => name)
    const runtimes = ['Node.js 20', 'Node.js 22', 'Node.js 24', 'Node.js 26', 'Bun', 'Deno']
    const managers = ['Installed by npm', 'Installed by pnpm', 'Installed by Yarn Classic', 'Installed by Yarn']
    expect(names).toEqual(expect.arrayContaining([...runtimes, ...managers]))
  })

  it('says of what failed that it did, and of what was not run what was missing', () => {
    const rows = [
      { name: 'Node.js 20', version: '20.1.0', passed: true, did: 'a command ran' },
      { name: 'Bun', version: '1.2.3', passed: false, did: 'a command ran' },
    ]
    const made = table({ system: 'Linux', rows: [...rows, { name: 'Windows', notRun: 'there is no Wine here' }] })
    expect(made).toContain('| Windows | not run: there is no Wine here |')
    expect(made).toContain('| Node.js 20 (20.1.0) | a command ran |')
    expect(made).toContain('| Bun (1.2.3) | **failed** |')
  })
})
