/**
 * What a backend hands to the process layer: everything native code needs to start one command, and how to tell a
 * failure in the words of the plan.
 */
import { LaunchError } from '../errors.ts'
import type { NativeFailure, NativePlan } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { actOf, stageOf } from '../native/stages.ts'
import type { Command } from './command.ts'
import { SpawnError } from './spawn-error.ts'

export interface Launch {
  readonly plan: NativePlan
  readonly request: Uint8Array
  readonly stdio: readonly number[]
  /** The child's descriptor that carries records of the helper; -1: the launch itself tells everything. */
  readonly reportDescriptor: number
  /** Background processes must be gone when the command's end is told. */
  readonly endTreeFirst: boolean
  /** Closes what was opened for this launch. To be called once the child was started. */
  release(): void
}

/** Prepares launches of one plan. Made by a backend. */
export interface Launcher {
  prepare(command: Command): Launch
  /** The plan's line with this number, for messages. */
  planLine(stage: 'mount' | 'landlock', index: number): string | undefined
  /** Where the plan's mount with this number lies. */
  place(index: number): string | undefined
}

/** The error for a launch that failed: a SpawnError for what is the command's own fault, otherwise a LaunchError. */
export function launchFailure(failure: NativeFailure, command: Command, launcher: Launcher): Error {
  const stage = stageOf(failure.stage)
  const name = errnoName(failure.errno)
  const line =
    (stage === 'mount' || stage === 'landlock') && failure.index >= 0
      ? launcher.planLine(stage, failure.index)
      : undefined
  const object = stage === 'exec' ? command.file : stage === 'working-directory' ? command.cwd : line
  const cause = failure.errno === 0 ? 'it ended before it started the command' : name
  const message = `cannot ${actOf(stage)}${object === undefined ? '' : ` ${object}`}: ${cause}`
  const error = new LaunchError(message, {
    stage,
    errnoName: name,
    errno: failure.errno,
    ...(line === undefined ? {} : { planLine: line }),
    ...(stage === 'working-directory' ? { path: command.cwd } : {}),
  })
  if (stage === 'exec') return new SpawnError(command.file, command.args, failure.errno, error)
  if (stage === 'working-directory') {
    return new SpawnError(command.file, command.args, failure.errno, error, ` (working directory ${command.cwd})`)
  }
  return error
}
