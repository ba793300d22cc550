/**
 * `castellan/auth`: the keys. Start at `AuthManager`.
 */
export type { Authorization } from './authorization.ts'
export type { BearerCommand } from './bearer-command.ts'
export {
  AuthError,
  type FailureKind,
  type LoginReason,
  type PermanentReason,
  type PoisonReason,
  type Reason,
  type RefreshFailure,
  type TransientReason,
} from './errors.ts'
export type { EventName, EventOf, Listener, ManagerEvent, WarningCode } from './events.ts'
export type { ExternalAuth, ExternalRefreshContext, ExternalTokens } from './external.ts'
export { defaultLock, provideFlock } from './lock/default-lock.ts'
export type { FileLock, HeldLock, LockOptions } from './lock/file-lock.ts'
export { type Flock, kernelLock } from './lock/kernel-lock.ts'
export { ownerFileLock } from './lock/owner-file-lock.ts'
export type { LoginResult } from './login/attempt.ts'
export type { BrowserLogin, BrowserLoginOptions } from './login/browser.ts'
export type { DeviceLogin, DeviceLoginOptions } from './login/device.ts'
export { AuthManager, type LogoutResult, type RefreshOptions, type WaitOptions } from './manager.ts'
export type { AuthManagerOptions } from './options.ts'
export type { PlanType } from './plan-type.ts'
export { codexProvider, type OAuthProvider } from './provider.ts'
export type { AuthMode } from './record.ts'
export type { RecoveryAvailability, RecoveryResult, RecoveryStep, UnauthorizedRecovery } from './recovery.ts'
export type { RefreshResult } from './refresh/coordinator.ts'
export type { Fetch } from './refresh/http.ts'
export type { RefreshReason } from './refresh/request.ts'
export type { AuthSnapshot, SnapshotOrigin } from './snapshot.ts'
export type { GetAccountResponse, GetAuthStatusRequest, GetAuthStatusResponse } from './status.ts'
export { autoStorage } from './storage/auto.ts'
export { fileStorage } from './storage/file.ts'
export { type Environment, keyringAccount, resolveHome } from './storage/home.ts'
export { type KeyringBackend, keyringStorage } from './storage/keyring.ts'
export { memoryStorage } from './storage/memory.ts'
export { type SelectOptions, type StorageKind, selectStorage } from './storage/select.ts'
export type { AuthStorage, Reservation } from './storage/storage.ts'
