/**
 * A plan in words: one line per operation, for `plan` print-outs, golden files and error messages. Nothing parses this text.
 */
import { InternalError, unreachable } from '../errors.ts'
import type { AbsolutePath } from '../policy/path.ts'
import { dumpLandlockPlan } from './linux/landlock-text.ts'
import type { MountOperation } from './linux/mount.ts'
import type { LinuxPlan, MacosPlan, NamespacePlan, Plan } from './plan.ts'
import type { PlannedAccessEntry, WindowsPlan } from './windows/plan.ts'

/** The lines that `dumpLandlockPlan` writes before the first rule. */
const landlockHead = 4

/** Every part of the plan, in the order in which it is carried out. */
export function renderPlan(plan: Plan): string[] {
  switch (plan.kind) {
    case 'linux':
      return linuxLines(plan)
    case 'macos':
      return macosLines(plan)
    case 'windows':
      return windowsLines(plan)
    default:
      return unreachable(plan)
  }
}

function linuxLines(plan: LinuxPlan): string[] {
  return [
    `engine ${plan.engine}`,
    ...(plan.bubblewrap === null ? [] : [`program ${quote(plan.bubblewrap.path)}`]),
    ...(plan.namespaces === null ? [] : [`namespaces ${namespaceNames(plan.namespaces)}`]),
    ...(plan.mounts?.operations ?? []).map((_, index) => `mount ${planLine(plan, index)}`),
    ...landlockLines(plan).map(line => `landlock ${line}`),
    ...(plan.seccomp === null ? [] : [`seccomp ${plan.seccomp.architecture}, ${plan.seccomp.rules.length} rules`]),
    ...Object.entries(plan.environment).map(([name, value]) => `environment ${name}=${value}`),
    ...plan.limits.map(({ code, message }) => `limit ${code}: ${message}`),
    `digest ${plan.digest}`,
  ]
}

function macosLines({ engine, starter, profile, environment, limits, digest }: MacosPlan): string[] {
  return [
    `engine ${engine}`,
    ...(starter === null ? [] : [`${starter.kind} ${quote(starter.path)}`]),
    ...(profile?.text.trimEnd().split('\n') ?? []).map(line => `profile ${escapeControls(line)}`.trimEnd()),
    ...Object.entries(profile?.parameters ?? {}).map(([key, value]) => `parameter ${key}=${quote(value)}`),
    ...Object.entries(environment).map(([name, value]) => `environment ${name}=${value}`),
    ...limits.map(({ code, message }) => `limit ${code}: ${message}`),
    `digest ${digest}`,
  ]
}

function windowsLines(plan: WindowsPlan): string[] {
  const { engine, token, materialize, accessEntries, network, identity, environment, limits, dropped, digest } = plan
  return [
    `engine ${engine}`,
    `token flags 0x${token.flags.toString(16)}, integrity ${token.integrity}`,
    ...token.restricting.map(principal => `token restricted to ${escapeControls(principal)}`),
    ...token.privileges.map(privilege => `token keeps ${privilege}`),
    ...materialize.map(path => `make-directory ${quoteWindows(path)}`),
    ...accessEntries.map(accessEntryLine),
    `network ${network}${identity === null ? '' : ` as the ${identity} account`}`,
    ...Object.entries(environment).map(([name, value]) => `environment ${name}=${value}`),
    ...dropped.map(({ path, reason }) => `left out ${quoteWindows(path)}: ${reason}`),
    ...limits.map(
      ({ code, message, path }) => `limit ${code}: ${message}${path === undefined ? '' : ` (${quoteWindows(path)})`}`,
    ),
    `digest ${digest}`,
  ]
}

/** One entry of an access list, as the plan adds it. */
export function accessEntryLine({ path, kind, mask, inherited, roles }: PlannedAccessEntry): string {
  const reach = inherited ? 'and below' : 'alone'
  return `access ${kind} ${quoteWindows(path)} ${reach}, 0x${mask.toString(16)} for ${escapeControls(roles.join(' '))}`
}

/**
 * One operation of the mounts, or one rule of the Landlock ruleset, by its index there: how an error message names the step
 * that failed. Throws `InternalError` when there is none.
 */
export function planLine(plan: LinuxPlan, index: number, part: 'mounts' | 'landlock' = 'mounts'): string {
  const operation = part === 'mounts' ? plan.mounts?.operations[index] : undefined
  const line = operation === undefined ? landlockRuleLine(plan, part, index) : mountLine(operation)
  if (line === undefined) throw new InternalError(`the plan has no ${part} line ${index}`)
  return line
}

export function mountLine(operation: MountOperation): string {
  switch (operation.operation) {
    case 'host-tree':
      return `host-tree ${operation.access}`
    case 'bind':
      return `bind ${operation.access} ${operation.type} ${quote(operation.target)}${fromOther(operation)}`
    case 'mask-directory':
      return `mask-directory ${operation.passable ? 'passable ' : ''}${quote(operation.target)}`
    case 'make-symlink':
      return `make-symlink ${quote(operation.target)} -> ${quote(operation.to)}`
    case 'mask-file':
    case 'mask-missing':
    case 'make-directory':
    case 'make-file':
    case 'seal':
      return `${operation.operation} ${quote(operation.target)}`
    case 'empty-root':
    case 'devices':
    case 'process-files':
      return operation.operation
    default:
      return unreachable(operation)
  }
}

function fromOther({ source, target }: { readonly source: AbsolutePath; readonly target: AbsolutePath }): string {
  return source === target ? '' : ` from ${quote(source)}`
}

function landlockLines({ landlock }: LinuxPlan): string[] {
  return landlock === null ? [] : dumpLandlockPlan(landlock).trimEnd().split('\n').map(escapeControls)
}

function landlockRuleLine(plan: LinuxPlan, part: 'mounts' | 'landlock', index: number): string | undefined {
  return part === 'landlock' && index >= 0 ? landlockLines(plan)[landlockHead + index] : undefined
}

function namespaceNames({ pid, ipc, net }: NamespacePlan): string {
  const more = Object.entries({ pid, ipc, net }).flatMap(([name, made]) => (made ? [name] : []))
  return ['user', 'mount', ...more].join(' ')
}

/** A path may hold any character; quoted, a line stays a line and a terminal stays as it was. */
function quote(path: string): string {
  return escapeControls(JSON.stringify(path))
}

/** What `JSON.stringify` leaves as it is although a terminal acts on it. */
function escapeControls(line: string): string {
  return line.replaceAll(/[\u007f-\u009f]/g, control => `\\u00${control.charCodeAt(0).toString(16)}`)
}

/** No Windows name holds a quote or a control character below 0x20; its back slashes stay single for whoever reads it. */
function quoteWindows(path: string): string {
  return `"${escapeControls(path)}"`
}
