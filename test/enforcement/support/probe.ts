/**
 * Compiles the probe and asks the system with it: what a command inside a sandbox may do, operation by operation.
 */
import { execFileSync } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

import type { PlanLimitCode, RunOptions, Sandbox } from '../../../lib/index.ts'

const source = fileURLToPath(new URL('probe.c', import.meta.url))

/** Why there is no probe, or null. */
export const compilerMissing: string | null = (() => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return null
  } catch {
    return 'needs a C compiler (cc), found none'
  }
})()

/** Static, so that it runs where no library can be read. */
export function compileProbe(folder: string): string {
  const program = path.join(folder, 'probe')
  execFileSync('cc', ['-static', '-O1', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] })
  return program
}

/**
 * What is expected of an operation: it goes through; it is refused with one of the errors of a refusal; it is refused except
 * where the plan itself declares a limit; or exactly this answer.
 */
export type Expectation = 'allow' | 'deny' | { readonly limit: PlanLimitCode } | RegExp

export type Rows = readonly (readonly [operation: string, expected: Expectation])[]

const refusals = new Set(['EACCES', 'EPERM', 'EROFS', 'EXDEV', 'EBUSY', 'ENXIO', 'ESRCH'])

/** The answers, in the order of the operations. */
export async function ask(
  sandbox: Sandbox,
  probe: string,
  operations: readonly string[],
  options: RunOptions = {},
): Promise<string[]> {
  const result = await sandbox.run(probe, operations, { timeout: 60_000, ...options })
  const lines = String(result.stdout).split('\n').slice(0, -1)
  expect({ exitCode: result.exitCode, signal: result.signal, lines: lines.length }, String(result.stderr)).toEqual({
    exitCode: 0,
    signal: null,
    lines: operations.length,
  })
  return lines
}

/** Asks for every row and compares; a failure shows every row that differs. */
export async function check(sandbox: Sandbox, probe: string, rows: Rows, options: RunOptions = {}): Promise<void> {
  // Before the run: what the command changes may change the plan of the next one.
  const limits = new Set(sandbox.plan.limits.map(({ code }) => code))
  const answers = await ask(
    sandbox,
    probe,
    rows.map(([operation]) => operation),
    options,
  )
  const found: Record<string, string> = {}
  const wanted: Record<string, string> = {}
  rows.forEach(([operation, expected], index) => {
    const answer = answers[index]!
    const plain =
      expected instanceof RegExp || typeof expected === 'string'
        ? expected
        : limits.has(expected.limit)
          ? 'allow'
          : 'deny'
    wanted[operation] = String(plain)
    found[operation] = describeAnswer(answer, plain)
  })
  expect(found).toEqual(wanted)
}

function describeAnswer(answer: string, expected: 'allow' | 'deny' | RegExp): string {
  if (expected instanceof RegExp) return expected.test(answer) ? String(expected) : answer
  if (expected === 'allow' && (answer === 'ok' || answer.startsWith('ok:'))) return 'allow'
  if (expected === 'deny' && refusals.has(answer)) return 'deny'
  return answer in constants.errno || answer === 'ok' ? answer : `answered ${answer}`
}
