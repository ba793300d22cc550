/**
 * castellan: run a command inside an OS sandbox that holds it to a policy. The public API; re-exports only.
 */
export type { WrappedCommand } from './backend/wrap.ts'
export { type DoctorReport, doctor } from './doctor.ts'
export { type EntryDirectory, type EntryDirectoryOptions, makeEntryDirectory } from './entry/directory.ts'
export { dispatchEntry } from './entry/dispatch.ts'
export {
  BackendError,
  DisposedError,
  EntryError,
  type ErrorCode,
  InternalError,
  LaunchError,
  LibraryError,
  LimitError,
  OptionError,
  PolicyError,
  WindowsSetupError,
} from './errors.ts'
export type {
  BubblewrapCapability,
  Capability,
  DarwinCapabilities,
  HostCapabilities,
  LandlockCapability,
  LinuxCapabilities,
  WindowsCapabilities,
} from './host/capabilities.ts'
export type { Notice, NoticeCode } from './notices.ts'
export type { BubblewrapUse } from './plan/choose.ts'
export type { DecidedBy, Explanation, RuleId } from './plan/explain.ts'
export type { LimitName, Limits } from './plan/linux/process-limits.ts'
export type { LinuxEngine, LinuxPlan, MacosPlan, Plan, PlanLimit, PlanLimitCode } from './plan/plan.ts'
export { renderPlan } from './plan/render.ts'
export type { WindowsLimitCode } from './plan/windows/limits.ts'
export type { WindowsPlan } from './plan/windows/plan.ts'
export type { SetupStatus } from './plan/windows/setup-status.ts'
export { type SetupStep, windowsSetupSteps } from './plan/windows/setup-steps.ts'
export type { GitAccess } from './policy/git-access.ts'
export type { Policy } from './policy/policy.ts'
export { policies } from './policy/presets.ts'
export type { Access, ResolvedPolicy } from './policy/types.ts'
export { AbortError } from './process/abort-error.ts'
export type { InheritEnv } from './process/inherited-environment.ts'
export type { RunOptions, SpawnOptions } from './process/options.ts'
export type { RunResult } from './process/result.ts'
export type { SandboxedProcess } from './process/sandboxed-process.ts'
export { SpawnError } from './process/spawn-error.ts'
export {
  type EngineAnswer,
  type EngineVerdict,
  inspectPolicy,
  type PathInspection,
  type PolicyInspection,
} from './sandbox/inspect.ts'
export { type RestrictOptions, restrictCurrentProcess } from './sandbox/restrict.ts'
export { cleanUpWindows, type WindowsCleanupResult } from './sandbox/windows-cleanup.ts'
export {
  setUpWindows,
  type WindowsSetupOptions,
  type WindowsSetupReport,
  type WindowsSetupResult,
  windowsSetupStatus,
} from './sandbox/windows-setup.ts'
export {
  createSandbox,
  type ForkOptions,
  type LinuxOptions,
  type MacosOptions,
  type Sandbox,
  type SandboxOptions,
  type WindowsOptions,
} from './sandbox.ts'
