import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'

import { descendantsOf, listProcesses, ProcessTree } from '../../lib/process/process-tree.ts'

describe('the list of processes', () => {
  it('has this one, its parent, its group and its start', () => {
    const own = listProcesses().find(({ pid }) => pid === process.pid)
    expect(own).toMatchObject({ parent: process.ppid })
    expect(Date.parse(own?.started ?? '')).toBeLessThanOrEqual(Date.now())
  })

  it('tells what descends from a process', () => {
    const item = (pid: number, parent: number) => ({ pid, parent, group: 1, started: 'then' })
    const listed = [item(2, 1), item(3, 2), item(4, 3), item(5, 1), item(6, 5)]
    expect(descendantsOf(2, listed).map(({ pid }) => pid)).toEqual([2, 3, 4])
    expect(descendantsOf(9, listed)).toEqual([])
  })
})

describe('a tree whose leader has ended', () => {
  it('gives no signal to whoever has its number or its group later', async () => {
    // As if this child had got the numbers of a command that ended before.
    const child = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' })
    try {
      const tree = new ProcessTree(child.pid!, true)
      tree.leaveRest()
      tree.signal(9)
      await new Promise(resolve => setTimeout(resolve, 200))
      expect(child.exitCode).toBeNull()
      expect(child.signalCode).toBeNull()
    } finally {
      child.kill('SIGKILL')
    }
  })
})
