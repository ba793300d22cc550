import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { castellan, enginesHere, ensureBuilt, program, temporaryPlace } from './castellan.ts'

ensureBuilt()
const engines = enginesHere()
const place = temporaryPlace()
const cwd = path.join(place.path, 'work')
beforeAll(() => {
  mkdirSync(path.join(cwd, '.git'), { recursive: true })
  writeFileSync(path.join(cwd, '.git/config'), '')
  symlinkSync('.git/config', path.join(cwd, 'link'))
})
afterAll(() => place.remove())

const explain = (...words: string[]) => castellan(['explain', ...words], { cwd })

describe.runIf(engines.some(engine => engine !== 'landlock'))('castellan explain', () => {
  it('says access, deciding entry, plan line and engine as JSON', () => {
    const { code, stdout } = explain('--json', '.git/config', 'new.txt', '/etc/passwd')
    const answer = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(answer).toMatchObject({ policy: 'workspace-write', cwd, network: 'restricted' })
    expect(answer.engine).toMatch(/^(namespace|bwrap)$/)
    expect(answer.planDigest).toMatch(/^[0-9a-f]{64}$/)
    expect(answer.paths).toMatchObject([
      { path: `${cwd}/.git/config`, access: 'read', decidedBy: { kind: 'protection', name: '.git' } },
      { path: `${cwd}/new.txt`, access: 'write', decidedBy: { kind: 'entry' } },
      { path: '/etc/passwd', access: 'read', planLine: 'host-tree read', limits: [] },
    ])
    expect(answer.paths[0].planLine).toBe(`bind read directory "${cwd}/.git"`)
  })

  it('prints one row per path for a person, with where a link leads', () => {
    const { code, stdout } = explain('link', 'new.txt')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^policy workspace-write in .*, held by the engine \w+, network restricted$/m)
    expect(stdout).toMatch(/link -> .*\.git\/config +read +protection of \.git in /)
    expect(stdout).toMatch(/new\.txt +write +entry \d+: :\w+ +ACC-3 +bind write directory/)
  })

  it('says what the engines of every system would do with the path', () => {
    const { stdout } = explain('.git/config', 'new.txt')
    expect(stdout).toMatch(
      /^macos +seatbelt +would hold +read, write +by its plan all of it \(seatbelt-never-executed\)$/m,
    )
    expect(stdout).toMatch(/^windows +restricted-token +would hold +read, write +by its plan but for: \S/m)
    const policy = '{"kind":"restricted","entries":[{"path":{"type":"path","path":"/etc"},"access":"read"}]}'
    writeFileSync(path.join(cwd, 'etc.json'), policy)
    const [{ engines: answers }] = JSON.parse(explain('-p', 'etc.json', '--json', '/etc/passwd').stdout).paths
    expect(answers).toMatchObject([
      { system: 'linux', engine: 'namespace' },
      { system: 'linux', engine: 'bwrap' },
      { system: 'linux', engine: 'landlock' },
      { system: 'macos', state: 'would-hold', access: 'read', planLine: expect.stringContaining('/etc') },
      { system: 'windows', engine: 'restricted-token', state: 'would-refuse', access: null },
      { system: 'windows', engine: 'elevated' },
    ])
  })

  it('answers for the policy that is asked about', () => {
    expect(JSON.parse(explain('-p', 'read-only', '--json', 'new.txt').stdout).paths[0].access).toBe('read')
    expect(JSON.parse(explain('-p', 'danger-full-access', '--json', '/etc').stdout)).toMatchObject({
      network: 'enabled',
      paths: [{ access: 'write', decidedBy: { kind: 'open-policy' }, planLine: null }],
    })
  })
})

describe.runIf(engines.includes('landlock'))('castellan explain with Landlock alone', () => {
  it('shows where the plan gives more than the policy, and why', () => {
    const { stdout } = explain('--engine', 'landlock', '.git/config')
    expect(stdout).toMatch(/write, asked: read/)
    expect(stdout).toMatch(/^not held here: .*\(protected-paths\)$/m)
  })
})

describe('castellan doctor', () => {
  it('says as JSON what was found and how', () => {
    const { code, stdout } = castellan(['doctor', '--json'])
    const report = JSON.parse(stdout)
    expect(code).toBe(report.healthy ? 0 : 1)
    expect(Object.keys(report).sort()).toEqual(['capabilities', 'engines', 'healthy', 'version'])
    expect(report.engines.map(({ engine }: { engine: string }) => engine)).toEqual(['namespace', 'bwrap', 'landlock'])
    for (const engine of report.engines) expect(engine).toMatchObject({ usable: expect.any(Boolean) })
    expect(report.capabilities.landlock).toMatchObject({ available: expect.any(Boolean), how: expect.any(String) })
  })

  it('prints the same for a person', () => {
    const { code, stdout } = castellan(['doctor'])
    for (const name of ['namespace', 'bwrap', 'landlock']) {
      expect(stdout).toMatch(new RegExp(`^${name} +${engines.includes(name) ? 'yes' : 'no'} +\\S`, 'm'))
    }
    expect(stdout).toMatch(code === 0 ? /^Healthy: /m : /^Not healthy: /m)
  })

  it('finds no bubblewrap where there is none on PATH, and says what to do', () => {
    const { stdout } = castellan(['doctor'], { env: { PATH: '/nonexistent' } })
    expect(stdout).toMatch(/^bwrap +no +\S/m)
    expect(stdout).toMatch(/^ {2}install bubblewrap/m)
  })
})

describe.runIf(engines.some(engine => engine !== 'landlock'))('a reader that has gone', () => {
  it.each(['doctor', 'doctor --json', 'help run', 'run --show-plan', 'explain /'])('%s ends quietly', words => {
    // The delay lets `true` end first; standard error goes past the broken pipe.
    const line = `{ { sleep 0.2; "$0" "$1" ${words}; echo "code $?" >&2; } | true; } 2>&1`
    expect(execFileSync('sh', ['-c', line, process.execPath, program], { cwd, encoding: 'utf8' })).toBe('code 0\n')
  })
})
