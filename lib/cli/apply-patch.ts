/** `castellan apply-patch`: a patch from an argument or the standard input, under a policy, applied or only looked at. */
import { isatty } from 'node:tty'

import {
  type AppliedPatch,
  applyPatch,
  type FileChange,
  PatchConflictError,
  PatchError,
  PatchIoError,
  PatchNoMatchError,
  type PatchOptions,
  type PatchPlan,
  PatchRefusedError,
  planPatch,
} from '../apply-patch/index.ts'
import { tellNotes, textOfFailure } from './apply-patch-entry.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import { existingDirectory } from './directory.ts'
import type { Ending } from './ending.ts'
import { untilInterrupted } from './interruption.ts'
import { checkedArgument, PatchInputError, readStandardInput } from './patch-input.ts'
import { choosePolicy, policyOptions } from './policy-option.ts'
import { painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const { policy, profile, writable } = policyOptions as Required<
  Pick<typeof policyOptions, 'policy' | 'profile' | 'writable'>
>

export const applyPatchCommand: Subcommand = {
  options: {
    policy,
    profile,
    writable,
    cwd: { type: 'string', short: 'C' },
    check: { type: 'boolean' },
    diff: { type: 'boolean' },
    json: { type: 'boolean' },
    overwrite: { type: 'boolean' },
    environment: { type: 'string' },
    'accept-races': { type: 'boolean' },
  },
  until: 'end',
  act,
}

/** @throws {UsageError}, and what `applyPatch` throws beside errors of the patch itself */
async function act(line: CommandLine): Promise<Ending> {
  const given = readPatch(line)
  const options = optionsOf(line)
  try {
    return await untilInterrupted(signal => carryOut(given, { ...options, signal }, line))
  } catch (error) {
    if (!(error instanceof PatchError)) throw error
    if (line.has('json')) say('stdout', JSON.stringify({ applied: false, error: describeError(error) }, null, 2))
    else
      say(
        'stderr',
        `${painter('stderr')('red', 'castellan:')} ${textOfFailure(error).split('\n').map(printable).join('\n')}`,
      )
    return 1
  }
}

function readPatch(line: CommandLine): string {
  const [argument, ...more] = line.words
  if (more.length > 0) throw new UsageError(`apply-patch takes one patch, found ${line.words.length}; quote it`)
  if (argument === undefined && isatty(0))
    say('stderr', 'castellan: reading the patch from the terminal; Ctrl-D ends it')
  try {
    const text = argument === undefined ? readStandardInput() : checkedArgument(argument)
    if (text.trim() !== '') return text
  } catch (error) {
    if (error instanceof PatchInputError) throw new UsageError(error.message)
    throw error
  }
  throw new UsageError('there is no patch: give it as an argument or on stdin')
}

function optionsOf(line: CommandLine): PatchOptions {
  const cwd = line.one('cwd')
  const environment = line.one('environment')
  return {
    cwd: cwd === undefined ? process.cwd() : existingDirectory('--cwd', cwd),
    policy: choosePolicy(line).policy,
    overwrite: line.has('overwrite'),
    ...(environment === undefined ? {} : { environment }),
    ...(line.has('accept-races') ? { races: 'accept' } : {}),
  }
}

async function carryOut(patch: string, options: PatchOptions, line: CommandLine): Promise<Ending> {
  const plan = line.has('check') || line.has('diff') || line.has('json') ? await planPatch(patch, options) : undefined
  // What is shown is what is applied, or nothing is.
  const applied = line.has('check')
    ? undefined
    : await applyPatch(patch, { ...options, ...(plan === undefined ? {} : { approved: plan }) })
  if (line.has('json')) say('stdout', JSON.stringify(describe(plan!, applied), null, 2))
  else tell(plan, applied, line.has('diff'))
  return 0
}

function tell(plan: PatchPlan | undefined, applied: AppliedPatch | undefined, diff: boolean): void {
  if (applied === undefined) {
    say('stdout', 'The patch can be applied. It would update the following files:')
    for (const path of plan!.added) say('stdout', `A ${printable(path)}`)
    for (const path of plan!.modified) say('stdout', `M ${printable(path)}`)
    for (const path of plan!.deleted) say('stdout', `D ${printable(path)}`)
  } else {
    tellNotes(applied)
    say('stdout', applied.summary.trimEnd().split('\n').map(printable).join('\n'))
  }
  if (diff) for (const change of plan!.changes) say('stdout', shownDiff(change))
}

/** Line by line, so that only line breaks of the diff break lines; a tab is a tab. */
function shownDiff({ unifiedDiff }: FileChange): string {
  const show = (text: string) => text.split('\t').map(printable).join('\t')
  return unifiedDiff.trimEnd().split('\n').map(show).join('\n')
}

function describe({ added, modified, deleted, changes }: PatchPlan, applied: AppliedPatch | undefined) {
  const shown = changes.map(({ kind, path, spelled, from, unifiedDiff }) => ({
    kind,
    path,
    spelled,
    from,
    unifiedDiff,
  }))
  return { applied: applied !== undefined, added, modified, deleted, changes: shown, notes: applied?.notes ?? [] }
}

function describeError(error: PatchError) {
  const { code, message, path, hunk, line } = error
  const reason = error instanceof PatchNoMatchError || error instanceof PatchConflictError ? error.reason : undefined
  const refused = error instanceof PatchRefusedError ? { target: error.target, access: error.access } : {}
  const failed = error instanceof PatchIoError ? { errno: error.errnoName, files: error.files } : {}
  return { code, message, path, hunk, line, reason, ...refused, ...failed }
}
