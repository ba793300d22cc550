/**
 * `castellan/policy`: read a policy, ask it, convert it, resolve it. Re-exports only; the specification's other questions
 * are used inside the library and stay there.
 */
export { type ErrorCode, PolicyError } from '../errors.ts'
export { accessOf, canRead, canWrite } from './access.ts'
export { intersectProfiles, mergeProfiles, normalizePermissions } from './additional-permissions.ts'
export { effectiveFileSystem, effectiveNetwork } from './effective-policy.ts'
export {
  type AdditionalPermissions,
  type EntryPermissions,
  parseAdditionalPermissions,
  printAdditionalPermissions,
} from './entry-permissions.ts'
export { effectiveWith, intersectAdditional, mergeAdditional, normalizeAdditional } from './entry-permissions-merge.ts'
export { isSemanticallyEquivalent } from './equivalence.ts'
export type { GlobFindings, GlobMatch, GlobQuestion, GlobSearch, GlobSnapshot } from './glob-snapshot.ts'
export { policyJsonSchema } from './json-schema.ts'
export { networkFromLegacy } from './legacy.ts'
export { legacyForDisplay, legacyToSplitKeepingDenials, withRoots } from './legacy-rebuild.ts'
export { legacyToSplit } from './legacy-to-split.ts'
export type { MacosAutomation, MacosExtension, MacosLevel } from './macos-extension.ts'
export type { Model } from './model.ts'
export {
  type ParseOptions,
  parseAbsolutePath,
  parseFileSystemPolicy,
  parseLegacyPolicy,
  parseNetworkPolicy,
} from './parse.ts'
export type { AbsolutePath } from './path.ts'
export {
  type FileSystemPermissions,
  type PermissionProfile,
  parsePermissionProfile,
} from './permission-profile.ts'
export {
  type CompiledPermissions,
  compilePermissions,
  type PermissionsOptions,
  type PermissionsRefusal,
  type PermissionsWarning,
} from './permissions-table.ts'
export {
  type PermissionsFromToml,
  type PermissionsNotice,
  type PermissionsTomlOptions,
  parsePermissionsToml,
} from './permissions-toml.ts'
export type {
  FileSystemAccess,
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxKind,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
  LegacySandboxPolicy,
  NetworkSandboxPolicy,
  Policy,
  ReadOnlyAccess,
} from './policy.ts'
export { type PolicyFromJson, parsePolicyJson, readPolicyJson, withJsonPlaces } from './policy-json.ts'
export { policies, SECRET_PATTERNS } from './presets.ts'
export { type JsonObject, type JsonValue, printFileSystemPolicy, printLegacyPolicy } from './print.ts'
export { readDenyTest } from './read-deny.ts'
export { type EnforcedAccess, enforcedAccessOf, resolvePolicy } from './resolve.ts'
export { parseRuntimeProfile, policyOfProfile, printRuntimeProfile, type RuntimeProfile } from './runtime-profile.ts'
export { parseSandboxPolicy } from './sandbox-policy.ts'
export { type LegacyConversion, splitToLegacy } from './split-to-legacy.ts'
export type { TextPlace } from './text-place.ts'
export type {
  Access,
  AccessRule,
  FileKind,
  FileSystemView,
  ResolvedPolicy,
  RuleOrigin,
  Surroundings,
  WritableRoot,
} from './types.ts'
export { type WorkspaceRootsOptions, withWorkspaceRoots } from './workspace-roots.ts'
