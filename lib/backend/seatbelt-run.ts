/** `run` on macOS: a command's collected output. */
import type { Writable } from 'node:stream'

import type { MacosPlan } from '../plan/plan.ts'
import { AbortError } from '../process/abort-error.ts'
import type { Command } from '../process/command.ts'
import type { RunOptions } from '../process/options.ts'
import type { PlanFacts, RunResult } from '../process/result.ts'
import type { ActiveRuns } from '../process/run.ts'
import { TreeEnding } from '../process/tree-ending.ts'
import { RunOutput, resultOf, type SeatbeltEnd } from './seatbelt-result.ts'
import { type StartedCommand, startCommand } from './seatbelt-start.ts'

/** How long output is awaited that something outside the command's group keeps open. */
const outputPatience = 1000

export async function runSeatbelt(
  plan: MacosPlan,
  command: Command,
  options: RunOptions,
  facts: PlanFacts,
  active: ActiveRuns,
): Promise<RunResult<string | Buffer>> {
  const run = { plan, command, options, facts, startedAt: performance.now() }
  const { signal } = options
  if (signal?.aborted) throw new AbortError(signal.reason)
  const started = startCommand(plan, command)
  const { child } = started
  const ending = new TreeEnding({
    pid: child.pid,
    ownSession: command.session === 'new',
    limits: command.limits,
    options,
  })
  const output = new RunOutput(run, () => ending.exceeded('outputBytes'))
  output.collect(child.stdout, 0)
  output.collect(child.stderr, 1)
  feed(child.stdin, options.input)
  let aborted = false
  let reason: unknown
  const endFor = (why: unknown) => {
    if (!aborted) reason = why
    aborted = true
    ending.terminate()
  }
  const abort = () => endFor(signal?.reason)
  active.add(endFor)
  signal?.addEventListener('abort', abort, { once: true })
  const end = await endOf(started, ending, options.lifetime)
  active.delete(endFor)
  signal?.removeEventListener('abort', abort)
  // First: what was ended before it was confined tells of a failed start that is none.
  if (aborted) throw new AbortError(reason)
  // What a limit ended may have run.
  if (ending.limit === null) await started.confined
  return resultOf(run, { pid: child.pid ?? 0, ...end, limit: ending.limit, output })
}

type End = Pick<SeatbeltEnd, 'code' | 'signal'>

/** Resolves when the command has ended, its tree with it, and its output is read. */
function endOf({ child }: StartedCommand, ending: TreeEnding, lifetime: RunOptions['lifetime']): Promise<End> {
  return new Promise(resolve => {
    let end: End = { code: null, signal: null }
    const finished = () => resolve(end)
    child.once('error', () => {
      ending.exited()
      // Nothing was started, so nothing else will be told.
      if (child.pid === undefined) finished()
    })
    child.once('exit', (code, signal) => {
      end = { code, signal }
      ending.exited()
      if (lifetime === 'session') return
      setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream?.destroy()
      }, outputPatience).unref()
    })
    child.once('close', finished)
  })
}

function feed(stdin: Writable | null, input: RunOptions['input']): void {
  // The command may end without having read it.
  stdin?.on('error', () => {})
  stdin?.end(input ?? '')
}
