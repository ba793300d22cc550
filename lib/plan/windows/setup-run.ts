/**
 * Carries a setup out: one step after the other, each by whoever can. Pure over its port. A step that fails ends it, named, and the
 * next run begins with the first step again, since every step can be done twice; the marker is filled last, so nothing that stopped
 * on the way looks ready (spec/windows H.2).
 */
import {
  advanceSetup,
  beginSetup,
  type SetupErrorCode,
  type SetupMode,
  type SetupState,
  type SetupStep,
} from './setup-steps.ts'

/** Why a step failed. What is in it may be shown and written down: no password, no blob. */
export interface SetupFailure {
  readonly code?: SetupErrorCode
  /** Of the system, where a call failed. */
  readonly win32?: number
  /** Of a place that cannot be written. */
  readonly path?: string
  readonly message: string
}

export interface SetupPort {
  /** Does one step; null when it is done. A rejection is a failure of the step too. */
  perform(step: SetupStep): Promise<SetupFailure | null>
}

export interface SetupReport {
  readonly state: Exclude<SetupState, { phase: 'running' }>
  /** In order, without the one that failed. */
  readonly done: readonly SetupStep[]
  readonly failure: SetupFailure | null
}

export async function runSetup(mode: SetupMode, port: SetupPort, told: (step: SetupStep) => void = () => {}) {
  const done: SetupStep[] = []
  let state = beginSetup(mode)
  let failure: SetupFailure | null = null
  while (state.phase === 'running') {
    const { step } = state
    told(step)
    failure = await attempt(port, step)
    if (failure === null) {
      done.push(step)
      state = advanceSetup(state, { kind: 'done', step })
    } else {
      state = advanceSetup(state, { kind: 'failed', step, code: failure.code })
    }
  }
  return { state, done, failure } satisfies SetupReport
}

async function attempt(port: SetupPort, step: SetupStep): Promise<SetupFailure | null> {
  try {
    return await port.perform(step)
  } catch (error) {
    // Not the error's own text: nobody knows what is in it.
    return { message: `the step ended with ${error instanceof Error ? error.name : 'something that is no error'}` }
  }
}
