import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type Architecture,
  type SystemCallName,
  systemCallNames,
  systemCallNumber,
} from '../../../lib/plan/linux/system-calls.ts'

/** The headers that libc's development package installs. Calls newer than the installed header are not in it. */
const headers: readonly (readonly [Architecture, string])[] = [
  ['x64', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'],
  ['arm64', '/usr/include/asm-generic/unistd.h'],
]
/** Introduced by Linux 6.6 and 6.15. */
const newerThanMostHeaders: readonly SystemCallName[] = ['fchmodat2', 'open_tree_attr']

function definedNumbers(header: string): Map<string, number> {
  const lines = readFileSync(header, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$/gm)
  return new Map([...lines].map(([, name, number]) => [name!, Number(number)]))
}

describe.each(headers)('system call numbers for %s', (architecture, header) => {
  it('has at most one name for a number', () => {
    const numbers = systemCallNames.map(name => systemCallNumber(name, architecture)).filter(number => number !== null)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('agrees with the header of this machine', context => {
    if (!existsSync(header)) context.skip(`needs ${header}`)
    const defined = definedNumbers(header)
    const wanted = systemCallNames.filter(name => defined.has(name) || !newerThanMostHeaders.includes(name))
    const ours = Object.fromEntries(wanted.map(name => [name, systemCallNumber(name, architecture)]))
    expect(ours).toEqual(Object.fromEntries(wanted.map(name => [name, defined.get(name) ?? null])))
  })
})

it('does not guess the number of an unknown call', () => {
  expect(() => systemCallNumber('frobnicate', 'x64')).toThrow(/no number is known for the system call frobnicate/)
  expect(() => systemCallNumber('toString', 'x64')).toThrow(/no number is known/)
})
