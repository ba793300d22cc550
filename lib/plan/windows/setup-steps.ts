/**
 * The setup of the elevated backend as a machine of steps (spec/windows H.2). The marker is emptied first and filled last, so that a
 * setup which failed or was interrupted anywhere never looks complete; every step can be done again.
 *
 *     begin ──▶ running(step) ──done──▶ running(next) ──…──▶ complete
 *                    └──failed──▶ failed(step, code) ──resume──▶ running(first)
 */

/** `full`: everything. `provision-only`: accounts and rules, no access lists. `refresh`: the lists alone, without a UAC prompt. */
export type SetupMode = 'full' | 'provision-only' | 'refresh'

export const setupSteps = [
  'check-elevation',
  'make-directories',
  'empty-marker',
  'make-group',
  'make-accounts',
  'protect-secrets',
  'write-users',
  'hide-accounts',
  'add-firewall-rules',
  'verify-firewall-rules',
  'deny-access',
  'grant-writing',
  'grant-reading',
  'lock-directories',
  'fill-marker',
] as const

export type SetupStep = (typeof setupSteps)[number]

/** Words of the reference where it has one. */
export type SetupErrorCode =
  | 'orchestrator_sandbox_dir_create_failed'
  | 'orchestrator_elevation_check_failed'
  | 'orchestrator_elevation_required'
  | 'orchestrator_payload_serialize_failed'
  | 'orchestrator_helper_launch_failed'
  | 'orchestrator_helper_launch_canceled'
  | 'orchestrator_helper_exit_nonzero'
  | 'orchestrator_helper_report_read_failed'
  | 'orchestrator_helper_incomplete'
  | 'helper_request_args_failed'
  | 'helper_sandbox_dir_create_failed'
  | 'helper_log_failed'
  | 'helper_user_provision_failed'
  | 'helper_users_group_create_failed'
  | 'helper_user_create_or_update_failed'
  | 'helper_dpapi_protect_failed'
  | 'helper_users_file_write_failed'
  | 'helper_setup_marker_write_failed'
  | 'helper_sid_resolve_failed'
  | 'helper_capability_sid_failed'
  | 'helper_firewall_com_init_failed'
  | 'helper_firewall_policy_access_failed'
  | 'helper_firewall_rule_create_or_add_failed'
  | 'helper_firewall_rule_verify_failed'
  | 'helper_firewall_policy_ineffective'
  | 'helper_read_acl_helper_spawn_failed'
  | 'helper_sandbox_lock_failed'
  | 'helper_unknown_error'

/** What a step that fails is called when it says no more. */
export const setupErrorOf: Readonly<Record<SetupStep, SetupErrorCode>> = {
  'check-elevation': 'orchestrator_elevation_required',
  'make-directories': 'helper_sandbox_dir_create_failed',
  'empty-marker': 'helper_setup_marker_write_failed',
  'make-group': 'helper_users_group_create_failed',
  'make-accounts': 'helper_user_create_or_update_failed',
  'protect-secrets': 'helper_dpapi_protect_failed',
  'write-users': 'helper_users_file_write_failed',
  'hide-accounts': 'helper_user_provision_failed',
  'add-firewall-rules': 'helper_firewall_rule_create_or_add_failed',
  'verify-firewall-rules': 'helper_firewall_rule_verify_failed',
  'deny-access': 'helper_capability_sid_failed',
  'grant-writing': 'helper_capability_sid_failed',
  'grant-reading': 'helper_read_acl_helper_spawn_failed',
  'lock-directories': 'helper_sandbox_lock_failed',
  'fill-marker': 'helper_setup_marker_write_failed',
}

const listSteps: readonly SetupStep[] = ['deny-access', 'grant-writing', 'grant-reading']

export function stepsOf(mode: SetupMode): readonly SetupStep[] {
  if (mode === 'refresh') return listSteps
  return mode === 'full' ? setupSteps : setupSteps.filter(step => !listSteps.includes(step))
}

/** The steps of a setup, in order, for whoever wants to see them first. */
export const windowsSetupSteps: readonly SetupStep[] = Object.freeze(stepsOf('provision-only'))

export type SetupState =
  | { readonly phase: 'running'; readonly mode: SetupMode; readonly step: SetupStep }
  | { readonly phase: 'failed'; readonly mode: SetupMode; readonly step: SetupStep; readonly code: SetupErrorCode }
  | { readonly phase: 'complete'; readonly mode: SetupMode }

export type SetupEvent =
  | { readonly kind: 'done'; readonly step: SetupStep }
  | { readonly kind: 'failed'; readonly step: SetupStep; readonly code?: SetupErrorCode | undefined }
  | { readonly kind: 'resume' }

export function beginSetup(mode: SetupMode): SetupState {
  return { phase: 'running', mode, step: stepsOf(mode)[0]! }
}

/** An event that does not belong to the state changes nothing: a report that comes late must not skip a step. */
export function advanceSetup(state: SetupState, event: SetupEvent): SetupState {
  if (event.kind === 'resume') return state.phase === 'failed' ? beginSetup(state.mode) : state
  if (state.phase !== 'running' || event.step !== state.step) return state
  const { mode, step } = state
  if (event.kind === 'failed') return { phase: 'failed', mode, step, code: event.code ?? setupErrorOf[step] }
  const steps = stepsOf(mode)
  const next = steps[steps.indexOf(step) + 1]
  return next === undefined ? { phase: 'complete', mode } : { phase: 'running', mode, step: next }
}
