import { describe, expect, it } from 'vitest'

import { type LimitQuestion, type Limits, noLimits, planLimits } from '../../../lib/plan/linux/process-limits.ts'

const seccomp = { architecture: 'x64', rules: [], program: '' } as const
const namespaces = { pid: true, ipc: true, net: false }

function ask(limits: Limits, change: Partial<LimitQuestion> = {}) {
  return planLimits({
    limits,
    plan: { engine: 'namespace', namespaces, seccomp },
    marks: true,
    privileged: false,
    countsPerNamespace: true,
    readsOutput: true,
    ...change,
  })
}

const unconfined = { plan: { engine: 'unconfined', namespaces: null, seccomp: null } } as const
const landlock = { plan: { engine: 'landlock', namespaces: null, seccomp } } as const

describe('planLimits', () => {
  it('holds nothing when nothing is asked for', () => {
    expect(ask({})).toEqual(noLimits)
    expect(ask({ memory: undefined })).toEqual(noLimits)
  })

  it('holds the tree, and each process a little later', () => {
    expect(ask({ cpuTime: 2500, memory: 1000, processes: 100 })).toEqual({
      kernel: { cpu: 4, data: 1250 + 64 * 2 ** 20, tasks: 201 },
      tree: { cpuTime: 2500, memory: 1000, tasks: 100 },
    })
  })

  it('counts helpers with the tasks of the namespace', () => {
    const tasks = (change: Partial<LimitQuestion>) => (ask({ processes: 5 }, change) as { kernel: object }).kernel
    expect(tasks({})).toEqual({ tasks: 38 })
    expect(tasks({ plan: { engine: 'bwrap', namespaces, seccomp } })).toEqual({ tasks: 39 })
    expect(tasks({ plan: { engine: 'namespace', namespaces: { ...namespaces, pid: false }, seccomp } })).toEqual({
      tasks: 37,
    })
  })

  it.each([
    ['root, which the kernel does not count', { privileged: true }],
    ['a kernel that counts per user', { countsPerNamespace: false }],
    ['no user namespace', landlock],
  ])('leaves tasks to the launcher for %s', (_, change) => {
    expect(ask({ processes: 5 }, change)).toEqual({ kernel: {}, tree: { tasks: 5 } })
  })

  it.each([
    ['memory', 'mark', { marks: false }],
    ['cpuTime', 'mark', { marks: false }],
    ['processes', 'mark', { marks: false }],
    ['memory', 'mark', unconfined],
    ['openFiles', 'setrlimit', { ...unconfined, privileged: true }],
    ['fileSize', 'setrlimit', { ...unconfined, privileged: true }],
    ['outputBytes', 'stdio', { readsOutput: false }],
  ] as const)('refuses %s (%s)', (limit, mechanism, change) => {
    expect(ask({ [limit]: 1000 }, change)).toMatchObject({ limit, mechanism })
    expect(ask({ [limit]: 1000 })).not.toHaveProperty('message')
  })

  it.each([
    ['openFiles', unconfined],
    ['wallClock', { ...unconfined, marks: false, privileged: true }],
    ['outputBytes', { ...unconfined, marks: false }],
  ] as const)('holds %s where others are refused', (limit, change) => {
    expect(ask({ [limit]: 1000 }, change)).not.toHaveProperty('message')
  })
})
